"""uvicorn's protocol for requests, with what it does not bound by itself; and what it is to be started with."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from offboard.feed.transport import EXTENSION, OneWriteProtocol

REQUEST_TIMEOUT = 20.0
"""Seconds that a peer has to send a request."""

LONGEST_HEAD = 65_536
"""Bytes that a request's headers may have."""


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, and how many seconds a peer may take to send a request."""

    def __init__(self, *args: Any, request_timeout: float = REQUEST_TIMEOUT, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request_timeout = request_timeout


class StreamingProtocol(HttpToolsProtocol):
    """One HTTP connection on uvicorn. Implements StreamTransport.

    uvicorn would let an event stream that is open hold up its end, wait for ever for a peer that does not read, or that
    does not say what it wants, and take headers without end.
    """

    on_end: Callable[[], None] | None = None
    _late: asyncio.TimerHandle | None = None
    _head_bytes: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A peer has a while to say what it wants."""
        super().connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Go on reading, unless the headers never end."""
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self._refuse(b"431 Request Header Fields Too Large", "The request's headers are too long.")

    def on_message_begin(self) -> None:
        """Begin a request, with this connection as an extension of its scope."""
        super().on_message_begin()
        self.scope["extensions"] = cast("dict[str, dict[object, object]]", {EXTENSION: self})
        self._head_bytes = 0
        self._await_request()

    def on_headers_complete(self) -> None:
        """The request is known; its body may be still to come."""
        self._head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has arrived."""
        super().on_message_complete()
        self._stop_waiting()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on and leave nothing behind: the parser and this object hold each other."""
        self._stop_waiting()
        self.connections.discard(self)
        protocol = cast("type[OneWriteProtocol]", self.ws_protocol_class)(
            self.config, self.server_state, self.app_state
        )
        protocol.take_over(self)
        self.transport.set_protocol(protocol)
        self.parser = None  # type: ignore[assignment]
        self.scope = None  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        super().connection_lost(exc)
        self._stop_waiting()
        self._end()

    def shutdown(self) -> None:
        """Stop taking requests, and end a stream."""
        super().shutdown()
        self._end()

    def abort(self) -> None:
        """Cut the connection, see StreamTransport."""
        self.transport.abort()

    def _end(self) -> None:
        if self.on_end is not None:
            self.on_end()

    def _await_request(self) -> None:
        if self._late is None:
            patience = getattr(self.config, "request_timeout", REQUEST_TIMEOUT)
            self._late = self.loop.call_later(
                patience, self._refuse, b"408 Request Timeout", "The request did not arrive in time."
            )

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: bytes, message: str) -> None:
        """Answer a request that has not arrived, unless an answer is under way, and close."""
        self._stop_waiting()
        self._head_bytes = None
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": "INVALID_INPUT"}}]})
            self.transport.write(
                b"HTTP/1.1 %b\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%b" % (status, len(body), body)
            )
        self.transport.close()


SERVER_OPTIONS: dict[str, Any] = {
    "interface": "asgi3",
    "http": StreamingProtocol,
    "ws": OneWriteProtocol,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 10.0,
    "ws_ping_timeout": 12.0,
}
"""What uvicorn.Config needs for the feed's sockets. A peer that answers no ping is gone after 27 seconds."""
