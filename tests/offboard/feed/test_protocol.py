"""`graphql-transport-ws` on a real server, rule by rule as PROTOCOL.md of enisdenjo/graphql-ws states them."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from models.enums import RevocationReason
from offboard.feed import Feed
from offboard.feed.protocol import cut
from tests.offboard.feed.conftest import SHORT, Acme
from tests.offboard.feed.server import FAILURE, Client, Running, serving
from tests.offboard.feed.stage import ending, revocation
from tests.waiting import until

MASKED = [{"message": "Something went wrong on the server.", "extensions": {"code": "INTERNAL"}}]
pytestmark = pytest.mark.only_on("sqlite")  # what is said on a socket does not depend on the database

DEEP = "[" * 300 + "]" * 300


async def silence(client: Client) -> None:
    """Nothing more was said to a client by now: whatever was, comes before the pong."""
    await client.say(type="ping")
    assert await client.hear() == {"type": "pong"}


# ---------------------------------------------------------------- signing in


async def test_the_token_may_be_in_the_handshake(running: Running) -> None:
    async with running.client(additional_headers={"Authorization": "bearer ana"}) as client:
        await client.say(type="connection_init")
        assert await client.hear() == {"type": "connection_ack"}


async def test_the_payload_comes_before_the_handshake(running: Running) -> None:
    async with running.client(additional_headers={"Authorization": "Bearer ana"}) as client:
        await client.say(type="connection_init", payload={"authorization": "Bearer mallory"})
        assert await client.closing() == (4401, "Unauthorized")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": None},
        {"authorization": 7},
        {"authorization": "ana"},
        {"authorization": "Basic ana"},
        {"authorization": "Bearer "},
    ],
)
async def test_without_a_known_token_no_client_retries(running: Running, payload: object) -> None:
    running.api.people["Basic ana"] = running.api.people["ana"]
    async with running.client() as client:
        await client.say(type="connection_init", payload=payload)
        assert await client.closing() == (4401, "Unauthorized")


async def test_a_revoked_token_says_why(running: Running) -> None:
    running.api.people["gone"] = RevocationReason.USER_DEACTIVATED
    async with running.client() as client:
        await client.say(type="connection_init", payload={"authorization": "Bearer gone"})
        assert await client.closing() == (4401, "USER_DEACTIVATED")


async def test_a_failure_while_signing_in_lets_clients_retry(running: Running) -> None:
    async with running.client() as client:
        await client.say(type="connection_init", payload={"authorization": "Bearer crash"})
        assert await client.closing() == (1013, "Try again later")


async def test_a_session_revoked_while_signing_in_is_never_acknowledged(running: Running, acme: Acme) -> None:
    late = await acme.admit(running, "late")
    async with running.client("ana") as other:
        await other.subscribe("watch")
        await silence(other)
        await acme.commit(revocation(late))
        await other.hear()
        async with running.client() as client:
            await client.say(type="connection_init", payload={"authorization": "Bearer late"})
            assert await client.closing() == (4401, "USER_DEACTIVATED")


async def test_a_client_that_leaves_while_signing_in_leaves_nothing(running: Running, feed: Feed) -> None:
    running.api.admit.clear()
    async with running.client() as client:
        await client.say(type="connection_init", payload={"authorization": "Bearer ana"})
    await running.connections[0].lost.wait()
    await until(lambda: feed.workspaces == 0)


# ---------------------------------------------------------------- the protocol's close codes


async def test_only_graphql_transport_ws_is_served(running: Running) -> None:
    async with running.client(subprotocols=["graphql-ws"]) as client:
        assert await client.closing() == (4406, "Subprotocol not acceptable")
    async with running.client(subprotocols=None) as client:
        assert await client.closing() == (4406, "Subprotocol not acceptable")
    async with running.client(subprotocols=["graphql-ws", "graphql-transport-ws"]) as client:
        assert client.websocket.subprotocol == "graphql-transport-ws"


async def test_silence_is_closed_with_4408(feed: Feed, acme: Acme) -> None:
    async with serving(feed, init_timeout=SHORT) as running, running.client() as client:
        assert await client.closing() == (4408, "Connection initialisation timeout")


async def test_pings_are_no_introduction(feed: Feed, acme: Acme) -> None:
    """Red when any message stops the clock."""
    async with serving(feed, init_timeout=SHORT) as running, running.client() as client:
        await silence(client)
        await client.say(type="pong")
        await client.say(type="complete", id="1")
        assert await client.closing() == (4408, "Connection initialisation timeout")


async def test_an_init_in_time_stops_the_clock(feed: Feed, acme: Acme) -> None:
    async with serving(feed, init_timeout=2 * SHORT) as running:
        await acme.admit(running, "ana")
        async with running.client("ana") as client, running.client() as silent:
            assert await silent.closing() == (4408, "Connection initialisation timeout")
            await client.say(type="ping")
            assert await client.hear() == {"type": "pong"}


async def test_a_database_that_takes_its_time_is_no_silence(feed: Feed, acme: Acme) -> None:
    """Red when the clock runs on until the acknowledgement."""
    async with serving(feed, init_timeout=SHORT) as running:
        await acme.admit(running, "ana")
        running.api.admit.clear()
        async with running.client() as client, running.client() as silent:
            await client.say(type="connection_init", payload={"authorization": "Bearer ana"})
            assert await silent.closing() == (4408, "Connection initialisation timeout")
            running.api.admit.set()
            assert await client.hear() == {"type": "connection_ack"}


@pytest.mark.parametrize("wait_for_ack", [True, False])
async def test_a_second_init_is_closed_with_4429(running: Running, wait_for_ack: bool) -> None:
    async with running.client("ana" if wait_for_ack else None) as client:
        running.api.admit.clear()
        for _ in range(1 if wait_for_ack else 2):
            await client.say(type="connection_init", payload={"authorization": "Bearer ana"})
        assert await client.closing() == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("introduced", [True, False])
async def test_subscribing_before_the_ack_is_closed_with_4401(running: Running, introduced: bool) -> None:
    running.api.admit.clear()
    async with running.client() as client:
        if introduced:
            await client.say(type="connection_init", payload={"authorization": "Bearer ana"})
        await client.subscribe("echo")
        assert await client.closing() == (4401, "Unauthorized")


@pytest.mark.parametrize("query", ["count", "answer later", "watch", "watch from the beginning"])
async def test_a_live_id_is_closed_with_4409(running: Running, acme: Acme, query: str) -> None:
    await acme.commit(ending())
    async with running.client("ana") as client:
        await client.subscribe(query, id="ö" * 80)
        if query in ("count", "watch from the beginning"):
            await client.hear()
        await client.subscribe("echo", id="ö" * 80)
        code, reason = await client.closing()
        assert (code, reason) == (4409, cut(f"Subscriber for {'ö' * 80} already exists"))
        assert len(reason.encode()) == 123


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"ping"',
        "7",
        "{}",
        '{"type":null}',
        '{"type":7}',
        '{"type":"start"}',
        '{"type":"connection_terminate"}',
        '{"type":"connection_ack"}',
        '{"type":"next","id":"1","payload":{}}',
        '{"type":"error","id":"1","payload":[]}',
        '[{"type":"ping"}]',
        '{"type":"ping"}{"type":"ping"}',
        '\ufeff{"type":"ping"}',
        '{"type":"PING"}',
        '{"type":"ping","payload":7}',
        '{"type":"ping","payload":false}',
        '{"type":"ping","payload":{"sent":NaN}}',
        '{"type":"pong","payload":[]}',
        '{"type":"connection_init","payload":"Bearer ana"}',
        '{"type":"connection_init","payload":[]}',
        '{"type":"complete"}',
        '{"type":"complete","id":7}',
        '{"type":"complete","id":""}',
        '{"type":"subscribe","payload":{"query":"echo"}}',
        '{"type":"subscribe","id":7,"payload":{"query":"echo"}}',
        '{"type":"subscribe","id":"","payload":{"query":"echo"}}',
        '{"type":"subscribe","id":"\\ud800","payload":{"query":"echo"}}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"1","payload":null}',
        '{"type":"subscribe","id":"1","payload":[]}',
        '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":"echo"}',
        '{"type":"subscribe","id":"1","payload":{"query":null}}',
        '{"type":"subscribe","id":"1","payload":{"query":["echo"]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"echo","operationName":7}}',
        '{"type":"subscribe","id":"1","payload":{"query":"echo","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"echo","extensions":"x"}}',
        '{"type":"' + "x" * 200 + '"}',
        "[" * 100_000,
        '{"type":"ping","payload":{"deep":' + DEEP + "}}",
        b'{"type":"ping"}',
    ],
)
async def test_what_the_protocol_does_not_specify_is_closed_with_4400(running: Running, text: str | bytes) -> None:
    async with running.client() as client:
        await client.websocket.send(text)
        await client.say(type="ping")
        code, reason = await client.closing()
        assert code == 4400
        assert 0 < len(reason.encode()) <= 123


@pytest.mark.parametrize("text", ["{", '{"type":"ping","payload":{"deep":' + DEEP + "}}"])
async def test_nonsense_is_no_news(running: Running, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """Red when a message leaves a traceback in the log."""
    with capture_logs() as logs:
        async with running.client("ana") as client:
            await client.websocket.send(text)
            await client.closing()
        await running.connections[0].lost.wait()
    assert logs == []
    assert not caplog.records


async def test_text_that_is_no_utf_8_is_closed_with_1007(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async with running.client("ana") as client:
        await client.websocket.send(b'{"type":"\xff"}', text=True)
        assert (await client.closing())[0] == 1007
    assert not caplog.records


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize("payload", [{}, {"deep": [1, {"ü": None}]}])
async def test_a_ping_is_echoed_at_any_time(running: Running, payload: object) -> None:
    async with running.client() as client:
        await client.say(type="ping", payload=payload)
        assert await client.hear() == {"type": "pong", "payload": payload}


async def test_a_ping_without_payload_gets_a_pong_without_payload(running: Running) -> None:
    async with running.client() as client:
        for payload in ({}, {"payload": None}, {"payload": {"unasked": True}}):
            await client.say(type="pong", **payload)
        for payload in ({}, {"payload": None}):
            await client.say(type="ping", **payload)
            assert await client.hear() == {"type": "pong"}


async def test_a_ping_is_answered_while_signing_in(running: Running) -> None:
    running.api.admit.clear()
    async with running.client() as client:
        await client.say(type="connection_init", payload={"authorization": "Bearer ana"})
        await silence(client)
        running.api.admit.set()
        assert await client.hear() == {"type": "connection_ack"}


async def test_members_that_nobody_knows_are_left_alone(running: Running) -> None:
    async with running.client() as client:
        await client.say(type="connection_init", payload={"authorization": "Bearer ana", "more": 1}, id="x", extra=[])
        assert await client.hear() == {"type": "connection_ack"}
        payload = {"query": "echo", "variables": None, "operationName": None, "extensions": None, "more": 1}
        await client.say(id="1", type="subscribe", payload=payload, extra=None)
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": None}}
        assert await client.hear() == {"id": "1", "type": "complete"}


async def test_operations_run_beside_each_other(running: Running) -> None:
    async with running.client("ana") as client:
        await client.subscribe("answer later", id="slow")
        await client.subscribe("count", id="stream")
        assert (await client.hear())["id"] == "stream"
        await client.subscribe("echo", id="quick")
        assert [(await client.hear())["id"] for _ in range(2)] == ["quick", "quick"]
        running.api.answer.set()
        rest = [await client.hear() for _ in range(4)]
    for operation_id in ("slow", "stream"):
        own = [message["type"] for message in rest if message["id"] == operation_id]
        assert own == ["next", "complete"]


async def test_a_query_is_answered_and_its_id_is_free_again(running: Running) -> None:
    async with running.client("ana") as client:
        for number in (1, 2):
            await client.subscribe("echo", variables={"number": number}, operationName=None, extensions={})
            assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"number": number}}}
            assert await client.hear() == {"id": "1", "type": "complete"}


async def test_request_errors_come_as_error_without_complete(running: Running) -> None:
    async with running.client("ana") as client:
        for _ in range(2):  # its id is free again
            await client.subscribe("fail")
            assert await client.hear() == {"id": "1", "type": "error", "payload": [FAILURE]}
            await silence(client)


@pytest.mark.parametrize("query", ["no such thing", "not json"])
async def test_a_crash_is_masked_and_hurts_nobody_else(running: Running, query: str) -> None:
    async with running.client("ana") as client:
        await client.subscribe("answer later", id="other")
        await client.subscribe(query)
        assert await client.hear() == {"id": "1", "type": "error", "payload": MASKED}
        running.api.answer.set()
        assert (await client.hear())["id"] == "other"


@pytest.mark.parametrize("fails", [False, True])
async def test_a_stream_ends_with_complete_or_with_an_error(running: Running, fails: bool) -> None:
    async with running.client("ana") as client:
        running.api.answer.set()
        await client.subscribe("fail after one" if fails else "count")
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 1}}}
        if fails:
            assert await client.hear() == {"id": "1", "type": "error", "payload": [FAILURE]}
        else:
            assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 2}}}
            assert await client.hear() == {"id": "1", "type": "complete"}
        await client.say(id="1", type="complete")
        await silence(client)
        await client.subscribe("echo")
        assert (await client.hear())["type"] == "next"


async def test_completing_stops_a_stream_without_another_word(running: Running) -> None:
    async with running.client("ana") as client:
        await client.subscribe("count")
        await client.hear()
        await client.say(id="1", type="complete")
        await running.api.closed.wait()
        await client.say(id="1", type="complete")
        await client.say(id="never", type="complete")
        await client.subscribe("echo", variables={})
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {}}}


@pytest.mark.parametrize("query", ["watch", "watch from the beginning"])
async def test_completing_stops_what_follows_the_feed(running: Running, acme: Acme, query: str) -> None:
    """Red when an event still gets out after the client has completed, even one that is being answered."""
    await acme.commit(ending())
    async with running.client("ana") as client:
        answers = running.api.answers
        answers.hold = asyncio.Event()
        await client.subscribe(query)
        await silence(client)
        await acme.commit(ending())
        await until(lambda: answers.executed)
        await client.say(id="1", type="complete")
        await silence(client)
        answers.hold.set()
        running.api.checked = 2
        await client.subscribe("watch", id="2")
        await client.subscribe("watch", id="1")
        await silence(client)
        await acme.commit(ending())
        heard = [await client.hear() for _ in range(2)]
    assert {message["id"] for message in heard} == {"1", "2"}
    assert {message["payload"]["data"]["position"] for message in heard} == {3}


async def test_completing_before_the_ack_is_no_offence(running: Running) -> None:
    async with running.client() as client:
        await client.say(id="1", type="complete")
        await silence(client)


async def test_an_id_may_be_used_again_at_once(running: Running) -> None:
    """Red when the end of the earlier operation takes the later one with it."""
    async with running.client("ana") as client:
        await client.subscribe("answer later")
        await running.api.asked.wait()
        for message in (
            {"id": "1", "type": "complete"},
            {"id": "1", "type": "subscribe", "payload": {"query": "count"}},
        ):
            await client.websocket.send(json.dumps(message))
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 1}}}
        await client.subscribe("echo")
        assert (await client.closing())[0] == 4409


async def test_completing_a_query_withholds_its_result(running: Running) -> None:
    async with running.client("ana") as client:
        await client.subscribe("answer later")
        await running.api.asked.wait()
        await client.say(id="1", type="complete")
        await silence(client)
        running.api.answer.set()
        await client.subscribe("echo", id="2", variables={})
        assert (await client.hear())["id"] == "2"


async def test_a_client_that_leaves_stops_its_operations(running: Running, feed: Feed) -> None:
    async with running.client("ana") as client:
        await client.subscribe("count")
        await client.hear()
        await client.subscribe("watch", id="2")
        await silence(client)
        assert feed.workspaces == 1
    await running.api.closed.wait()
    await until(lambda: feed.workspaces == 0)


def test_reasons_are_cut_between_characters() -> None:
    assert cut("a" * 124) == "a" * 123
    assert cut("ö" * 62) == "ö" * 61
    assert cut("SIGNED_OUT") == "SIGNED_OUT"
