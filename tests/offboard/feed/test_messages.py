"""`graphql-transport-ws` on a real server, as PROTOCOL.md of enisdenjo/graphql-ws has it: pings and operations."""

import asyncio
import json

import pytest

from offboard.feed import Feed
from tests.offboard.feed.conftest import Acme
from tests.offboard.feed.server import FAILURE, Running
from tests.offboard.feed.stage import ending
from tests.waiting import until

MASKED = [{"message": "Something went wrong on the server.", "extensions": {"code": "INTERNAL"}}]
pytestmark = pytest.mark.only_on("sqlite")  # what is said on a socket does not depend on the database


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
        await client.hear_nothing()
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
            await client.hear_nothing()


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
        await client.hear_nothing()
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
        await client.hear_nothing()
        await acme.commit(ending())
        await until(lambda: answers.executed)
        await client.say(id="1", type="complete")
        await client.hear_nothing()
        answers.hold.set()
        running.api.checked = 2
        await client.subscribe("watch", id="2")
        await client.subscribe("watch", id="1")
        await client.hear_nothing()
        await acme.commit(ending())
        heard = [await client.hear() for _ in range(2)]
    assert {message["id"] for message in heard} == {"1", "2"}
    assert {message["payload"]["data"]["position"] for message in heard} == {3}


async def test_completing_before_the_ack_is_no_offence(running: Running) -> None:
    async with running.client() as client:
        await client.say(id="1", type="complete")
        await client.hear_nothing()


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
        await client.hear_nothing()
        running.api.answer.set()
        await client.subscribe("echo", id="2", variables={})
        assert (await client.hear())["id"] == "2"


async def test_a_client_that_leaves_stops_its_operations(running: Running, feed: Feed) -> None:
    async with running.client("ana") as client:
        await client.subscribe("count")
        await client.hear()
        await client.subscribe("watch", id="2")
        await client.hear_nothing()
        assert feed.workspaces == 1
    await running.api.closed.wait()
    await until(lambda: feed.workspaces == 0)
