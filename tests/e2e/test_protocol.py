"""`graphql-transport-ws` with the real schema, by PROTOCOL.md of enisdenjo/graphql-ws.

What does not depend on the schema is in tests/offboard/feed/test_protocol.py, rule by rule.
"""

import asyncio
import json
from typing import Any

import pytest
from websockets.typing import Subprotocol

from tests.e2e.callers import DEACTIVATE, deactivate
from tests.e2e.office import Office
from tests.e2e.sockets import SESSION_REVOKED, USER_CHANGED, Socket, open_socket, socket_of
from tests.waiting import LIMIT

pytestmark = pytest.mark.only_on("sqlite")  # what is said on a socket does not depend on the database

TWO = "query One { viewer { id } } query Two { viewer { name } }"
USER = "query($id: ID!) { node(id: $id) { id } }"
TYPENAME = {"data": {"__typename": "Query"}}

REQUEST_ERRORS: dict[str, dict[str, Any]] = {
    "no document": {"query": ""},
    "a syntax error": {"query": "{ viewer { id }"},
    "an unknown field": {"query": "{ viewer { shoeSize } }"},
    "an unknown event": {"query": "subscription { weatherChanged }"},
    "two events": {"query": "subscription { a: userChanged { kind } b: userChanged { kind } }"},
    "no operation": {"query": "fragment Name on User { name }"},
    "which operation?": {"query": TWO},
    "an unknown operation": {"query": TWO, "operationName": "Three"},
    "a subscription without its variable": {"query": SESSION_REVOKED},
    "a subscription with a bad variable": {"query": SESSION_REVOKED, "variables": {"scope": "GALAXY"}},
}


async def request(socket: Socket, payload: dict[str, Any], id: str = "1") -> dict[str, Any]:
    """The first answer to an operation."""
    await socket.say(id=id, type="subscribe", payload=payload)
    return await socket.hear()


async def silence(socket: Socket) -> None:
    """Nothing more was said by now: whatever was, comes before the pong."""
    await socket.say(type="ping")
    assert await socket.hear() == {"type": "pong"}


async def test_request_errors_end_the_operation_and_not_the_socket(office: Office) -> None:
    """Subscribe, Error: no complete follows, the id is free again, and what was open stays open."""
    ana = await office.hire("Ana")
    async with socket_of(office.olivia) as socket:
        await socket.subscribe(USER_CHANGED, "watching", after=await office.olivia.feed_position())
        for name, payload in REQUEST_ERRORS.items():
            answer = await request(socket, payload)
            assert (answer.pop("id"), answer.pop("type"), answer.keys()) == ("1", "error", {"payload"}), name
            assert answer["payload"], name
            for error in answer["payload"]:
                assert error.keys() <= {"message", "locations", "path", "extensions"}, name
                assert error["message"], name
                assert error["extensions"]["code"] == "INVALID_INPUT", name
            await silence(socket)
        await deactivate(office.olivia, ana.id)
        assert (await socket.event("watching"))["userId"] == ana.id


@pytest.mark.parametrize("variables", [{}, None, {"id": None}, {"id": {"no": "id"}}])
async def test_bad_variables_of_a_query_are_its_result(office: Office, variables: dict[str, Any] | None) -> None:
    """Next, then Complete, as the reference server has it: variables are looked at when the operation is executed."""
    async with socket_of(office.olivia) as socket:
        answer = await request(socket, {"query": USER, "variables": variables})
        assert (answer["id"], answer["type"], answer["payload"].keys()) == ("1", "next", {"errors"})
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_an_error_of_a_field_is_part_of_the_result(office: Office) -> None:
    ana = await office.hire("Ana")
    async with socket_of(ana) as socket:
        answer = await request(socket, {"query": "{ viewer { id } auditLog { totalCount } }"})
        assert (answer["type"], answer["payload"]["data"]) == ("next", {"viewer": {"id": ana.id}, "auditLog": None})
        (error,) = answer["payload"]["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["auditLog"], "FORBIDDEN")
        assert await socket.hear() == {"id": "1", "type": "complete"}


async def test_operations_of_every_kind_share_a_socket(office: Office) -> None:
    """Subscribe: one name-space of ids for all of them, and their messages interleave."""
    ana = await office.hire("Ana")
    async with socket_of(office.olivia) as socket:
        await socket.watch("WORKSPACE", await office.olivia.feed_position(), id="watching")
        answer = await request(socket, {"query": TWO, "operationName": "Two", "extensions": {"any": 1}}, "query")
        assert answer == {"id": "query", "type": "next", "payload": {"data": {"viewer": {"name": "Olivia"}}}}
        assert await socket.hear() == {"id": "query", "type": "complete"}
        mutation = {"query": DEACTIVATE, "variables": {"id": ana.id}}
        await socket.say(id="mutation", type="subscribe", payload=mutation)
        heard = [await socket.hear() for _ in range(3)]
        (event,) = (each["payload"]["data"] for each in heard if each["id"] == "watching")
        assert event["sessionRevoked"]["sessionId"] == ana.session_id
        answer, end = (each for each in heard if each["id"] == "mutation")
        assert answer["payload"]["data"]["deactivateUser"] == {"revokedSessions": 1, "errors": []}
        assert end == {"id": "mutation", "type": "complete"}
    assert await ana.why_out() == "USER_DEACTIVATED"


@pytest.mark.parametrize("query", [SESSION_REVOKED, "{ __typename }", DEACTIVATE, "{"])
async def test_the_id_of_a_subscription_is_taken(office: Office, query: str) -> None:
    """Subscribe: 4409, whatever kind of operation comes second, and it is not executed."""
    ana = await office.hire("Ana")
    async with socket_of(office.olivia) as socket:
        await socket.watch("WORKSPACE")
        await silence(socket)
        payload = {"query": query, "variables": {"id": ana.id, "scope": "VIEWER"}}
        await socket.say(id="1", type="subscribe", payload=payload)
        assert await socket.closing() == (4409, "Subscriber for 1 already exists")
    assert await ana.works()


async def test_completing_ends_a_subscription_and_frees_its_id(office: Office) -> None:
    """Complete: nothing more of it is heard; to complete what has ended, or never was, is no offence."""
    ana = await office.hire("Ana")
    async with socket_of(office.olivia) as socket:
        for _ in range(2):
            await socket.watch("WORKSPACE")
            await socket.settle()
            await socket.say(id="1", type="complete")
        for ended in ("1", "never"):
            await socket.say(id=ended, type="complete")
        await socket.settle()
        await deactivate(office.olivia, ana.id)
        await socket.settle()
        await silence(socket)
        assert await request(socket, {"query": "{ __typename }"}) == {"id": "1", "type": "next", "payload": TYPENAME}


async def test_ids_are_the_sockets_own(office: Office) -> None:
    ana = await office.hire("Ana")
    after = await office.olivia.feed_position()
    async with socket_of(office.olivia) as one, socket_of(office.olivia) as other:
        for socket in (one, other):
            await socket.watch("WORKSPACE", after)
            await socket.settle()
        await one.say(id="1", type="complete")
        await one.settle()
        await deactivate(office.olivia, ana.id)
        assert (await other.event())["sessionId"] == ana.session_id
        await one.settle()
        await silence(one)


@pytest.mark.parametrize("id", [" ", "__proto__", '"\\\n', "\x00", "ö😀", "x" * 5_000])
async def test_an_id_is_any_text(office: Office, id: str) -> None:
    async with socket_of(office.olivia) as socket:
        answer = await request(socket, {"query": "{ __typename }"}, id)
        assert answer == {"id": id, "type": "next", "payload": TYPENAME}
        assert await socket.hear() == {"id": id, "type": "complete"}
        assert (await request(socket, {"query": "{"}, id))["id"] == id


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "start", "id": "2", "payload": {"query": "{ __typename }"}}, 4400),
        ({"type": "subscribe", "id": "2", "payload": {"query": {"kind": "Document"}}}, 4400),
        ({"type": "connection_init"}, 4429),
    ],
)
async def test_an_offence_closes_at_once_whatever_is_open(office: Office, message: dict[str, Any], code: int) -> None:
    """Invalid message, ConnectionInit: no complete comes before the close frame, and the session is none the worse."""
    async with socket_of(office.olivia) as socket:
        await socket.watch("WORKSPACE")
        await socket.settle()
        await socket.say(**message)
        await socket.subscribe("{ __typename }", "3")
        assert (await socket.closing())[0] == code
    assert await office.olivia.works()


async def test_a_ping_is_echoed_between_the_events(office: Office) -> None:
    """Ping, Pong: at any time, with its payload; a pong nobody asked for is a heartbeat."""
    payload = {"sent": 1.5, "deep": [{"ü": None}]}
    async with open_socket(office.server.url) as socket:
        for introduced in (False, True):
            if introduced:
                await socket.introduce(office.olivia.token)
                await socket.watch("WORKSPACE")
                await socket.settle()
            await socket.say(type="pong", payload=payload)
            await socket.say(type="ping", payload=payload)
            assert await socket.hear() == {"type": "pong", "payload": payload}
            await silence(socket)


async def test_a_message_may_come_in_pieces(office: Office) -> None:
    """RFC 6455, 5.4: fragments are one message, and control frames may come between them."""
    message = json.dumps({"id": "ö", "type": "subscribe", "payload": {"query": "{ __typename }"}}, ensure_ascii=False)
    half = message.encode().index("ö".encode()) + 1
    async with socket_of(office.olivia) as socket:

        async def pieces() -> Any:
            yield message.encode()[:half]
            yield b""
            yield message.encode()[half:]

        await socket.websocket.send(pieces(), text=True)
        assert await socket.hear() == {"id": "ö", "type": "next", "payload": TYPENAME}


async def test_a_client_that_closes_is_answered(office: Office) -> None:
    """Communication: 1000 from the client ends the connection, and the server agrees."""
    async with socket_of(office.olivia) as socket:
        await socket.watch("WORKSPACE")
        await socket.settle()
        async with asyncio.timeout(LIMIT):
            await socket.websocket.close(1000)
        assert socket.websocket.close_code == 1000
        assert socket.websocket.protocol.close_rcvd is not None


async def test_the_subprotocols_may_be_offered_in_several_lines(office: Office) -> None:
    """RFC 6455, 11.3.4: as if they were one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.server.port)
    writer.write(
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: graphql-ws\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    async with asyncio.timeout(LIMIT):
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-protocol: graphql-transport-ws\r\n" in head.lower()


@pytest.mark.parametrize("offered", ["GRAPHQL-TRANSPORT-WS", "graphql-transport-ws2", "graphql"])
async def test_the_name_of_the_subprotocol_is_to_the_letter(office: Office, offered: Subprotocol) -> None:
    async with open_socket(office.server.url, subprotocols=[offered]) as socket:
        assert socket.websocket.subprotocol is None
        assert await socket.closing() == (4406, "Subprotocol not acceptable")
