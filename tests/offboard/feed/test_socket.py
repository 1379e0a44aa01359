"""The WebSocket endpoint on a real server, message by message and close code by close code."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from models.database import Database
from models.enums import RevocationReason
from offboard.feed import Feed, transport
from offboard.feed.protocol import cut
from tests.offboard.feed.server import FAILURE, Running, serving
from tests.offboard.feed.stage import Somebody, change, revocation, running_feed, somebody, write
from tests.workshop import Workshop

SHORT = 0.05
MASKED = [{"message": "Something went wrong on the server.", "extensions": {"code": "INTERNAL"}}]


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[Feed]:
    async with running_feed(database, queue_limit=50) as feed:
        yield feed


@pytest.fixture
async def acme(workshop: Workshop) -> "Acme":
    return Acme(workshop)


class Acme:
    """A workspace whose people sign in by name."""

    def __init__(self, workshop: Workshop) -> None:
        self.database = workshop.database
        self.workspace_id = workshop.workspace_id

    async def admit(self, running: Running, name: str) -> Somebody:
        person = await somebody(self.database, self.workspace_id)
        running.api.people[name] = person
        return person

    async def commit(self, *what: object) -> None:
        await write(self.database, self.workspace_id, *what)  # type: ignore[arg-type]


@pytest.fixture
async def running(feed: Feed, acme: Acme) -> AsyncIterator[Running]:
    async with serving(feed, grace=SHORT) as running:
        await acme.admit(running, "ana")
        yield running


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
    assert feed.workspaces == 0


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


async def test_an_init_in_time_stops_the_clock(feed: Feed, acme: Acme) -> None:
    async with serving(feed, init_timeout=2 * SHORT) as running:
        await acme.admit(running, "ana")
        async with running.client("ana") as client, running.client() as silent:
            assert await silent.closing() == (4408, "Connection initialisation timeout")
            await client.say(type="ping")
            assert await client.hear() == {"type": "pong"}


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


@pytest.mark.parametrize("query", ["count", "answer later"])
async def test_a_live_id_is_closed_with_4409(running: Running, query: str) -> None:
    async with running.client("ana") as client:
        await client.subscribe(query, id="ö" * 80)
        if query == "count":
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
        '{"type":"ping","payload":7}',
        '{"type":"pong","payload":[]}',
        '{"type":"connection_init","payload":"Bearer ana"}',
        '{"type":"complete"}',
        '{"type":"complete","id":""}',
        '{"type":"subscribe","payload":{"query":"echo"}}',
        '{"type":"subscribe","id":7,"payload":{"query":"echo"}}',
        '{"type":"subscribe","id":"","payload":{"query":"echo"}}',
        '{"type":"subscribe","id":"\\ud800","payload":{"query":"echo"}}',
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"1","payload":null}',
        '{"type":"subscribe","id":"1","payload":[]}',
        '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":{"query":null}}',
        '{"type":"subscribe","id":"1","payload":{"query":"echo","operationName":7}}',
        '{"type":"subscribe","id":"1","payload":{"query":"echo","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"echo","extensions":"x"}}',
        '{"type":"' + "x" * 200 + '"}',
        "[" * 100_000,
        b'{"type":"ping"}',
    ],
)
async def test_what_the_protocol_does_not_specify_is_closed_with_4400(running: Running, text: str | bytes) -> None:
    async with running.client() as client:
        await client.websocket.send(text)
        code, reason = await client.closing()
        assert code == 4400
        assert 0 < len(reason.encode()) <= 123


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize("payload", [{}, {"deep": [1, {"ü": None}]}])
async def test_a_ping_is_echoed_at_any_time(running: Running, payload: object) -> None:
    async with running.client() as client:
        await client.say(type="ping", payload=payload)
        assert await client.hear() == {"type": "pong", "payload": payload}


async def test_a_ping_without_payload_gets_a_pong_without_payload(running: Running) -> None:
    async with running.client() as client:
        await client.say(type="pong")
        for payload in ({}, {"payload": None}):
            await client.say(type="ping", **payload)
            assert await client.hear() == {"type": "pong"}


async def test_a_query_is_answered_and_its_id_is_free_again(running: Running) -> None:
    async with running.client("ana") as client:
        for number in (1, 2):
            await client.subscribe("echo", variables={"number": number}, operationName=None, extensions={})
            assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"number": number}}}
            assert await client.hear() == {"id": "1", "type": "complete"}


async def test_request_errors_come_as_error_without_complete(running: Running) -> None:
    async with running.client("ana") as client:
        await client.subscribe("fail")
        assert await client.hear() == {"id": "1", "type": "error", "payload": [FAILURE]}
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}


@pytest.mark.parametrize("query", ["no such thing", "not json"])
async def test_a_crash_is_masked_and_hurts_nobody_else(running: Running, query: str) -> None:
    async with running.client("ana") as client:
        await client.subscribe("answer later", id="other")
        await client.subscribe(query)
        assert await client.hear() == {"id": "1", "type": "error", "payload": MASKED}
        running.api.answer.set()
        assert (await client.hear())["id"] == "other"


async def test_a_subscription_streams_and_may_end_with_errors(running: Running) -> None:
    async with running.client("ana") as client:
        await client.subscribe("count")
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 1}}}
        running.api.answer.set()
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"count": 2}}}
        assert await client.hear() == {"id": "1", "type": "error", "payload": [FAILURE]}
        await client.subscribe("echo")
        assert (await client.hear())["type"] == "next"


async def test_completing_stops_a_subscription_without_another_word(running: Running) -> None:
    async with running.client("ana") as client:
        await client.subscribe("count")
        await client.hear()
        await client.say(id="1", type="complete")
        await running.api.closed.wait()
        await client.say(id="1", type="complete")
        await client.say(id="never", type="complete")
        await client.subscribe("echo", variables={})
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {}}}


async def test_completing_a_query_withholds_its_result(running: Running) -> None:
    async with running.client("ana") as client:
        await client.subscribe("answer later")
        await running.api.asked.wait()
        await client.say(id="1", type="complete")
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}
        running.api.answer.set()
        await client.subscribe("echo", id="2", variables={})
        assert (await client.hear())["id"] == "2"


async def test_a_client_that_leaves_stops_its_operations(running: Running, feed: Feed) -> None:
    async with running.client("ana") as client:
        await client.subscribe("count")
        await client.hear()
        assert feed.workspaces == 1
    await running.api.closed.wait()
    await running.connections[0].lost.wait()
    assert feed.workspaces == 0


# ---------------------------------------------------------------- closed means closed


async def test_the_last_event_complete_and_4401_leave_in_one_write(running: Running, acme: Acme) -> None:
    """Red when messages are not held back while the socket is being signed out."""
    ana = await acme.admit(running, "ana")
    async with running.client("ana") as client:
        for operation_id in ("1", "2"):
            await client.subscribe("watch", id=operation_id)
        await client.subscribe("answer later", id="query")
        await running.api.asked.wait()
        writes = running.connections[0].writes
        writes.clear()
        running.api.answer.set()
        await acme.commit(revocation(ana), change())
        heard = [await client.hear() for _ in range(6)]
        assert await client.closing() == (4401, "USER_DEACTIVATED")
    for operation_id, data in (("1", 1), ("2", 1), ("query", None)):
        own = [message for message in heard if message["id"] == operation_id]
        assert [message["type"] for message in own] == ["next", "complete"]
        if data is not None:
            assert own[0]["payload"]["data"]["position"] == data
    (last,) = [write for write in writes if b"USER_DEACTIVATED" in write]
    assert last.count(b'"type":"complete"') >= 2
    assert last.count(b'"position":1') == 2
    assert b"\x11\x31USER_DEACTIVATED" in last[-18:]
    assert writes[-1] is last


async def test_a_socket_without_subscription_is_closed_too(running: Running, acme: Acme) -> None:
    ana = await acme.admit(running, "ana")
    async with running.client("ana") as client:
        await acme.commit(revocation(ana, RevocationReason.SIGNED_OUT))
        assert await client.closing() == (4401, "SIGNED_OUT")


async def test_a_query_that_does_not_answer_does_not_hold_the_close(running: Running, acme: Acme) -> None:
    ana = await acme.admit(running, "ana")
    async with running.client("ana") as client:
        await client.subscribe("answer later")
        await running.api.asked.wait()
        await acme.commit(revocation(ana))
        assert await client.closing() == (4401, "USER_DEACTIVATED")


async def test_nothing_is_taken_up_while_signing_out(feed: Feed, acme: Acme) -> None:
    async with serving(feed) as running:
        ana = await acme.admit(running, "ana")
        async with running.client("ana") as client:
            await client.subscribe("answer later", id="slow")
            await client.subscribe("watch")
            await running.api.asked.wait()
            await acme.commit(revocation(ana))
            await running.api.closed.wait()
            await client.say(type="ping")
            await client.subscribe("echo", id="slow")
            await client.round_trip()
            running.api.answer.set()
            heard = [await client.hear() for _ in range(4)]
            assert await client.closing() == (4401, "USER_DEACTIVATED")
    assert [(message["id"], message["type"]) for message in heard] == [
        ("1", "next"),
        ("1", "complete"),
        ("slow", "next"),
        ("slow", "complete"),
    ]


@pytest.mark.parametrize(("query", "reason"), [("signed out", "SIGNED_OUT"), ("unknown", "Unauthorized")])
async def test_a_session_found_dead_at_subscribe_closes_the_socket(running: Running, query: str, reason: str) -> None:
    async with running.client("ana") as client:
        await client.subscribe("watch", id="other")
        await client.subscribe(query)
        assert await client.hear() == {"id": "other", "type": "complete"}
        assert await client.closing() == (4401, reason)


async def test_ending_a_feed_closes_for_a_retry_without_completing(database: Database, acme: Acme) -> None:
    """Red when operations are completed: clients would not subscribe again."""
    async with running_feed(database) as feed, serving(feed) as running:
        await acme.admit(running, "ana")
        async with running.client("ana") as client:
            await client.subscribe("watch")
            await client.say(type="ping")
            await client.hear()
            await feed.stop()
            assert await client.closing() == (1012, "Service restart")


# ---------------------------------------------------------------- clients that do not read


async def test_overflow_aborts_the_stuck_client_and_spares_the_other(running: Running, acme: Acme) -> None:
    running.api.payload = "x" * 300_000
    await acme.admit(running, "stuck")
    raw = await running.stuck_client("stuck", "watch")
    stuck = running.connections[0]
    async with running.client("ana", max_size=None) as client:
        await client.subscribe("watch")
        position = 0
        while not stuck.lost.is_set():
            await acme.commit(change())
            position += 1
            assert (await client.hear())["payload"]["data"]["position"] == position
    assert not any(b"\x88" in write[:1] for write in stuck.writes)
    raw.close()


async def test_signing_out_a_stuck_client_aborts_it(running: Running, acme: Acme) -> None:
    """Red when a blocked message is skipped and later ones are sent: the client's cursor would pass it."""
    ana = await acme.admit(running, "ana")
    raw = await running.stuck_client("ana", "flood")
    stuck = running.connections[0]
    await stuck.stalled.wait()
    stuck.writes.clear()
    await acme.commit(revocation(ana))
    await stuck.lost.wait()
    assert stuck.writes == []
    raw.close()


async def test_a_close_frame_that_nobody_reads_is_not_waited_for(
    running: Running, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "UNREAD_AFTER_CLOSE", SHORT)
    ana = await acme.admit(running, "ana")
    raw = await running.stuck_client("ana", "echo")
    await acme.commit(revocation(ana))
    await running.connections[0].lost.wait()
    assert running.connections[0].writes[-1].endswith(b"USER_DEACTIVATED")
    raw.close()


async def test_a_client_that_answers_no_ping_is_cut(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "UNREAD_AFTER_CLOSE", SHORT)
    running.server.config.ws_ping_interval = running.server.config.ws_ping_timeout = SHORT
    raw = await running.stuck_client("ana", "flood")
    await running.connections[0].lost.wait()
    raw.close()


async def test_a_client_that_answers_no_ping_may_come_back(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red with uvicorn's own 1011, after which graphql-ws clients never connect again."""
    monkeypatch.setattr(transport, "UNREAD_AFTER_CLOSE", SHORT)
    running.server.config.ws_ping_interval = running.server.config.ws_ping_timeout = SHORT
    raw = await running.stuck_client("ana", "echo")
    await running.connections[0].lost.wait()
    assert running.connections[0].writes[-1][2:4] == (1013).to_bytes(2, "big")
    raw.close()


async def test_shutting_down_closes_with_1012_and_does_not_wait_for_stuck_clients(
    running: Running, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "UNREAD_AFTER_SHUTDOWN", SHORT)
    raw = await running.stuck_client("ana", "flood")
    await running.connections[0].stalled.wait()
    async with running.client("ana") as client:
        await client.subscribe("watch")
        await client.say(type="ping")
        await client.hear()
        stopping = asyncio.create_task(running.server.shutdown())
        assert await client.closing() == (1012, "")
    await stopping
    running.server.servers = []
    raw.close()


def test_reasons_are_cut_between_characters() -> None:
    assert cut("a" * 124) == "a" * 123
    assert cut("ö" * 62) == "ö" * 61
    assert cut("SIGNED_OUT") == "SIGNED_OUT"
