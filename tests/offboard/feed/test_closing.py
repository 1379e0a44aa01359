"""Closed means closed: what a socket still says when it is signed out, and that it says nothing more."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from models.database import Database
from models.enums import RevocationReason
from offboard.feed import Feed
from tests.offboard.feed.conftest import Acme
from tests.offboard.feed.server import Running, connections_of, serving
from tests.offboard.feed.stage import ending, revocation, running_feed
from tests.waiting import until


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
        await acme.commit(revocation(ana), ending())
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


async def test_an_event_that_is_still_answered_is_waited_for(running: Running, acme: Acme) -> None:
    """Red when the close does not wait for what the feed owes."""
    ana = await acme.admit(running, "ana")
    running.api.answers.hold = asyncio.Event()
    async with running.client("ana") as client:
        await client.subscribe("watch")
        await client.round_trip()
        await acme.commit(ending(), revocation(ana), ending())
        await until(lambda: running.api.answers.executed)
        running.api.answers.hold.set()
        assert [(await client.hear())["payload"]["data"]["position"] for _ in range(2)] == [1, 2]
        assert await client.hear() == {"id": "1", "type": "complete"}
        assert await client.closing() == (4401, "USER_DEACTIVATED")


@pytest.mark.parametrize("query", ["watch", "watch from the beginning"])
async def test_an_event_that_is_not_answered_in_time_does_not_hold_the_close(
    running: Running, acme: Acme, query: str
) -> None:
    """Red without a limit to the wait. What comes later is not told, so that the client's cursor passes nothing."""
    await acme.commit(ending())
    ana = await acme.admit(running, "ana")
    running.api.answers.hold = asyncio.Event()
    async with running.client("ana") as client:
        await client.subscribe(query)
        await client.round_trip()
        await acme.commit(ending(), revocation(ana))
        assert await client.hear() == {"id": "1", "type": "complete"}
        assert await client.closing() == (4401, "USER_DEACTIVATED")
        running.api.answers.hold.set()


async def test_nothing_is_taken_up_while_signing_out(feed: Feed, acme: Acme) -> None:
    async with serving(feed) as running:
        ana = await acme.admit(running, "ana")
        async with running.client("ana") as client:
            await client.subscribe("answer later", id="slow")
            await client.subscribe("watch")
            await running.api.asked.wait()
            await acme.commit(revocation(ana))
            await until(lambda: feed.workspaces == 0)
            await client.say(type="ping")
            await client.subscribe("echo", id="slow")
            await client.say(id="1", type="complete")
            await client.websocket.send("no message at all")
            await client.round_trip()
            running.api.answer.set()
            heard = [await client.hear() for _ in range(4)]
            assert await client.closing() == (4401, "USER_DEACTIVATED")
    assert [(message["id"], message["type"]) for message in heard] == [
        ("1", "next"),
        ("slow", "next"),
        ("slow", "complete"),
        ("1", "complete"),
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


async def test_a_socket_costs_one_task_and_leaves_nothing(running: Running, acme: Acme) -> None:
    """Red when an idle subscription has a task of its own, or when anything holds on to a socket that has gone."""
    await acme.commit(ending())
    ana = await acme.admit(running, "ana")
    async with running.client("ana", ping_interval=None) as remains:
        await remains.subscribe("watch")
        await remains.round_trip()
        tasks, how_many = len(asyncio.all_tasks()), 10
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(running.client("ana", ping_interval=None)) for _ in range(how_many)
            ]
            for client in clients:
                await client.subscribe("watch")
                await client.subscribe("watch from the beginning", id="2")
                await client.subscribe("echo", id="3")
                for _ in range(3):
                    await client.hear()
            await until(lambda: len(asyncio.all_tasks()) <= tasks + how_many)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        del clients, client, running.connections[1:]
        assert connections_of(ana) == 1
