"""uvicorn's protocols, with what ASGI has no message for: writing without waiting, a last word in one write, and
cutting a connection.

The running server passes itself to the application as `scope["extensions"]["offboard.transport"]`.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.http11 import Request
from websockets.protocol import Protocol as Frames

from offboard.feed.relay import TRY_AGAIN_LATER

EXTENSION = "offboard.transport"

STUCK_AFTER = 20.0
"""Seconds that a peer may leave unread what was written to it, before its connection is cut."""

UNSENT_LIMIT = 1_048_576
"""Bytes that may wait for a peer that does not read, besides what its transport holds."""

UNREAD_AFTER_CLOSE = 5.0
UNREAD_AFTER_SHUTDOWN = 0.5
"""Seconds that a peer has to read what was sent last, before its connection is cut."""

log = structlog.get_logger(__name__)

_EXCEPTIONAL = logging.getLogger("uvicorn.error.sockets")
_EXCEPTIONAL.setLevel(logging.WARNING)  # that a socket was opened, as it is said three times for each, is no news
_EXCEPTIONAL.addFilter(  # nor is text that is no UTF-8: its peer is told with 1007
    lambda record: record.exc_info is None or record.exc_info[0] is not UnicodeDecodeError
)


class Transport(Protocol):
    """What the socket handler asks of the server beyond ASGI's messages."""

    on_resume: Callable[[], None] | None
    """Called when a peer that stalled reads again, or is gone."""

    @property
    def stalled(self) -> bool:
        """The peer reads slower than it is written to. After STUCK_AFTER seconds of that its connection is cut."""

    def say(self, text: bytes) -> None:
        """Write a text message, or nothing if the connection is closing already; never blocks."""

    def finish(self, texts: Sequence[bytes], code: int, reason: str) -> None:
        """Send text messages and the close frame in one write, then wait for the peer to close; never blocks.

        A peer that does not answer is cut off after a while. Nothing happens if the connection is closing already.
        """

    def abort(self) -> None:
        """Cut the connection and drop what was not sent."""


class StreamTransport(Protocol):
    """What an event stream asks of the server beyond ASGI's messages."""

    on_end: Callable[[], None] | None
    """Called when the peer is gone, or the server stops."""

    def abort(self) -> None:
        """Cut the connection and drop what was not sent."""


def transport_of(scope: Mapping[str, Any]) -> Any:
    """The Transport, or StreamTransport, of an ASGI scope; the server must have been started with SERVER_OPTIONS."""
    return scope["extensions"][EXTENSION]


class OneWriteProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection on uvicorn. Implements Transport.

    Wherever uvicorn waits for a peer to read a close frame, it waits for ever if the peer does not read: a closing
    transport first empties its buffer. Here such a peer is cut off.
    """

    on_resume: Callable[[], None] | None = None
    stalled = False
    _stuck: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _EXCEPTIONAL

    def take_over(self, http: HttpToolsProtocol) -> None:
        """Go on with a connection whose request for an upgrade was read already: reading it again would take long."""
        self.connection_made(http.transport)
        self.conn.parser = Frames.parse(self.conn)
        next(self.conn.parser)
        headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in http.headers)
        self.handle_connect(
            Request(http.url.decode("latin-1"), headers, http.scope["method"], f"HTTP/{http.scope['http_version']}")
        )

    def run_asgi(self) -> Coroutine[Any, Any, None]:
        """Run the application, with this connection as an extension of its scope."""
        extensions: dict[Any, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self
        return super().run_asgi()

    async def send(self, message: Any) -> None:
        """ASGI's send. Once a socket is accepted nobody asks for the handshake again, which is kilobytes each."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            self.request = self.response = self.conn.request = None  # type: ignore[assignment, attr-defined]

    def say(self, text: bytes) -> None:
        """Write a text message, see Transport."""
        if not self._is_closing():
            self.transport.write(_text_frame(text))

    def finish(self, texts: Sequence[bytes], code: int, reason: str) -> None:
        """Send text messages and the close frame in one write (RFC 6455 5.5.1), see Transport."""
        if self._is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            return
        self.transport.write(b"".join([*map(_text_frame, texts), *self.conn.data_to_send()]))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._cut_soon()

    def abort(self) -> None:
        """Cut the connection, see Transport."""
        self.transport.abort()

    def _is_closing(self) -> bool:
        return self.close_sent or self.disconnected or self.transport.is_closing()

    def pause_writing(self) -> None:
        """The peer does not read: give it a while."""
        super().pause_writing()
        self.stalled = True
        self._stuck = self.loop.call_later(STUCK_AFTER, self._cut_stuck)

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        self._resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to be done for this peer."""
        super().connection_lost(exc)
        self._resume()
        self.on_resume = None

    def _resume(self) -> None:
        self.stalled = False
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        if self.on_resume is not None:
            self.on_resume()

    def _cut_stuck(self) -> None:
        log.warning("A client does not read: its transport is aborted")
        self.transport.abort()

    def shutdown(self) -> None:
        """Close with 1012 because the server stops."""
        super().shutdown()
        self.loop.call_later(UNREAD_AFTER_SHUTDOWN, self.transport.abort)

    def handle_close(self, event: Any) -> None:
        """The peer closes: it has a while to read what is left for it."""
        super().handle_close(event)
        self._cut_soon()

    def handle_parser_exception(self) -> None:
        """Close because the peer breaks RFC 6455."""
        super().handle_parser_exception()
        self._cut_soon()

    def _cut_soon(self) -> None:
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(UNREAD_AFTER_CLOSE, self.transport.abort)

    def start_keepalive(self) -> None:
        """Begin to ping, at some time of its own: those who came together are pinged all the interval long."""
        interval = self.ping_interval
        if interval:
            delay = random.uniform(0, interval)  # noqa: S311 (no secret)
            self.ping_timer = self.loop.call_later(delay, self.send_keepalive_ping)

    def keepalive_timeout(self) -> None:
        """Close with 1013 because no pong came: after uvicorn's 1011 a graphql-ws client would never come back."""
        self.pong_timer = None
        self.pending_ping_payload = None
        self.finish([], TRY_AGAIN_LATER, "No answer to a ping")


def _text_frame(text: bytes) -> bytes:
    """An unmasked, unfragmented text frame: RFC 6455 5.2."""
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), text)
