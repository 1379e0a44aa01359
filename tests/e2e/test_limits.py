"""What a client may send, hold open and wait for: just below each limit, and just above it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.callers import Caller
from tests.e2e.conftest import NewServer
from tests.e2e.office import Office
from tests.e2e.sockets import SESSION_REVOKED, Socket, closing_of, open_socket, socket_of
from tests.waiting import LIMIT

LIMITS = {
    "MAX_BODY_BYTES": "1000",
    "MAX_MESSAGE_BYTES": "1000",
    "MAX_OPERATIONS_PER_SOCKET": "3",
    "MAX_SOCKETS_PER_SESSION": "2",
    "MAX_SOCKETS_PER_WORKSPACE": "3",
    "REQUEST_TIMEOUT": "1",
}

pytestmark = pytest.mark.only_on("sqlite")


@pytest.fixture
async def narrow(new_server: NewServer, http: httpx.AsyncClient) -> Office:
    """A workspace on a server that allows little."""
    return await Office.open(new_server(**LIMITS).start(), http)


def exceeded(limit: str) -> dict[str, Any]:
    names = {"body": "MAX_BODY_BYTES", "operations": "MAX_OPERATIONS_PER_SOCKET"}
    return {"code": "LIMIT_EXCEEDED", "limit": limit, "maximum": int(LIMITS[names.get(limit, f"MAX_{limit.upper()}")])}


async def test_limits(narrow: Office) -> None:
    """One server for all of them, since it takes longest to start it."""
    await bodies(narrow)
    await messages(narrow)
    await operations(narrow)
    await sockets(narrow)
    await heads(narrow)
    await slow_requests(narrow)


async def bodies(office: Office) -> None:
    query = json.dumps({"query": "{ __typename }"}).encode()
    headers = {"Content-Type": "application/json"}
    allowed = await office.http.post(office.server.url, content=query.ljust(1_000), headers=headers)
    assert allowed.json() == {"data": {"__typename": "Query"}}
    for content in (query.ljust(1_001), in_chunks(query.ljust(1_001)), query.ljust(3_000_000)):
        refused = await office.http.post(office.server.url, content=content, headers=headers)
        assert (refused.status_code, refused.headers["connection"]) == (413, "close")
        assert refused.json()["errors"][0]["extensions"] == exceeded("body")


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100):
        yield content[start : start + 100]


async def messages(office: Office) -> None:
    async with socket_of(office.olivia) as socket:
        ping = json.dumps({"type": "ping"})
        await socket.websocket.send(ping.ljust(1_000))
        assert await socket.hear() == {"type": "pong"}
        await socket.websocket.send(ping.ljust(1_001))
        assert (await socket.closing())[0] == 1009


async def operations(office: Office) -> None:
    async with socket_of(office.olivia) as socket:
        for number in "123":
            await socket.watch(id=number)
        await socket.watch(id="4")
        message = await socket.hear()
        assert (message["id"], message["type"]) == ("4", "error")
        assert message["payload"][0]["extensions"] == exceeded("operations")
        await socket.say(type="complete", id="2")
        await socket.settle()


async def sockets(office: Office) -> None:
    other = await office.sign_in("Olivia")
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(socket_of(office.olivia))
        stream = await stack.enter_async_context(stream_of(office.olivia))
        assert stream.status_code == 200
        assert await closing_of(office.olivia) == (1013, "Too many sockets of this session: 2 may be open at once.")
        async with stream_of(office.olivia) as refused:
            assert refused.status_code == 429
            assert json.loads(await refused.aread())["errors"][0]["extensions"] == exceeded("sockets_per_session")
        await stack.enter_async_context(socket_of(other))
        assert await closing_of(other) == (1013, "Too many sockets of this workspace: 3 may be open at once.")
        await first.websocket.close()
        await asyncio.sleep(0.1)
        async with socket_of(office.olivia) as again:
            await again.settle()
            # Those who were refused have left nothing behind, and the session is as good as before.
            assert await office.olivia.works()


@asynccontextmanager
async def stream_of(caller: Caller) -> AsyncIterator[httpx.Response]:
    """An event stream of somebody."""
    headers = {"Authorization": f"Bearer {caller.token}", "Accept": "text/event-stream"}
    body = {"query": SESSION_REVOKED, "variables": {"scope": "CURRENT_SESSION"}}
    async with caller.http.stream("POST", caller.url, json=body, headers=headers) as response:
        yield response


async def heads(office: Office) -> None:
    begin = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: "
    assert b"200 OK" in await said(office, begin + b"x" * 60_000 + b"\r\nConnection: close\r\n\r\n")
    assert b"431 Request Header Fields Too Large" in await said(office, *[begin, *[b"x" * 10_000] * 8])


async def slow_requests(office: Office) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
    late = b"408 Request Timeout"
    begun: list[tuple[bytes, ...]] = [(), (b"P",), (head,), (head, b'\r\n{"query": "{ __')]
    for answer in await asyncio.gather(*(said(office, *parts) for parts in begun)):
        assert late in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"]
    # One that has sent its request waits for as long as it likes.
    async with open_socket(office.server.url) as socket:
        await socket.introduce(office.olivia.token)
        await asyncio.sleep(1.2)
        await settled(socket)


async def settled(socket: Socket) -> None:
    await socket.say(type="ping")
    assert await socket.hear() == {"type": "pong"}


async def said(office: Office, *parts: bytes) -> bytes:
    """What the server says to some bytes until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.server.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        async with asyncio.timeout(LIMIT):
            return await reader.read()
    finally:
        writer.close()
