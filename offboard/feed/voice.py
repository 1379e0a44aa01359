"""What one socket says: at once, as soon as a slow reader has read the rest, or together with its end."""

from collections.abc import Iterable
from enum import IntEnum

import structlog

from offboard.feed import protocol
from offboard.feed.outbox import Outbox
from offboard.feed.transport import Transport

log = structlog.get_logger(__name__)


class Voice:
    """Writes to one transport. Nothing here raises, and only `ready` waits.

    While `_held` is a list the socket is being signed out: what operations still say is kept there, to leave together
    with the close frame. A gap after `complete` would make clients close with 1000 and never see 4401.
    """

    __slots__ = ("_held", "_outbox", "_transport", "closed")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._outbox: Outbox | None = None
        self._held: list[bytes] | None = None
        self.closed = False

    @property
    def is_ending(self) -> bool:
        """The socket is closed, or being signed out: nothing is taken up any more."""
        return self.closed or self._held is not None

    def say(self, text: bytes) -> None:
        """Send one message, or keep it; cut the connection if too much waits to be read."""
        if self.closed:
            return
        if self._held is not None:
            self._held.append(text)
        elif self._is_waiting():
            if not self._waiting().keep(text):
                log.warning("A client reads too slowly: its transport is aborted")
                self.abort()
        else:
            self._transport.say(text)

    async def ready(self) -> None:
        """Wait until the peer reads as fast as it is written to. What is held need not wait."""
        while self._held is None and self._is_waiting():
            await self._waiting().over()

    def hold(self) -> None:
        """Keep everything that is said from now on, for finish()."""
        self._held = []

    def finish(self, last: Iterable[bytes], code: IntEnum, reason: str) -> bool:
        """Send what was held, the last messages and the close frame in one write; False if they could not get out."""
        if self.closed:
            return False
        if self._is_waiting():
            self.abort()  # a message that cannot get out: what comes after it must not get out either
            return False
        self.closed = True
        self._transport.finish([*(self._held or ()), *last], code, protocol.cut(reason))
        return True

    def close(self, code: int, reason: str) -> None:
        """Close at once, without a word more."""
        if not self.closed:
            self.closed = True
            self._transport.finish([], code, protocol.cut(reason))

    def abort(self) -> None:
        """Cut the connection."""
        self.closed = True
        self._transport.abort()

    def release(self) -> None:
        """The socket is gone: let nobody wait for it any longer."""
        self.closed = True
        if self._outbox is not None:
            self._outbox.release()

    def _is_waiting(self) -> bool:
        return not self.closed and (self._transport.stalled or self._outbox is not None)

    def _waiting(self) -> Outbox:
        if self._outbox is None:
            self._outbox = Outbox(self._transport, self._emptied)
        return self._outbox

    def _emptied(self) -> None:
        self._outbox = None
