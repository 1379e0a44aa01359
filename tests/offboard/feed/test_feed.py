"""Following the feed over real rows: every event of a topic after a cursor, in order, once, whatever goes on."""

import asyncio

import pytest
from sqlalchemy import delete

from models import events
from models.database import Database
from models.enums import RevocationReason
from models.events import Topic
from offboard.feed import Audience
from offboard.feed.brokers.memory import MemoryBroker
from tests.offboard.feed.stage import (
    CHANGES,
    ENDINGS,
    EXPIRED_CURSOR,
    Positions,
    another_process,
    change,
    connect,
    ending,
    revocation,
    running_feed,
    somebody,
    state,
    write,
)
from tests.waiting import until
from tests.workshop import Workshop


async def test_rows_and_live_events_come_in_order_and_once_while_transactions_commit(
    database: Database, workshop: Workshop
) -> None:
    """Red when follow reads the rows first and registers afterwards."""
    acme = workshop.workspace_id
    await write(database, acme, *(change() for _ in range(events.BATCH + 100)))
    start = (await state(database, acme)).position

    async def commit_some() -> None:
        for _ in range(10):
            await write(database, acme, change(), change())

    async with running_feed(database) as feed:
        client = await connect(feed, await somebody(database, acme))
        client.follow(after=0)
        await asyncio.gather(*(commit_some() for _ in range(5)))
        last = start + 5 * 10 * 2
        assert await client.hear(last) == list(range(1, last + 1))


async def test_only_what_comes_after_the_cursor_and_belongs_to_the_topic(
    database: Database, workshop: Workshop
) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        await write(database, acme, ending(), change(), ending(), change())
        client = await connect(feed, await somebody(database, acme))
        client.follow(ENDINGS, 1)
        client.follow(CHANGES, 3, id="2")
        client.follow(ENDINGS, id="3")
        await write(database, acme, change(), ending(), change())
        assert await client.hear(3, "2") == [4, 5, 7]
        assert await client.hear(2) == [3, 6]
        assert await client.hear(1, "3") == [6]


async def test_a_topic_may_be_of_one_user_or_one_session(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        tablet = await somebody(database, acme, user_id=ana.user_id)
        watching = await connect(feed, await somebody(database, acme))
        watching.follow(Topic(ENDINGS.kind, user_id=ana.user_id))
        watching.follow(Topic(ENDINGS.kind, session_id=tablet.session_id), id="2")
        watching.follow(ENDINGS, id="3")
        await write(database, acme, ending(), revocation(ana), change(ana.user_id), revocation(tablet))
        assert await watching.hear(3, "3") == [1, 2, 4]
        assert await watching.hear(2) == [2, 4]
        assert await watching.hear(1, "2") == [4]


async def test_events_pruned_while_a_client_resumes_are_an_error_and_no_gap(
    database: Database, workshop: Workshop
) -> None:
    """Red when the history does not count: the client would never learn what it has missed."""
    acme = workshop.workspace_id
    await write(database, acme, *(change() for _ in range(5)))
    for pruned in (1, 5):
        async with database.begin() as tx:
            await tx.run(delete(events.EVENT).where(events.EVENT.c.position <= pruned))
        async with running_feed(database) as feed:
            client = await connect(feed, await somebody(database, acme))
            client.follow(after=0)
            assert await client.failure() == EXPIRED_CURSOR
            assert client.heard() == []
            client.follow()
            await write(database, acme, change())
            assert len(await client.hear(1)) == 1


async def test_a_cursor_beyond_the_channel_skips_what_the_client_has_seen(
    database: Database, workshop: Workshop
) -> None:
    acme = workshop.workspace_id
    broker = MemoryBroker()
    async with running_feed(database, broker=broker) as feed, another_process(database) as elsewhere:
        await connect(feed, await somebody(database, acme))
        await write(elsewhere, acme, change(), change())
        client = await connect(feed, await somebody(database, acme))
        client.follow(after=1)
        client.follow(id="2")
        await write(database, acme, change())
        assert await client.hear(2) == [2, 3]
        assert await client.hear(1, "2") == [3]


async def test_what_was_committed_between_check_and_following_is_not_lost(
    database: Database, workshop: Workshop
) -> None:
    """Red when a subscription without a cursor begins where its channel stands."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        witness = await connect(feed, await somebody(database, acme))
        witness.follow()
        late = await connect(feed, await somebody(database, acme))
        await write(database, acme, change())
        await witness.hear(1)
        late.follow()
        await write(database, acme, change())
        assert await late.hear(2) == [1, 2]


# ---------------------------------------------------------------- walls, limits, endings


async def test_tenants_are_walls(database: Database, workshop: Workshop) -> None:
    """Red when a channel is shared, or when credentials are looked up without their workspace."""
    globex = await Workshop.open(database, "globex")
    async with running_feed(database) as feed:
        ours = await somebody(database, workshop.workspace_id)
        theirs = await somebody(database, globex.workspace_id, session_id=ours.session_id, user_id=ours.user_id)
        client, foreign = await connect(feed, ours), await connect(feed, theirs)
        for each in (client, foreign):
            each.follow(ENDINGS, 0)
        await write(database, globex.workspace_id, ending(), revocation(theirs))
        assert await foreign.end == (4401, RevocationReason.USER_DEACTIVATED)
        await write(database, workshop.workspace_id, change(), change(), change(), ending())
        assert await client.hear(1) == [4]
        assert foreign.heard() == [1, 2]
        assert not client.end.done()


async def test_who_is_served_too_slowly_is_cut_and_resumes(database: Database, workshop: Workshop) -> None:
    """Red without a limit, and when others are cut with it."""
    acme = workshop.workspace_id
    async with running_feed(database, queue_limit=3) as feed:
        slow, fast = [await connect(feed, await somebody(database, acme)) for _ in range(2)]
        answers = Positions()
        answers.hold = asyncio.Event()
        slow.follow(audience=Audience(answers))
        fast.follow()
        for number in range(1, 6):
            await write(database, acme, change())
            await fast.hear(number)
        assert slow.end.result() == "aborted"
        assert not fast.end.done()
        answers.hold.set()
        assert await slow.hear(3) == [1, 2, 3]
        resumed = await connect(feed, await somebody(database, acme))
        resumed.follow(after=3)
        assert await resumed.hear(2) == [4, 5]


async def test_a_burst_of_events_cuts_nobody(database: Database, workshop: Workshop) -> None:
    """Red when more events at once than an audience has answered yet are taken for a client that does not read."""
    acme, burst = workshop.workspace_id, 3_000
    async with running_feed(database) as feed:
        clients = [await connect(feed, await somebody(database, acme)) for _ in range(3)]
        together = Audience(Positions())
        for client in clients:
            client.follow(ENDINGS, audience=together)
        await write(database, acme, *(ending() for _ in range(burst)))
        for client in clients:
            assert await client.hear(burst) == list(range(1, burst + 1))
            assert not client.end.done()


async def test_who_catches_up_too_slowly_is_cut(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    await write(database, acme, change(), change())
    async with running_feed(database, queue_limit=3) as feed:
        slow, fast = [await connect(feed, await somebody(database, acme)) for _ in range(2)]
        slow.reads.clear()
        slow.follow(after=0)
        fast.follow(after=2)
        for number in range(1, 6):
            await write(database, acme, change())
            await fast.hear(number)
        assert slow.end.result() == "aborted"
        assert slow.heard() == []


async def test_a_peer_that_does_not_read_is_not_told_its_history_faster_than_it_reads(
    database: Database, workshop: Workshop
) -> None:
    acme = workshop.workspace_id
    await write(database, acme, *(change() for _ in range(5)))
    async with running_feed(database) as feed:
        client = await connect(feed, await somebody(database, acme))
        client.reads.clear()
        client.follow(after=0)
        other = await connect(feed, await somebody(database, acme))
        other.follow(after=0)
        await other.hear(5)
        assert client.heard() == []
        client.reads.set()
        assert await client.hear(5) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("catches_up", [False, True])
async def test_unfollowing_stops_one_operation_and_frees_its_id(
    database: Database, workshop: Workshop, catches_up: bool
) -> None:
    """Red when an operation that catches up goes on, or when what it is owed is not forgotten."""
    acme = workshop.workspace_id
    await write(database, acme, change())
    async with running_feed(database) as feed:
        client = await connect(feed, await somebody(database, acme))
        client.reads.clear()
        client.follow(after=0 if catches_up else 1)
        await asyncio.sleep(0)
        feed.unfollow(client.connection, "1")
        feed.unfollow(client.connection, "1")
        feed.unfollow(client.connection, "never")
        client.reads.set()
        client.follow(after=1)
        await write(database, acme, change())
        assert await client.hear(1) == [2]
        await until(lambda: client.connection.owed == 0)


async def test_unfollowing_before_the_history_is_begun_leaves_nothing_owed(
    database: Database, workshop: Workshop
) -> None:
    """Red when a catch-up that was cancelled before it ran is owed for ever: signing out would wait for it."""
    acme = workshop.workspace_id
    await write(database, acme, change())
    async with running_feed(database) as feed:
        leaving = await somebody(database, acme)
        client = await connect(feed, leaving)
        client.follow(after=0)
        feed.unfollow(client.connection, "1")
        await write(database, acme, revocation(leaving))
        assert await client.end == (4401, RevocationReason.USER_DEACTIVATED)
        assert client.heard() == []


async def test_nothing_is_followed_once_a_connection_has_ended(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        leaving = await somebody(database, acme)
        client, witness = await connect(feed, leaving), await connect(feed, await somebody(database, acme))
        await write(database, acme, revocation(leaving))
        await client.end
        client.follow(after=0)
        witness.follow()
        await write(database, acme, change())
        await witness.hear(1)
        assert client.heard() == []


async def test_stopping_closes_with_1012(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    await write(database, acme, change())
    async with running_feed(database) as feed:
        client = await connect(feed, await somebody(database, acme))
        client.reads.clear()
        client.follow(after=0)
        client.follow(id="2")
    assert await client.end == (1012, "Service restart")
    assert (client.heard(), client.heard("2")) == ([], [])
