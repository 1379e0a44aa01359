"""A socket that costs little, so that a test can hold a thousand: RFC 6455 as far as this server and this client need.

`sockets.Socket` is for everything else: it is a real library's, and checks more.
"""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.waiting import LIMIT

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def frame(payload: bytes, kind: int = TEXT) -> bytes:
    """A frame as a client sends it, with a mask of zeros (RFC 6455, 5.2 and 5.3)."""
    short = len(payload) < 126
    length = bytes([0x80 | len(payload)]) if short else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | kind]) + length + bytes(4) + payload


def said(message: dict[str, Any]) -> bytes:
    """A message as a frame."""
    return frame(json.dumps(message).encode())


def handshake() -> bytes:
    """The request that opens a socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


@dataclass(frozen=True, slots=True)
class Closed:
    """How a socket ended; without a close frame the code is 0."""

    code: int
    reason: str = ""


class LeanSocket(asyncio.Protocol):
    """One connection. What has come stands in `messages`; `wait` waits until something is true of it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.closed: Closed | None = None
        self.lost = False
        self._unread = bytearray()
        self.shaken = False
        self._news = asyncio.Event()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(handshake())

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self.shaken:
            head, found, rest = bytes(self._unread).partition(b"\r\n\r\n")
            if not found:
                return
            assert head.startswith(b"HTTP/1.1 101 "), head
            self.shaken, self._unread = True, bytearray(rest)
        while (end := self._take_frame()) is not None:
            del self._unread[:end]
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = self.closed or Closed(0)
        self.lost = True
        self._news.set()

    def say(self, **message: Any) -> None:
        self._transport.write(said(message))

    def subscribe(self, query: str, **variables: Any) -> None:
        self.say(id="1", type="subscribe", payload={"query": query, "variables": variables})

    @property
    def heard(self) -> list[tuple[str, str]]:
        """Of every event that has come, the cursor, and the session that has ended or the user who has changed."""
        payloads = [each["payload"] for each in self.messages if each["type"] == "next"]
        events = [event for payload in payloads for event in payload["data"].values()]
        return [(event["cursor"], event.get("sessionId") or event["userId"]) for event in events]

    async def news(self) -> None:
        """Wait until something has come, or the socket has ended."""
        if not self.lost:
            self._news.clear()
            await self._news.wait()

    async def wait(self, until: Callable[[], object]) -> None:
        """Wait until something is true; ConnectionResetError if the socket ends before."""
        async with asyncio.timeout(LIMIT):
            while not until():
                if self.closed is not None:
                    raise ConnectionResetError(f"{self.closed} after {self.messages}")
                await self.news()

    async def hear(self, count: int) -> None:
        """Wait until so many events have come."""
        await self.wait(lambda: len(self.heard) >= count)

    async def end(self) -> Closed:
        """How the server closes it."""
        async with asyncio.timeout(LIMIT):
            while self.closed is None or not self.lost:
                await self.news()
        return self.closed

    def abort(self) -> None:
        """Go away without a word."""
        self._transport.abort()

    def _take_frame(self) -> int | None:
        """Take in the first frame; where it ends, or None if it is not complete yet."""
        unread = self._unread
        if len(unread) < 2 or len(unread) < (start := {126: 4, 127: 10}.get(unread[1], 2)):
            return None
        end = start + (unread[1] if start == 2 else int.from_bytes(unread[2:start], "big"))
        if len(unread) < end:
            return None
        payload = bytes(unread[start:end])
        match unread[0] & 0x0F:
            case 0x1:
                self.messages.append(json.loads(payload))
            case 0x9:
                self._transport.write(frame(payload, PONG))
            case 0x8:
                self.closed = Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode())
                self._transport.write(frame(payload[:2], CLOSE))
                self._transport.close()
        return end


async def open_lean(port: int, token: str | None) -> LeanSocket:
    """A socket that has introduced itself, and was acknowledged or closed; OSError if there is nobody on the port."""
    _, socket = await asyncio.get_running_loop().create_connection(LeanSocket, "127.0.0.1", port)
    try:
        await socket.wait(lambda: socket.shaken)
        socket.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
        await socket.wait(lambda: socket.messages or socket.closed)
    except BaseException:
        socket.abort()
        raise
    return socket


class LeanHttp:
    """A connection to a node that asks one thing after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def post(self, token: str | None, query: str, **variables: Any) -> tuple[int, Any]:
        """The status and the body of the answer."""
        body = json.dumps({"query": query, "variables": variables})
        self._writer.write(
            "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        async with asyncio.timeout(LIMIT):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            return int(head.split()[1]), json.loads(await self._reader.readexactly(length))


@asynccontextmanager
async def open_http(port: int) -> AsyncIterator[LeanHttp]:
    """A connection that is kept alive."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield LeanHttp(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()
