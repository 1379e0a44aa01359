"""Three nodes behind nginx, with the configuration that docs/nginx.conf shows."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.e2e.callers import Caller, deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.lean import Closed, open_lean
from tests.e2e.metrics import measured
from tests.e2e.node import running
from tests.e2e.office import PASSWORD, Office
from tests.e2e.server import Server
from tests.services.nginx import Nginx
from tests.services.redis import Redis

SHOWN = (Path(__file__).parents[2] / "docs" / "nginx.conf").read_text()


def as_shown(nodes: Sequence[int], port: int) -> str:
    """The configuration of the documentation for nodes on some ports of this machine, without TLS."""
    plain = re.sub(r"^ *(ssl_certificate|http2).*\n", "", SHOWN, flags=re.MULTILINE)
    plain = plain.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    addresses = re.findall(r"10\.0\.0\.\d:8000", plain)
    for address, node in zip(addresses, nodes, strict=True):
        plain = plain.replace(address, f"127.0.0.1:{node}")
    return plain


@pytest.fixture
def nodes(new_server: NewServer) -> Iterator[list[Server]]:
    """Three nodes with PostgreSQL and Redis."""
    with Redis() as redis:
        yield [new_server(BROKER_URL=redis.url).start() for _ in range(3)]


@pytest.fixture
def proxy(nodes: list[Server]) -> Iterator[Nginx]:
    """nginx in front of them."""
    with Nginx(partial(as_shown, [node.port for node in nodes])) as nginx:
        yield nginx


@pytest.fixture
async def office(nodes: list[Server], proxy: Nginx, http: httpx.AsyncClient) -> Office:
    """A workspace whose people call nginx."""
    office = await Office.open(nodes[0], http)
    office.olivia = office.olivia.at(f"{proxy.url}/graphql")
    return office


async def open_sockets(nodes: Sequence[Server], http: httpx.AsyncClient) -> list[float]:
    """How many sockets and streams each node holds."""
    return [await measured(node, http, "offboard_open_sockets") for node in nodes]


@pytest.mark.only_on("postgresql")
async def test_sockets_on_all_nodes_are_closed(office: Office, nodes: list[Server], proxy: Nginx) -> None:
    ana = await office.hire("Ana")
    sockets = [await open_lean(proxy.port, ana.token) for _ in range(6)]
    assert await open_sockets(nodes, office.http) == [2, 2, 2]
    await deactivate(office.olivia, ana.id)
    assert [await socket.end() for socket in sockets] == [Closed(4401, "USER_DEACTIVATED")] * 6
    assert await ana.at(office.olivia.url).why_out() == "USER_DEACTIVATED"


@pytest.mark.only_on("postgresql")
async def test_when_nodes_are_killed_clients_go_on_at_another(
    office: Office, nodes: list[Server], proxy: Nginx, node: str
) -> None:
    start = await office.olivia.feed_position()
    watcher = await office.sign_in("Olivia")
    url = f"{proxy.url}/graphql"
    async with AsyncExitStack() as stack:
        socket = await stack.enter_async_context(
            running(node, "watch.js", url.replace("http", "ws"), str(watcher.token), "WORKSPACE", start, "--patient")
        )
        stream = await stack.enter_async_context(
            running(node, "stream.js", url, str(watcher.token), "WORKSPACE", start)
        )
        await socket.next("ready")
        await stream.next("connected")
        asking = asyncio.create_task(ask_on(office))
        await leave(office, "Ana")
        for client in (socket, stream):
            await client.next("next")
        holding = [each for each, count in zip(nodes, await open_sockets(nodes, office.http), strict=True) if count]
        for each in holding:
            each.crash()
        await leave(office, "Ben")
        for client in (socket, stream):
            await client.next("next")
        await watcher.at(url).ask("mutation { signOut { signedOut } }")
        for client in (socket, stream):
            await client.end()
        asking.cancel()
        assert await asking > 0
    assert len(holding) == 2
    rows = await office.events(start)
    for client in (socket, stream):
        assert [(event["cursor"], event["sessionId"]) for event in client.told("next")] == rows
    assert socket.told("closed")[-1] == {"event": "closed", "code": 4401, "reason": "SIGNED_OUT"}
    assert stream.told("complete")


async def leave(office: Office, name: str) -> None:
    person = await office.hire(name)
    await deactivate(office.olivia, person.id)


async def ask_on(office: Office) -> int:
    """Ask one thing after the other by GET; how many answers there were. There is no other than a good one."""
    answers = 0
    headers = {"Authorization": f"Bearer {office.olivia.token}"}
    try:
        while True:
            response = await office.http.get(office.olivia.url, params={"query": "{ viewer { id } }"}, headers=headers)
            assert response.json() == {"data": {"viewer": {"id": office.olivia.id}}}
            answers += 1
    except asyncio.CancelledError:
        return answers


@pytest.mark.only_on("postgresql")
async def test_the_address_is_not_what_the_client_claims(office: Office, proxy: Nginx) -> None:
    visitor = Caller(office.http, f"{proxy.url}/graphql")
    office.http.headers["X-Forwarded-For"] = "203.0.113.9"
    person = await visitor.sign_in(office.slug, office.email("Olivia"), PASSWORD)
    sessions = await person.ask("{ viewer { sessions { ipAddress } } }")
    assert {each["ipAddress"] for each in sessions["sessions"]} == {"127.0.0.1"}


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 3)])
async def test_what_a_node_has_got_is_sent_to_another_only_if_it_may_be_repeated(
    http: httpx.AsyncClient, method: str, times: int
) -> None:
    got: list[bytes] = []

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            got.append(await reader.readuntil(b" "))

    async with await asyncio.start_server(die, "127.0.0.1") as dying:
        port = dying.sockets[0].getsockname()[1]
        with Nginx(partial(as_shown, [port] * 3)) as proxy:
            response = await http.request(method, f"{proxy.url}/graphql")
    assert (response.status_code, got) == (502, [f"{method} ".encode()] * times)
