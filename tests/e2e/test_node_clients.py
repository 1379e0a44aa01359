"""What runs on Node.js: `graphql-http`'s audits, and `graphql-ws` with its default options."""

import asyncio
import json
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.e2e.callers import Person, deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.door import door_to
from tests.e2e.node import CLIENTS, running
from tests.e2e.office import Office
from tests.e2e.server import Server
from tests.e2e.sockets import closing_of, socket_of

DEACTIVATED = {"event": "closed", "code": 4401, "reason": "USER_DEACTIVATED"}


def test_the_locked_packages_name_no_registry() -> None:
    lock = json.loads((CLIENTS / "package-lock.json").read_text())
    assert not any("resolved" in package for package in lock["packages"].values())


async def test_every_audit_of_graphql_over_http_passes(server: Server, node: str) -> None:
    async with running(node, "audit.js", server.url) as script:
        await script.end()
    assert [line for line in script.lines if line["event"] != "ok"] == []
    assert len(script.lines) == 61


@pytest.mark.parametrize("scope", ["CURRENT_SESSION", "VIEWER"])
async def test_whoever_is_deactivated_hears_why_and_does_not_come_back(office: Office, node: str, scope: str) -> None:
    ana = await office.hire("Ana")
    async with running(node, "watch.js", ana.url.replace("http", "ws"), str(ana.token), scope) as script:
        await script.next("ready")
        assert await deactivate(office.olivia, ana.id) == {"revokedSessions": 1, "errors": []}
        await script.end()
    (event,) = script.told("next")
    assert (event["sessionId"], event["userId"], event["reason"]) == (ana.session_id, ana.id, "USER_DEACTIVATED")
    assert script.told("closed") == [DEACTIVATED]
    assert script.told("complete") == [{"event": "complete"}]
    assert script.told("error") == []
    # The script has ended by itself: graphql-ws was not waiting to connect again.
    assert script.told("connecting") == [{"event": "connecting", "isRetry": False}]
    assert await ana.why_out() == "USER_DEACTIVATED"
    assert await closing_of(ana) == (4401, "USER_DEACTIVATED")


async def test_a_dead_token_is_told_why_and_not_tried_again(office: Office, node: str) -> None:
    ana = await office.hire("Ana")
    await deactivate(office.olivia, ana.id)
    async with running(node, "watch.js", ana.url.replace("http", "ws"), str(ana.token)) as script:
        await script.end()
    assert script.told("connecting") == [{"event": "connecting", "isRetry": False}]
    assert script.told("closed") == [DEACTIVATED]
    assert script.told("error") == [{**DEACTIVATED, "event": "error"}]


async def test_a_cursor_that_cannot_be_resumed_is_no_reason_to_retry(office: Office, node: str) -> None:
    url = office.server.socket_url
    async with running(node, "watch.js", url, str(office.olivia.token), "WORKSPACE", "nonsense") as script:
        assert await script.next("error") == {"event": "error", "problem": "INVALID_CURSOR"}
        await script.end()
    assert len(script.told("connecting")) == 1


@pytest.mark.parametrize("patient", [False, True], ids=["as it comes behind a door", "patient on the same port"])
async def test_after_a_restart_every_event_comes_once_and_in_order(
    new_server: NewServer, http: httpx.AsyncClient, node: str, patient: bool
) -> None:
    server = new_server().start()
    office = await Office.open(server, http)
    start = await office.olivia.feed_position()
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(door_to(server.port))
        port = server.port if patient else door.port
        script = await stack.enter_async_context(
            running(
                node,
                "watch.js",
                *(f"ws://127.0.0.1:{port}/graphql", str(office.olivia.token), "WORKSPACE", start),
                *(["--patient"] if patient else []),
            )
        )
        await script.next("ready")
        expected = [await _come_and_go(office, "Ana"), await _come_and_go(office, "Ben")]
        for session_id in expected:
            assert (await script.next("next"))["sessionId"] == session_id
        door.shut()
        server.terminate()
        assert await script.next("closed") == {"event": "closed", "code": 1012, "reason": ""}
        await asyncio.to_thread(server.wait)
        await asyncio.to_thread(server.start)
        expected += [await _come_and_go(office, "Cleo"), await _come_and_go(office, "Dan")]
        door.open()
        for session_id in expected[2:]:
            assert (await script.next("next"))["sessionId"] == session_id
        await office.olivia.ask("mutation { signOut { signedOut } }")
        await script.end()
    expected.append(office.olivia.session_id)
    assert [event["sessionId"] for event in script.told("next")] == expected
    assert script.told("closed")[-1] == {"event": "closed", "code": 4401, "reason": "SIGNED_OUT"}
    assert script.told("connecting")[1]["isRetry"]
    watcher = await office.sign_in("Olivia")
    async with socket_of(watcher) as socket:
        await socket.watch("WORKSPACE", start)
        stored = [await socket.event() for _ in expected]
    assert [event["cursor"] for event in script.told("next")] == [event["cursor"] for event in stored]


async def _come_and_go(office: Office, name: str) -> str:
    person: Person = await office.hire(name)
    await person.ask("mutation { signOut { signedOut } }")
    return person.session_id
