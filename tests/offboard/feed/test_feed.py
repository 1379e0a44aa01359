"""Hub, relay and follow over real rows: order, once, no gap, and every way in which a connection ends."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete

from models import events
from models.database import Database
from models.enums import EventKind, RevocationReason
from models.events import FeedEvent
from models.types import new_id, now
from offboard.feed import Credential, Overflow, relay
from tests.offboard.feed.stage import (
    NEVER,
    BrokenBroker,
    Check,
    DeafBroker,
    change,
    connect,
    everything,
    revocation,
    running_feed,
    somebody,
    state,
    write,
)
from tests.workshop import Workshop

SHORT = 0.05


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
        last = start + 5 * 10 * 2
        seen: list[int] = []
        writers = [asyncio.create_task(commit_some()) for _ in range(5)]
        async for event in feed.follow(None, acme, 0, everything):
            seen.append(event.position)
            if event.position == last:
                break
        await asyncio.gather(*writers)
    assert seen == list(range(1, last + 1))


async def test_only_what_comes_after_the_cursor_and_is_wanted(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    someone = await somebody(database, acme)
    await write(database, acme, change(), revocation(someone), change())
    async with running_feed(database) as feed:
        following = feed.follow(None, acme, 1, lambda event: event.kind is EventKind.SESSION_REVOKED)
        assert (await anext(following)).position == 2
        await write(database, acme, change(), revocation(someone))
        assert (await anext(following)).position == 5
        await following.aclose()


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
            with pytest.raises(events.CursorExpired):
                await anext(feed.follow(None, acme, 0, everything))


async def test_a_cursor_beyond_the_channel_skips_what_the_client_has_seen(
    database: Database, workshop: Workshop
) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, broker=DeafBroker(), poll=SHORT) as feed:
        connection, _ = await connect(feed, await somebody(database, acme))
        await write(database, acme, change(), change())
        following = feed.follow(connection, acme, 1, everything)
        assert (await anext(following)).position == 2
        await following.aclose()


async def test_a_missed_hint_is_found_by_polling(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, broker=DeafBroker(), poll=SHORT) as feed:
        someone = await somebody(database, acme)
        _, outlet = await connect(feed, someone)
        await write(database, acme, revocation(someone))
        assert await outlet.end == (4401, RevocationReason.USER_DEACTIVATED)


async def test_a_broker_that_fails_does_not_fail_the_transaction(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, broker=BrokenBroker(), poll=SHORT) as feed:
        following = feed.follow(None, acme, 0, everything)
        await write(database, acme, change())
        assert (await anext(following)).position == 1
        await following.aclose()


async def test_reading_goes_on_after_the_database_failed(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, poll=SHORT) as feed:
        someone = await somebody(database, acme)
        _, outlet = await connect(feed, someone)
        failed = asyncio.Event()

        async def fail(*_: object) -> None:
            failed.set()
            raise ConnectionError("no database")

        with monkeypatch.context() as broken:
            broken.setattr(events, "read_after", fail)
            broken.setattr(events, "positions", fail)
            await write(database, acme, revocation(someone))
            for _ in range(2):
                await failed.wait()
                failed.clear()
        assert await outlet.end == (4401, RevocationReason.USER_DEACTIVATED)


async def test_a_revocation_is_the_last_thing_a_connection_hears(database: Database, workshop: Workshop) -> None:
    """Red when hub.deliver lets a connection stay until a later step."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        leaving, staying = await somebody(database, acme), await somebody(database, acme)
        connection, outlet = await connect(feed, leaving)
        other, other_outlet = await connect(feed, staying)
        own, others = (feed.follow(each, acme, 0, everything) for each in (connection, other))
        heard = asyncio.gather(anext(own), anext(others))
        await asyncio.sleep(0)
        await write(database, acme, change())
        await heard
        await write(database, acme, change(), revocation(leaving), change())
        assert [event.position async for event in own] == [2, 3]
        assert [(await anext(others)).position for _ in range(3)] == [2, 3, 4]
        assert await outlet.end == (4401, RevocationReason.USER_DEACTIVATED)
        assert not other_outlet.end.done()
        assert [event async for event in feed.follow(connection, acme, 0, everything)] == []
        await others.aclose()


async def test_a_history_stops_where_the_connection_was_revoked(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    await write(database, acme, change(), change())
    async with running_feed(database) as feed:
        leaving = await somebody(database, acme)
        connection, outlet = await connect(feed, leaving)
        following = feed.follow(connection, acme, 0, everything)
        assert (await anext(following)).position == 1
        await write(database, acme, revocation(leaving), change())
        await outlet.end
        assert [event.position async for event in following] == [2, 3]


async def test_one_session_ends_and_every_socket_of_it(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        phone = await somebody(database, acme)
        laptop = await somebody(database, acme)
        laptop.user_id = phone.user_id
        ends = [(await connect(feed, each))[1] for each in (phone, phone, laptop)]
        await write(database, acme, revocation(phone, RevocationReason.SIGNED_OUT))
        assert await ends[0].end == await ends[1].end == (4401, RevocationReason.SIGNED_OUT)
        assert not ends[2].end.done()


async def test_a_revoked_access_token_closes_its_sockets(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        partner = await somebody(database, acme, access_token_id=new_id())
        _, outlet = await connect(feed, partner)
        assert partner.access_token_id is not None
        await write(database, acme, events.token_revoked(partner.access_token_id))
        assert await outlet.end == (4401, RevocationReason.TOKEN_REVOKED)


async def test_a_revocation_between_check_and_attach_closes_a_newcomer_to_a_passed_channel(
    database: Database, workshop: Workshop
) -> None:
    """Red without Relay.reread."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        first, _ = await connect(feed, await somebody(database, acme))
        late = await somebody(database, acme)
        following = feed.follow(first, acme, 0, everything)
        await write(database, acme, change(), revocation(late), change())
        assert [(await anext(following)).position for _ in range(3)] == [1, 2, 3]
        connection, outlet = await connect(feed, late)
        assert outlet.end.result() == (4401, RevocationReason.USER_DEACTIVATED)
        assert not connection.attached
        await following.aclose()


async def test_a_revocation_between_check_and_attach_closes_the_first_of_a_workspace(
    database: Database, workshop: Workshop
) -> None:
    """Red when a new channel starts at the last row, or waits for a hint."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        late = await somebody(database, acme)
        await write(database, acme, revocation(late))
        _, outlet = await connect(feed, late)
        assert await outlet.end == (4401, RevocationReason.USER_DEACTIVATED)


async def test_a_newcomer_who_was_not_revoked_stays(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        early = await somebody(database, acme)
        first, _ = await connect(feed, await somebody(database, acme))
        following = feed.follow(first, acme, 0, everything)
        await write(database, acme, change())
        await anext(following)
        connection, _ = await connect(feed, early)
        assert connection.attached
        await following.aclose()


async def test_overflow_aborts_the_slow_connection_alone(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, queue_limit=3) as feed:
        slow, slow_outlet = await connect(feed, await somebody(database, acme))
        fast, fast_outlet = await connect(feed, await somebody(database, acme))
        idle, reading = feed.follow(slow, acme, 0, everything), feed.follow(fast, acme, 0, everything)
        begun = asyncio.gather(anext(idle), anext(reading))
        await asyncio.sleep(0)
        for _ in range(5):
            await write(database, acme, change())
        assert [event.position for event in await begun] == [1, 1]
        assert [(await anext(reading)).position for _ in range(4)] == [2, 3, 4, 5]
        assert await slow_outlet.end == "aborted"
        assert not fast_outlet.end.done()
        assert [event.position async for event in idle] == [2, 3, 4]
        await reading.aclose()


async def test_a_slow_consumer_without_connection_overflows_and_resumes(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, queue_limit=3) as feed:
        witness = await somebody(database, acme)
        _, passed = await connect(feed, witness)
        slow = feed.follow(None, acme, 0, everything)
        await write(database, acme, change())
        assert (await anext(slow)).position == 1
        await write(database, acme, *(change() for _ in range(4)), revocation(witness))
        await passed.end
        with pytest.raises(Overflow):
            await anext(slow)
        resumed = feed.follow(None, acme, 1, everything)
        assert [(await anext(resumed)).position for _ in range(5)] == [2, 3, 4, 5, 6]
        await resumed.aclose()


async def test_a_predicate_that_fails_ends_its_own_subscription_only(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id

    def broken(_event: FeedEvent) -> bool:
        raise LookupError

    async with running_feed(database) as feed:
        connection, _ = await connect(feed, await somebody(database, acme))
        bad, good = (feed.follow(connection, acme, 0, wanted) for wanted in (broken, everything))
        both = asyncio.gather(anext(bad), anext(good), return_exceptions=True)
        await asyncio.sleep(0)
        await write(database, acme, change())
        failure, event = await both
        assert isinstance(failure, LookupError)
        assert isinstance(event, FeedEvent)
        await good.aclose()


async def test_tenants_are_walls(database: Database, workshop: Workshop) -> None:
    """Red when a channel is shared, or when credentials are looked up without their workspace."""
    globex = await Workshop.open(database, "globex")
    async with running_feed(database) as feed:
        ours = await somebody(database, workshop.workspace_id)
        theirs = await somebody(database, globex.workspace_id, session_id=ours.session_id)
        connection, outlet = await connect(feed, ours)
        _, their_outlet = await connect(feed, theirs)
        following = feed.follow(connection, workshop.workspace_id, 0, everything)
        await write(database, globex.workspace_id, change(), revocation(theirs))
        assert await their_outlet.end == (4401, RevocationReason.USER_DEACTIVATED)
        await write(database, workshop.workspace_id, change())
        event = await anext(following)
        assert (event.workspace_id, event.position) == (workshop.workspace_id, 1)
        assert not outlet.end.done()
        with pytest.raises(AssertionError):
            await anext(feed.follow(connection, globex.workspace_id, 0, everything))
        await following.aclose()


async def test_expiry_closes_at_its_time(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        guest = await somebody(database, acme, expires_at=now() + timedelta(seconds=SHORT))
        connection, outlet = await connect(feed, guest)
        following = feed.follow(connection, acme, 0, everything)
        assert [event async for event in following] == []
        assert await outlet.end == (4401, RevocationReason.EXPIRED)


async def test_the_event_of_an_expired_session_comes_before_the_close(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, broker=DeafBroker(), expiry=1) as feed:
        guest = await somebody(database, acme, expires_at=now())
        connection, outlet = await connect(feed, guest)
        await write(database, acme, revocation(guest, RevocationReason.EXPIRED))
        assert [event.reason async for event in feed.follow(connection, acme, 0, everything)] == [
            RevocationReason.EXPIRED
        ]
        assert await outlet.end == (4401, RevocationReason.EXPIRED)


async def test_an_access_token_has_no_event_to_wait_for(database: Database, workshop: Workshop) -> None:
    async with running_feed(database, expiry=NEVER) as feed:
        partner = await somebody(database, workshop.workspace_id, access_token_id=new_id(), expires_at=now())
        _, outlet = await connect(feed, partner)
        assert await outlet.end == (4401, RevocationReason.EXPIRED)


async def test_a_detached_connection_is_forgotten(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        guest = await somebody(database, acme, expires_at=now() + timedelta(days=1))
        connection, outlet = await connect(feed, guest)
        following = feed.follow(connection, acme, 0, everything)
        waiting = asyncio.ensure_future(anext(following, None))
        await asyncio.sleep(0)
        feed.detach(connection)
        feed.detach(connection)
        assert await waiting is None
        assert not outlet.end.done()
        assert connection.expiry is not None
        assert connection.expiry.cancelled()
        assert feed.workspaces == 0


async def test_the_check_ends_a_dead_session_without_any_event(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    check = Check()
    async with running_feed(database, check=check, check_every=SHORT) as feed:
        dead, alive = await somebody(database, acme), await somebody(database, acme)
        assert dead.session_id is not None
        _, outlet = await connect(feed, dead)
        _, other = await connect(feed, alive)
        check.dead[dead.session_id] = RevocationReason.SESSION_REVOKED
        assert await outlet.end == (4401, RevocationReason.SESSION_REVOKED)
        assert not other.end.done()


async def test_the_check_lets_the_missed_event_come_first(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    check = Check()
    async with running_feed(database, broker=DeafBroker(), check=check, check_every=SHORT) as feed:
        leaving = await somebody(database, acme)
        assert leaving.session_id is not None
        connection, outlet = await connect(feed, leaving)
        await write(database, acme, revocation(leaving, RevocationReason.PASSWORD_CHANGED), change())
        check.dead[leaving.session_id] = RevocationReason.PASSWORD_CHANGED
        assert [event.position async for event in feed.follow(connection, acme, 0, everything)] == [1]
        assert await outlet.end == (4401, RevocationReason.PASSWORD_CHANGED)


async def test_the_check_asks_in_pages_of_one_workspace_and_one_kind(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CHECK_PAGE", 2)
    globex = await Workshop.open(database, "globex")
    check = Check()
    async with running_feed(database, check=check, check_every=SHORT) as feed:
        for workspace_id in (workshop.workspace_id, globex.workspace_id):
            for identity in ({}, {}, {}, {"access_token_id": new_id()}):
                await connect(feed, await somebody(database, workspace_id, **identity))
        check.pages.clear()
        check.called.clear()
        await check.called.wait()
        while len(check.pages) < 6:
            check.called.clear()
            await check.called.wait()
    first = check.pages[:6]
    assert [len(page) for page in first] == [2, 1, 1, 2, 1, 1]
    assert all(len({_kind(credential) for credential in page}) == 1 for page in first)


def _kind(credential: Credential) -> tuple[object, bool]:
    return credential.workspace_id, credential.session_id is None


async def test_a_process_that_cannot_check_closes_with_1013(database: Database, workshop: Workshop) -> None:
    async with running_feed(database, check=Check(failing=True), check_every=SHORT, blind=3 * SHORT) as feed:
        _, outlet = await connect(feed, await somebody(database, workshop.workspace_id))
        assert await outlet.end == (1013, "Try again later")


async def test_a_check_that_hangs_is_a_check_that_fails(database: Database, workshop: Workshop) -> None:
    class Hanging(Check):
        async def __call__(self, *_: object) -> dict[Credential, RevocationReason]:
            await asyncio.Event().wait()
            return {}

    async with running_feed(database, check=Hanging(), check_every=SHORT, blind=SHORT) as feed:
        for _ in range(2):
            _, outlet = await connect(feed, await somebody(database, workshop.workspace_id))
            assert await outlet.end == (1013, "Try again later")


async def test_checks_that_succeed_keep_connections_open(database: Database, workshop: Workshop) -> None:
    """Red when a successful check does not count."""
    check = Check()
    async with running_feed(database, check=check, check_every=SHORT, blind=4 * SHORT) as feed:
        _, outlet = await connect(feed, await somebody(database, workshop.workspace_id))
        while len(check.pages) < 8:
            check.called.clear()
            await check.called.wait()
        assert not outlet.end.done()


async def test_stopping_closes_with_1012_and_ends_every_subscription(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        connection, outlet = await connect(feed, await somebody(database, acme))
        ends = [
            asyncio.ensure_future(anext(feed.follow(each, acme, 0, everything), None)) for each in (connection, None)
        ]
        await asyncio.sleep(0)
    assert await asyncio.gather(*ends) == [None, None]
    assert await outlet.end == (1012, "Service restart")
