"""uvicorn's WebSocket protocol, with what ASGI has no message for: a last word in one write, and cutting a connection.

The running server passes itself to the application as `scope["extensions"]["offboard.transport"]`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from offboard.feed.relay import TRY_AGAIN_LATER

EXTENSION = "offboard.transport"

UNREAD_AFTER_CLOSE = 5.0
UNREAD_AFTER_SHUTDOWN = 0.5
"""Seconds that a peer has to read what was sent last, before its connection is cut."""


class Transport(Protocol):
    """What the socket handler asks of the server beyond ASGI's messages."""

    def finish(self, texts: Sequence[str], code: int, reason: str) -> None:
        """Send text messages and the close frame in one write, then wait for the peer to close; never blocks.

        A peer that does not answer is cut off after a while. Nothing happens if the connection is closing already.
        """

    def abort(self) -> None:
        """Cut the connection and drop what was not sent."""


def transport_of(scope: Mapping[str, Any]) -> Transport:
    """The transport of an ASGI scope; the server must have been started with SERVER_OPTIONS."""
    transport: Transport = scope["extensions"][EXTENSION]
    return transport


class OneWriteProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection on uvicorn. Implements Transport.

    Wherever uvicorn waits for a peer to read a close frame, it waits for ever if the peer does not read: a closing
    transport first empties its buffer. Here such a peer is cut off.
    """

    async def run_asgi(self) -> None:
        """Run the application, with this connection as an extension of its scope."""
        extensions: dict[Any, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self
        await super().run_asgi()

    def finish(self, texts: Sequence[str], code: int, reason: str) -> None:
        """Send text messages and the close frame in one write (RFC 6455 5.5.1), see Transport."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        try:
            for text in texts:
                self.conn.send_text(text.encode())
            self.conn.send_close(code, reason)
        except InvalidState:
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(UNREAD_AFTER_CLOSE, self.transport.abort)

    def abort(self) -> None:
        """Cut the connection, see Transport."""
        self.transport.abort()

    def shutdown(self) -> None:
        """Close with 1012 because the server stops."""
        super().shutdown()
        self.loop.call_later(UNREAD_AFTER_SHUTDOWN, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """Close with 1013 because no pong came: after uvicorn's 1011 a graphql-ws client would never come back."""
        self.pong_timer = None
        self.pending_ping_payload = None
        self.finish([], TRY_AGAIN_LATER, "No answer to a ping")


SERVER_OPTIONS: dict[str, Any] = {
    "ws": OneWriteProtocol,
    "ws_per_message_deflate": False,
}
"""What uvicorn.Config needs for the feed's sockets."""
