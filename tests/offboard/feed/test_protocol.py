"""`graphql-transport-ws` on a real server, rule by rule as PROTOCOL.md of enisdenjo/graphql-ws states them: signing in,
and every close code."""

import pytest
from structlog.testing import capture_logs

from models.enums import RevocationReason
from offboard.feed import Feed
from offboard.feed.protocol import cut
from tests.offboard.feed.conftest import SHORT, Acme
from tests.offboard.feed.server import Running, serving
from tests.offboard.feed.stage import ending, revocation
from tests.waiting import until

pytestmark = pytest.mark.only_on("sqlite")  # what is said on a socket does not depend on the database

DEEP = "[" * 300 + "]" * 300


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
        await other.hear_nothing()
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
        await client.hear_nothing()
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


def test_reasons_are_cut_between_characters() -> None:
    assert cut("a" * 124) == "a" * 123
    assert cut("ö" * 62) == "ö" * 61
    assert cut("SIGNED_OUT") == "SIGNED_OUT"
