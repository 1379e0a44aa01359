"""What a socket still has to say to a client that reads too slowly."""

import asyncio
from collections import deque
from collections.abc import Callable

from offboard.feed.transport import UNSENT_LIMIT, Transport


class Outbox:
    """Messages that wait, in order, until a stalled transport takes them. Made for one stall; `emptied` is its end."""

    __slots__ = ("_bytes", "_emptied", "_over", "_texts", "_transport")

    def __init__(self, transport: Transport, emptied: Callable[[], None]) -> None:
        self._transport = transport
        self._emptied = emptied
        self._texts: deque[bytes] = deque()
        self._bytes = 0
        self._over = asyncio.Event()
        transport.on_resume = self._resume

    def keep(self, text: bytes) -> bool:
        """Let a message wait. False says that more than UNSENT_LIMIT bytes do by now."""
        self._texts.append(text)
        self._bytes += len(text)
        return self._bytes <= UNSENT_LIMIT

    async def over(self) -> None:
        """Wait until the stall is over and everything was written, or until release()."""
        await self._over.wait()

    def release(self) -> None:
        """Let nobody wait any longer: the socket is gone."""
        self._over.set()

    def _resume(self) -> None:
        while self._texts and not self._transport.stalled:
            text = self._texts.popleft()
            self._bytes -= len(text)
            self._transport.say(text)
        if not self._texts and not self._transport.stalled:
            self._emptied()
            self.release()
