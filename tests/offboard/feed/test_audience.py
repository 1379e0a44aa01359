"""An event is answered once for everybody whom the answer fits, and for each where it does not."""

import asyncio
import gc
from weakref import ref

import pytest

from models.database import Database
from models.enums import RevocationReason
from models.events import FeedEvent
from offboard.feed import Audience, Connection, Feed, Unauthorized, audience
from offboard.feed.connection import Subscription
from tests.offboard.feed.stage import (
    ENDINGS,
    Client,
    Positions,
    change,
    connect,
    ending,
    revocation,
    running_feed,
    somebody,
    write,
)
from tests.waiting import until
from tests.workshop import Workshop


async def crowd(feed: Feed, database: Database, workshop: Workshop, how_many: int) -> list[Client]:
    identity = await somebody(database, workshop.workspace_id)
    return [await connect(feed, identity) for _ in range(how_many)]


async def test_an_event_is_executed_once_and_everybody_gets_the_same_bytes(
    database: Database, workshop: Workshop
) -> None:
    """Red when it is executed, or encoded, for each."""
    async with running_feed(database) as feed:
        clients = await crowd(feed, database, workshop, audience.SLICE + 50)
        answers = Positions()
        together = Audience(answers)
        for client in clients:
            client.follow(audience=together)
            client.follow(audience=together, id="2")
        await write(database, workshop.workspace_id, change(), change())
        for client in clients:
            assert await client.hear(2) == await client.hear(2, "2") == [1, 2]
    assert answers.executed == [1, 2]
    assert len({id(told) for client in clients for told in (client.told["1"][0], client.told["2"][0])}) == 1


async def test_each_audience_has_its_own_answer(database: Database, workshop: Workshop) -> None:
    async with running_feed(database) as feed:
        clients = await crowd(feed, database, workshop, 4)
        audiences = [Audience(Positions("1")), Audience(Positions("2"))]
        for number, client in enumerate(clients):
            client.follow(audience=audiences[number % 2])
        await write(database, workshop.workspace_id, change())
        assert [await client.hear(1) for client in clients] == [[11], [21], [11], [21]]


async def test_a_storm_that_resumes_shares_what_it_is_told(database: Database, workshop: Workshop) -> None:
    """Red when catching up executes for each."""
    await write(database, workshop.workspace_id, *(change() for _ in range(10)))
    async with running_feed(database) as feed:
        clients = await crowd(feed, database, workshop, 50)
        answers = Positions()
        together = Audience(answers)
        for number, client in enumerate(clients):
            client.follow(after=number % 10, audience=together)
        for number, client in enumerate(clients):
            assert await client.hear(10 - number % 10) == list(range(number % 10 + 1, 11))
    assert sorted(answers.executed) == list(range(1, 11))
    assert len({id(client.told["1"][-1]) for client in clients}) == 1


async def test_what_was_answered_before_an_event_serves_nobody_after_it(database: Database, workshop: Workshop) -> None:
    """Red when answers are kept across events: one would tell of a user as it was before."""
    async with running_feed(database) as feed:
        first, second = await crowd(feed, database, workshop, 2)
        answers = Positions()
        together = first.follow(audience=Audience(answers))
        await write(database, workshop.workspace_id, change())
        await first.hear(1)
        await write(database, workshop.workspace_id, change())
        await first.hear(2)
        second.follow(after=0, audience=together)
        assert await second.hear(2) == [1, 2]
    assert answers.executed == [1, 2, 1]


async def test_a_personal_answer_is_made_for_each_who_still_listens(database: Database, workshop: Workshop) -> None:
    """Red when it is shared, or made for who has gone."""
    async with running_feed(database) as feed:
        clients = await crowd(feed, database, workshop, 2 * audience.AT_ONCE + 5)
        answers = Positions(personal=True)
        together = Audience(answers)
        for client in clients:
            client.follow(audience=together)
        answers.hold = asyncio.Event()
        await write(database, workshop.workspace_id, change())
        await until(lambda: answers.executed)
        feed.unfollow(clients[0].connection, "1")
        answers.hold.set()
        for client in clients[1:]:
            assert await client.hear(1) == [1]
    assert clients[0].heard() == []
    assert answers.executed == [1]
    assert len(answers.for_each) == len(clients) - 1
    assert len({id(client.told["1"][0]) for client in clients[1:]}) == len(clients) - 1


async def test_who_resumes_gets_a_personal_answer_of_its_own(database: Database, workshop: Workshop) -> None:
    await write(database, workshop.workspace_id, change(), change())
    async with running_feed(database) as feed:
        clients = await crowd(feed, database, workshop, 3)
        answers = Positions(personal=True)
        together = Audience(answers)
        for client in clients:
            client.follow(after=0, audience=together)
        for client in clients:
            assert await client.hear(2) == [1, 2]
    assert sorted(answers.for_each) == [1, 1, 1, 2, 2, 2]


async def test_an_answer_that_fails_ends_its_own_operations_only(database: Database, workshop: Workshop) -> None:
    """Red when an audience stops serving after a failure."""
    async with running_feed(database) as feed:
        one, other = await crowd(feed, database, workshop, 2)
        answers = Positions()
        answers.failure = LookupError("broken")
        broken = one.follow(audience=Audience(answers))
        one.follow(id="2")
        other.follow()
        await write(database, workshop.workspace_id, change())
        assert await one.failure() is None
        assert await one.hear(1, "2") == await other.hear(1) == [1]
        answers.failure = None
        (third,) = await crowd(feed, database, workshop, 1)
        third.follow(audience=broken)
        await write(database, workshop.workspace_id, change())
        assert await third.hear(1) == [2]
        assert await one.hear(2, "2") == [1, 2]
    assert list(one.failed) == ["1"]
    assert one.connection.owed == 0


@pytest.mark.parametrize("resumes", [False, True])
async def test_a_personal_answer_that_fails_ends_one_operation(
    database: Database, workshop: Workshop, resumes: bool
) -> None:
    if resumes:
        await write(database, workshop.workspace_id, change())

    class Picky(Positions):
        async def for_one(self, event: FeedEvent, connection: Connection) -> bytes:
            if connection is unlucky.connection:
                raise LookupError("broken")
            return await super().for_one(event, connection)

    async with running_feed(database) as feed:
        unlucky, lucky = await crowd(feed, database, workshop, 2)
        together = Audience(Picky(personal=True))
        for client in (unlucky, lucky):
            client.follow(after=0, audience=together)
        if not resumes:
            await write(database, workshop.workspace_id, change())
        assert await unlucky.failure() is None
        assert await lucky.hear(1) == [1]
    assert not lucky.failed


@pytest.mark.parametrize("resumes", [False, True])
async def test_who_turns_out_to_be_signed_out_is_told_that_and_nothing_else(
    database: Database, workshop: Workshop, resumes: bool
) -> None:
    """Red when it is reported as a failure of the operation: the client would not learn why."""
    acme = workshop.workspace_id
    if resumes:
        await write(database, acme, ending())

    class Dead(Positions):
        async def for_one(self, event: FeedEvent, connection: Connection) -> bytes:
            raise Unauthorized(RevocationReason.SIGNED_OUT)

    async with running_feed(database) as feed:
        leaving = await somebody(database, acme)
        client = await connect(feed, leaving)
        client.follow(ENDINGS, 0, audience=Audience(Dead(personal=True)))
        if not resumes:
            await write(database, acme, ending(), revocation(leaving, RevocationReason.SIGNED_OUT))
        assert await client.end == (4401, RevocationReason.SIGNED_OUT)
        assert client.heard() == []
        assert not client.failed


async def test_the_order_of_events_is_kept_whatever_takes_longer(database: Database, workshop: Workshop) -> None:
    class Slower(Positions):
        async def for_all(self, event: FeedEvent) -> bytes | None:
            for _ in range(30 - 5 * event.position):
                await asyncio.sleep(0)
            return await super().for_all(event)

    async with running_feed(database) as feed:
        (client,) = await crowd(feed, database, workshop, 1)
        client.follow(audience=Audience(Slower()))
        client.follow(audience=Audience(Slower(personal=True)), id="2")
        await write(database, workshop.workspace_id, *(change() for _ in range(5)))
        assert await client.hear(5) == await client.hear(5, "2") == [1, 2, 3, 4, 5]


async def test_a_large_audience_does_not_hold_up_another(database: Database, workshop: Workshop) -> None:
    """Red when everybody is served without letting anything else happen."""
    async with running_feed(database) as feed:
        clients = await crowd(feed, database, workshop, 10 * audience.SLICE)
        together = Audience(Positions())
        for client in clients:
            client.follow(audience=together)
        (other,) = await crowd(feed, database, workshop, 1)
        other.follow()
        await write(database, workshop.workspace_id, change())
        await other.hear(1)
        assert not all(client.heard() for client in clients)
        for client in clients:
            assert await client.hear(1) == [1]


async def test_events_that_wait_share_the_list_of_those_who_wait_for_them(
    database: Database, workshop: Workshop
) -> None:
    """Red when each event of a burst is kept with a list of its own: of thousands of subscribers, that is megabytes."""
    async with running_feed(database) as feed:
        clients = await crowd(feed, database, workshop, 3)
        answers = Positions()
        answers.hold = asyncio.Event()
        together = Audience(answers)
        for client in clients:
            client.follow(audience=together)
        await write(database, workshop.workspace_id, *(change() for _ in range(5)))
        await until(lambda: len(together._queue) == 4)
        assert len({id(waiting) for _, waiting in together._queue}) == 1
        feed.unfollow(clients[0].connection, "1")
        await write(database, workshop.workspace_id, change())
        await until(lambda: len(together._queue) == 5)
        answers.hold.set()
        assert await clients[1].hear(6) == await clients[2].hear(6) == [1, 2, 3, 4, 5, 6]
        assert clients[0].heard() == []


async def test_an_idle_subscriber_costs_no_task(database: Database, workshop: Workshop) -> None:
    async with running_feed(database) as feed:
        await write(database, workshop.workspace_id, change())
        before = len(asyncio.all_tasks())
        clients = await crowd(feed, database, workshop, 20)
        for client in clients:
            client.follow()
            client.follow(after=0, id="2")
        for client in clients:
            await client.hear(1, "2")
        await until(lambda: len(asyncio.all_tasks()) <= before)
        await write(database, workshop.workspace_id, change())
        for client in clients:
            await client.hear(1)
            await client.hear(2, "2")
        await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_an_audience_goes_with_its_last_subscriber(database: Database, workshop: Workshop) -> None:
    """Red when the hub, a finished task or a kept answer holds on to it, or to a subscription."""
    acme = workshop.workspace_id
    await write(database, acme, change())
    async with running_feed(database) as feed:
        idle = len(asyncio.all_tasks())
        leaving = await somebody(database, acme)
        completes, goes, remains = await crowd(feed, database, workshop, 3)
        ends = await connect(feed, leaving)
        together = remains.follow(after=0)
        for client in (completes, goes, ends):
            client.follow(after=0, audience=together)
        await write(database, acme, change())
        for client in (completes, goes, remains, ends):
            await client.hear(2)
        assert subscriptions_of(together) == 4
        feed.unfollow(completes.connection, "1")
        feed.detach(goes.connection)
        await write(database, acme, revocation(leaving), change())
        await remains.hear(3)
        await ends.end
        feed.detach(ends.connection)
        del completes, goes, ends, client
        assert subscriptions_of(together) == 1
        forgotten = ref(together)
        feed.unfollow(remains.connection, "1")
        await until(lambda: len(asyncio.all_tasks()) <= idle)
        del together
        gc.collect()
        assert forgotten() is None


def subscriptions_of(together: Audience) -> int:
    gc.collect()
    return sum(isinstance(each, Subscription) and each.audience is together for each in gc.get_objects())
