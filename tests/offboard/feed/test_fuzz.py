"""Whatever bytes come over a socket, the client is answered or closed as the protocol has it; nothing goes wrong."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed

from offboard.feed.protocol import CloseCode, InvalidMessage, read
from tests.fuzzing import drawn
from tests.offboard.feed.server import Client, Running

pytestmark = pytest.mark.long

TYPES = ["connection_init", "subscribe", "complete", "ping", "pong", "next", "error", "connection_ack"]
QUERIES = ["echo", "fail", "watch", "count"]

NOT_OURS = {1007, 1009}
"""What the WebSocket library closes with: text that is no UTF-8, and messages that are too long (RFC 6455, 7.4.1)."""

UNKNOWN_QUERY = "An operation failed"
"""What the small Api does with a query that it does not know."""

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=9
)
payloads = values | st.fixed_dictionaries(
    {"query": st.sampled_from(QUERIES) | values},
    optional={"variables": values, "operationName": values, "extensions": values, "authorization": values},
)
messages = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES) | values},
    optional={"id": st.sampled_from(["1", "2", ""]) | values, "payload": payloads},
)
names = st.sampled_from(["1", "2"])
proper = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("subscribe"),
            "id": names,
            "payload": st.fixed_dictionaries({"query": st.sampled_from(QUERIES)}),
        }
    ),
    st.fixed_dictionaries({"type": st.just("complete"), "id": names}),
    st.fixed_dictionaries(
        {
            "type": st.just("connection_init"),
            "payload": st.fixed_dictionaries({"authorization": st.sampled_from(["Bearer ana", "x"])}),
        }
    ),
    st.fixed_dictionaries({"type": st.just("ping"), "payload": st.fixed_dictionaries({"said": values})}),
)
odd = st.one_of(messages.map(json.dumps), values.map(json.dumps), st.text(), st.binary(max_size=50))
spoken = st.one_of(proper.map(json.dumps), proper.map(json.dumps), odd)


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(odd)
def test_a_message_is_read_or_invalid(text: str | bytes) -> None:
    with suppress(InvalidMessage):
        read(text if isinstance(text, str) else text.decode("latin-1"))


@pytest.mark.only_on("sqlite")
async def test_a_socket_answers_or_closes(running: Running) -> None:
    conversations = drawn(st.tuples(st.booleans(), st.lists(spoken, max_size=6)), 150)
    with capture_logs() as logs:
        codes = [
            code for start in range(0, 150, 30) for code in await together(running, conversations[start : start + 30])
        ]
    assert {each["event"] for each in logs if each["log_level"] == "error"} <= {UNKNOWN_QUERY}
    assert {code for code in codes if code} <= {*CloseCode, *NOT_OURS}
    assert {None, CloseCode.INVALID_MESSAGE, CloseCode.UNAUTHORIZED, CloseCode.TOO_MANY_INITS} <= set(codes)


async def together(running: Running, conversations: list[Any]) -> list[int | None]:
    return await asyncio.gather(*(converse(running, signed_in, said) for signed_in, said in conversations))


async def converse(running: Running, signed_in: bool, said: list[str | bytes]) -> int | None:
    """With what code the server closes; None if it still answers after all that was said."""
    async with running.client("ana" if signed_in else None) as client:
        try:
            for each in said:
                await client.websocket.send(each)
            return await answered(client)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


async def answered(client: Client) -> None:
    await client.say(type="ping", payload={"last": True})
    while await client.hear() != {"type": "pong", "payload": {"last": True}}:
        pass
