"""Python's clients as docs/clients.md shows them: across a restart, and at their end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gql.transport.exceptions import TransportQueryError

from tests.e2e.clients import with_gql, with_websockets
from tests.e2e.clients.with_websockets import SignedOut
from tests.e2e.conftest import NewServer
from tests.e2e.office import Office
from tests.waiting import LIMIT

CLIENTS = Path(with_gql.__file__).parent
GUIDE = Path(__file__).parents[2] / "docs" / "clients.md"


async def _hear(events: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(LIMIT):
        return await anext(events)


@pytest.mark.parametrize("client", [with_gql, with_websockets], ids=["gql", "websockets"])
async def test_every_event_comes_once_across_a_restart_until_the_session_ends(
    new_server: NewServer, http: httpx.AsyncClient, client: Any
) -> None:
    server = new_server().start()
    office = await Office.open(server, http)
    after = await office.olivia.feed_position()
    events = client.follow(server.socket_url, office.olivia.token, after)
    heard, expected = [], []
    for name in ("Ana", "Ben"):
        expected.append((await office.hire(name)).id)
        heard.append((await _hear(events))["userId"])
    waiting = asyncio.ensure_future(_hear(events))
    server.terminate()
    await asyncio.to_thread(server.wait)
    await asyncio.to_thread(server.start)
    expected += [(await office.hire("Cleo")).id, (await office.hire("Dan")).id]
    heard += [(await waiting)["userId"], (await _hear(events))["userId"]]
    assert heard == expected
    await office.olivia.ask("mutation { signOut { signedOut } }")
    with pytest.raises(SignedOut if client is with_websockets else StopAsyncIteration) as ended:
        await _hear(events)
    if client is with_websockets:
        assert str(ended.value) == "SIGNED_OUT"


@pytest.mark.parametrize(("client", "error"), [(with_gql, TransportQueryError), (with_websockets, RuntimeError)])
async def test_a_cursor_of_another_feed_is_an_error(office: Office, client: Any, error: type[Exception]) -> None:
    other = await Office.open(office.server, office.http)
    events = client.follow(office.server.socket_url, office.olivia.token, await other.olivia.feed_position())
    with pytest.raises(error, match="CURSOR_EXPIRED"):
        await _hear(events)


async def test_gql_learns_on_connecting_that_a_token_is_dead(office: Office) -> None:
    ana = await office.hire("Ana")
    await ana.ask("mutation { signOut { signedOut } }")
    assert ana.token is not None
    assert [event async for event in with_gql.follow(office.server.socket_url, ana.token, "any")] == []


@pytest.mark.parametrize("name", ["resuming.js", "until_signed_out.js", "with_gql.py", "with_websockets.py"])
def test_the_guide_shows_the_clients_that_run_here(name: str) -> None:
    code = (CLIENTS / name).read_text()
    if name.endswith(".py"):
        code = code.partition('"""\n\n')[2]
    assert code.strip() in GUIDE.read_text()
