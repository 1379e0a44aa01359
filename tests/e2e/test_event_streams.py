"""`graphql-sse` from npm: event streams, from their first event to their end."""

import asyncio

import httpx

from tests.e2e.callers import deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.node import running
from tests.e2e.office import Office


async def test_whoever_is_deactivated_hears_why_and_does_not_come_back(office: Office, node: str) -> None:
    ana = await office.hire("Ana")
    arguments = (ana.url, str(ana.token))
    async with running(node, "stream.js", *arguments, "CURRENT_SESSION", await ana.feed_position()) as script:
        await script.next("connected")
        assert await deactivate(office.olivia, ana.id) == {"revokedSessions": 1, "errors": []}
        await script.end()
    (event,) = script.told("next")
    assert (event["sessionId"], event["userId"], event["reason"]) == (ana.session_id, ana.id, "USER_DEACTIVATED")
    assert [line["event"] for line in script.lines] == ["connecting", "connected", "next", "complete"]
    async with running(node, "stream.js", *arguments) as script:
        await script.end()
    assert script.told("error") == [{"event": "error", "code": "UNAUTHENTICATED", "reason": "USER_DEACTIVATED"}]
    assert len(script.told("connecting")) == 1


async def test_after_a_restart_every_event_comes_once_and_in_order(
    new_server: NewServer, http: httpx.AsyncClient, node: str
) -> None:
    server = new_server().start()
    office = await Office.open(server, http)
    watcher = await office.sign_in("Olivia")
    start = await office.olivia.feed_position()
    arguments = (server.url, str(watcher.token), "WORKSPACE", start)
    async with running(node, "stream.js", *arguments) as script:
        await script.next("connected")
        await deactivate(office.olivia, (await office.hire("Ana")).id)
        await script.next("next")
        assert await asyncio.to_thread(server.stop) == 0
        await script.next("connecting")
        await asyncio.to_thread(server.start)
        await deactivate(office.olivia, (await office.hire("Ben")).id)
        await script.next("next")
        await watcher.ask("mutation { signOut { signedOut } }")
        await script.end()
    rows = await office.events(start)
    assert [(event["cursor"], event["sessionId"]) for event in script.told("next")] == rows
    assert len(rows) == 3
    assert script.told("complete")


async def test_a_cursor_that_cannot_be_resumed_is_no_reason_to_retry(office: Office, node: str) -> None:
    arguments = (office.olivia.url, str(office.olivia.token), "WORKSPACE", "nonsense")
    async with running(node, "stream.js", *arguments) as script:
        await script.end()
    assert script.told("refused") == [{"event": "refused", "code": "INVALID_CURSOR"}]
    assert len(script.told("connecting")) == 1
