"""A real uvicorn server with the feed's sockets in front of a small Api, and clients for it."""

import asyncio
import base64
import gc
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed

from models.enums import RevocationReason
from models.events import FeedEvent
from offboard.feed import (
    SERVER_OPTIONS,
    Api,
    Audience,
    Connection,
    Endpoint,
    Feed,
    Following,
    OneWriteProtocol,
    Operation,
    OperationFailed,
    Result,
    Scope,
    Unauthorized,
)
from tests.offboard.feed.stage import ENDINGS, Positions, Somebody
from tests.waiting import until

FAILURE = {"message": "Not for you", "extensions": {"code": "FORBIDDEN"}}


class SmallApi:
    """An Api whose operations are told by their query, see execute().

    `checked` is where the feed stands when a right is checked; if it is not said, where it stood at the sign-in.
    """

    def __init__(self) -> None:
        self.people: dict[str, Somebody | RevocationReason] = {}
        self.answer = asyncio.Event()
        self.asked = asyncio.Event()
        self.closed = asyncio.Event()
        self.admit = asyncio.Event()
        self.admit.set()
        self.payload = "x"
        self.checked: int | None = None
        self.answers = Endings(self)
        self.endings = Audience(self.answers)

    async def authenticate(self, token: str | None) -> Somebody:
        await self.admit.wait()
        if token == "crash":
            raise ConnectionError("no database")
        match self.people.get(token or ""):
            case Somebody() as person:
                return person
            case reason:
                raise Unauthorized(reason)

    def web_token(self, scope: Scope) -> str | None:
        return None

    async def execute(self, connection: Connection, operation: Operation, scope: Scope) -> Result:
        checked = connection.identity.feed.position if self.checked is None else self.checked
        match operation.query:
            case "echo":
                return {"data": operation.variables}
            case "answer later":
                self.asked.set()
                await self.answer.wait()
                return {"data": {"late": True}}
            case "fail":
                raise OperationFailed([FAILURE])
            case "signed out":
                raise Unauthorized(RevocationReason.SIGNED_OUT)
            case "unknown":
                raise Unauthorized
            case "not json":
                return {"data": object()}
            case "watch":
                return Following(self.endings, ENDINGS, checked, checked)
            case "watch from the beginning":
                return Following(self.endings, ENDINGS, 0, checked)
            case "count":
                return self._count()
            case "fail after one":
                return self._count(OperationFailed([FAILURE]))
            case "flood":
                return self._flood()
        raise LookupError(operation.query)

    async def _count(self, failure: Exception | None = None) -> AsyncIterator[dict[str, Any]]:
        try:
            yield {"data": {"count": 1}}
            await self.answer.wait()
            if failure is not None:
                raise failure
            yield {"data": {"count": 2}}
        finally:
            self.closed.set()

    async def _flood(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield {"data": {"fill": "x" * 100_000}}


class Endings(Positions):
    """Answers with positions, as a result whose size is the Api's."""

    def __init__(self, api: SmallApi) -> None:
        super().__init__()
        self._api = api

    async def for_all(self, event: FeedEvent) -> bytes | None:
        await super().for_all(event)
        return orjson.dumps({"data": {"position": event.position, "fill": self._api.payload}})


class Noting:
    """A transport that notes what is written to it."""

    def __init__(self, transport: asyncio.Transport, writes: list[bytes]) -> None:
        self._transport = transport
        self._writes = writes

    def write(self, data: bytes) -> None:
        self._writes.append(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Watched(OneWriteProtocol):
    """Notes every write of the connection, and tells when writing stalls and when the connection is gone."""

    made: "list[Watched]" = []

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.writes: list[bytes] = []
        self.stuck = asyncio.Event()
        self.lost = asyncio.Event()
        self.made.append(self)
        self.transport = cast("asyncio.Transport", Noting(transport, self.writes))

    def pause_writing(self) -> None:
        super().pause_writing()
        self.stuck.set()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


@dataclass
class Running:
    """A running server."""

    port: int
    api: SmallApi
    server: uvicorn.Server
    connections: list[Watched] = field(default_factory=list)

    @asynccontextmanager
    async def client(self, token: str | None = None, **options: Any) -> AsyncIterator["Client"]:
        """A WebSocket client, introduced with a token if one is given."""
        options.setdefault("subprotocols", ["graphql-transport-ws"])
        async with connect_websocket(f"ws://127.0.0.1:{self.port}/graphql", **options) as websocket:
            client = Client(websocket)
            if token is not None:
                await client.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
                assert await client.hear() == {"type": "connection_ack"}
            yield client

    async def stuck_client(self, token: str, query: str) -> socket.socket:
        """A client that subscribes and then never reads again, without a library that would read for it."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", self.port))
        await loop.sock_sendall(
            raw,
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
            b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n",
        )
        assert b"101" in await loop.sock_recv(raw, 1024)
        await loop.sock_sendall(
            raw, masked({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        )
        answer = b""
        while b"connection_ack" not in answer:  # there may be a ping before it
            more = await loop.sock_recv(raw, 1024)
            assert more
            answer += more
        await loop.sock_sendall(raw, masked({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        return raw


@dataclass
class Client:
    """Speaks JSON over a WebSocket."""

    websocket: ClientConnection

    async def say(self, **message: Any) -> None:
        await self.websocket.send(json.dumps(message))

    async def subscribe(self, query: str, id: str = "1", **payload: Any) -> None:
        await self.say(id=id, type="subscribe", payload={"query": query, **payload})

    async def hear(self) -> Any:
        return json.loads(await self.websocket.recv())

    async def closing(self) -> tuple[int, str]:
        """How the server closes, once everything before has been heard."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.websocket.recv()
        received = closed.value.rcvd
        assert received is not None
        return received.code, received.reason

    async def hear_nothing(self) -> None:
        """Nothing more was said to it by now: whatever was, comes before the pong."""
        await self.say(type="ping")
        assert await self.hear() == {"type": "pong"}

    async def round_trip(self) -> None:
        """Wait until the server has taken what was said before: the frames of one connection stay in order."""
        await (await self.websocket.ping())


def connections_of(person: Somebody) -> int:
    """How many connections of somebody are still in memory."""
    gc.collect()
    return sum(isinstance(each, Connection) and each.identity is person for each in gc.get_objects())


async def frames(raw: socket.socket) -> AsyncIterator[bytes]:
    """The payload of each frame that a server sends (RFC 6455, 5.2)."""
    loop, buffer = asyncio.get_running_loop(), bytearray()

    async def take(size: int) -> bytes:
        while len(buffer) < size:
            buffer.extend(await loop.sock_recv(raw, 65_536))
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    while True:
        size = (await take(2))[1]
        if size > 125:
            size = int.from_bytes(await take(2 if size == 126 else 8), "big")
        yield await take(size)


def masked(message: dict[str, Any]) -> bytes:
    """A short text frame as a client sends it, with a mask of zeros (RFC 6455, 5.2 and 5.3)."""
    payload = json.dumps(message).encode()
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


@asynccontextmanager
async def serving(feed: Feed, **options: Any) -> AsyncIterator[Running]:
    """A server on a free port, shut down at the end."""
    api = SmallApi()
    checked: Api = api
    endpoint = Endpoint(checked, feed, **options)
    Watched.made = []
    other = {"ws": Watched, "ws_ping_interval": 1e6}  # no pings but those that a test wants
    config = uvicorn.Config(endpoint, port=0, lifespan="off", log_config=None, **{**SERVER_OPTIONS, **other})
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    running = Running(server.servers[0].sockets[0].getsockname()[1], api, server, Watched.made)
    try:
        yield running
    finally:
        for each in server.servers:  # what shutdown() does, without its pause
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await until(lambda: not (server.server_state.connections or server.server_state.tasks))
