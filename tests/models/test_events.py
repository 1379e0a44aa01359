"""The event feed's rows: positions without gaps, cursors, and reading on from one."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import events
from models.database import Database, Tx
from models.enums import EventKind, RevocationReason, UserChangeKind
from models.events import Cursor, CursorExpired, CursorInvalid, FeedEvent, FeedState
from models.types import new_id
from tests.races import until_it_waits
from tests.records import event_rows, unchanged
from tests.waiting import eventually
from tests.workshop import Workshop

INVITED = UserChangeKind.INVITED


async def append(shop: Workshop, *told: FeedEvent) -> dict[Any, int]:
    async def work(tx: Tx) -> dict[Any, list[FeedEvent]]:
        await tx.lock(shop.workspace_id)
        await events.append(tx, shop.workspace_id, told)
        return tx.events

    written = await shop.database.transact(work)
    return {workspace_id: each[-1].position for workspace_id, each in written.items()}


async def test_positions_have_no_gaps_per_workspace(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    some = [events.user_changed(new_id(), INVITED) for _ in range(3)]
    assert await append(workshop, *some) == {workshop.workspace_id: 3}
    assert await append(other, some[0]) == {other.workspace_id: 1}
    assert await append(workshop, some[0]) == {workshop.workspace_id: 4}
    assert [row.user_id for row in await event_rows(workshop)] == [each.user_id for each in (*some, some[0])]
    async with workshop.database.read() as reader:
        both = [workshop.workspace_id, other.workspace_id]
        assert await events.positions(reader, both) == {workshop.workspace_id: 4, other.workspace_id: 1}
        assert await events.positions(reader, [new_id()]) == {}


async def test_what_a_transaction_has_written_is_what_everybody_reads(workshop: Workshop) -> None:
    told = [
        events.session_revoked(new_id(), new_id(), RevocationReason.EXPIRED),
        events.user_changed(new_id(), INVITED),
        events.token_revoked(new_id()),
    ]

    async def work(tx: Tx) -> dict[Any, list[FeedEvent]]:
        await tx.lock(workshop.workspace_id)
        await events.append(tx, workshop.workspace_id, told)
        return tx.events

    written = await workshop.database.transact(work)
    async with workshop.database.read() as reader:
        assert written == {workshop.workspace_id: await events.read_after(reader, workshop.workspace_id, 0)}
    assert [event.position for event in written[workshop.workspace_id]] == [1, 2, 3]


async def test_no_events_take_no_position(workshop: Workshop) -> None:
    async def nothing(tx: Tx, _viewer: object) -> dict[Any, list[FeedEvent]]:
        await events.append(tx, workshop.workspace_id, [])
        return tx.events

    assert await unchanged(workshop, nothing, workshop.olivia) == {}


async def test_a_rollback_leaves_no_gap(workshop: Workshop) -> None:
    async def fail(tx: Tx) -> None:
        await events.append(tx, workshop.workspace_id, [events.token_revoked(new_id())] * 2)
        raise LookupError

    with pytest.raises(LookupError):
        await workshop.database.transact(fail)
    await append(workshop, events.token_revoked(new_id()))
    assert len(await event_rows(workshop)) == 1


async def test_events_are_read_as_they_were_written(workshop: Workshop) -> None:
    session, user, token = new_id(), new_id(), new_id()
    await append(
        workshop,
        events.session_revoked(session, user, RevocationReason.EXPIRED),
        events.user_changed(user, INVITED),
        events.token_revoked(token),
    )
    async with workshop.database.read() as reader:
        first, second, third = await events.read_after(reader, workshop.workspace_id, 0)
        state = await events.state(reader, workshop.workspace_id)
    assert (first.kind, first.session_id, first.user_id) == (EventKind.SESSION_REVOKED, session, user)
    assert (first.reason, first.change) == (RevocationReason.EXPIRED, None)
    assert (second.kind, second.user_id, second.change) == (EventKind.USER_CHANGED, user, INVITED)
    assert (third.kind, third.access_token_id) == (EventKind.TOKEN_REVOKED, token)
    assert [each.position for each in (first, second, third)] == [1, 2, 3]
    assert {each.workspace_id for each in (first, second, third)} == {workshop.workspace_id}
    assert first.occurred_at is not None
    assert third.cursor == str(state.cursor)
    assert Cursor.parse(first.cursor) == Cursor(state.generation, 1)


async def test_reading_on_misses_nothing_and_sees_nothing_twice(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    await append(other, events.token_revoked(new_id()))
    await append(workshop, *(events.token_revoked(new_id()) for _ in range(5)))
    seen: list[int] = []
    async with workshop.database.read() as reader:
        while batch := await events.read_after(reader, workshop.workspace_id, seen[-1] if seen else 0, limit=2):
            assert len(batch) <= 2
            seen += [each.position for each in batch]
    assert seen == [1, 2, 3, 4, 5]


@given(st.text("0123456789abcdef", min_size=1), st.integers(0, 2**63))
def test_a_cursor_comes_back_as_it_went(generation: str, position: int) -> None:
    cursor = Cursor(generation, position)
    assert Cursor.parse(str(cursor)) == cursor
    assert str(cursor).replace("-", "").replace("_", "").isalnum()


def test_what_is_no_cursor() -> None:
    good = str(Cursor("abcd", 7))
    for text in ("", "x", "!!", good + "=", good + "A", " " + good, str(Cursor("abcd", -1)), "YWJj", "é", "YWI6MDc"):
        with pytest.raises(CursorInvalid):
            Cursor.parse(text)


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_invalid(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except CursorInvalid:
        return
    assert str(cursor) == text


def test_resuming_within_what_is_kept() -> None:
    state = FeedState("abcd", position=9, pruned=4)
    assert [state.resume(Cursor("abcd", position)) for position in (4, 9)] == [4, 9]
    for cursor in (Cursor("abcd", 3), Cursor("abcd", 10), Cursor("abce", 5)):
        with pytest.raises(CursorExpired):
            state.resume(cursor)


def test_generations_differ() -> None:
    assert events.new_generation() != events.new_generation()


async def test_however_transactions_overlap_a_follower_misses_nothing_and_sees_nothing_twice(
    workshop: Workshop, node: Database
) -> None:
    """Red when positions are taken before the lock: then a transaction that is held open is skipped, or its number is
    given out twice."""
    written: list[list[UUID]] = []

    async def write(database: Database) -> None:
        users = [new_id() for _ in range(random.randint(1, 3))]

        async def work(tx: Tx) -> None:
            await tx.lock(workshop.workspace_id)
            await events.append(tx, workshop.workspace_id, [events.user_changed(each, INVITED) for each in users])
            await asyncio.sleep(random.choice([0, 0, 0.01]))

        await database.transact(work)
        written.append(users)

    followed: list[FeedEvent] = []

    async def follow() -> None:
        while True:
            async with node.read() as reader:
                followed.extend(await events.read_after(reader, workshop.workspace_id, len(followed)))
            await asyncio.sleep(0)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(database) for database in [workshop.database, node] * 20))
    last = len([user for users in written for user in users])

    async def caught_up() -> bool | None:
        return len(followed) >= last or following.done() or None

    await eventually(caught_up)
    following.cancel()
    assert [each.position for each in followed] == list(range(1, last + 1))
    assert {each.user_id for each in followed} == {user for users in written for user in users}
    times = [each.occurred_at for each in followed if each.occurred_at]
    assert times == sorted(times)


@pytest.mark.only_on("postgresql")
async def test_what_is_written_later_waits_for_what_is_held_open(workshop: Workshop, node: Database) -> None:
    """Red without the lock."""
    later: list[asyncio.Task[Any]] = []
    elsewhere = Workshop(node, workshop.workspace_id, workshop.system_id)

    async def hold_open(tx: Tx) -> None:
        await tx.lock(workshop.workspace_id)
        later.append(asyncio.create_task(append(elsewhere, events.token_revoked(new_id()))))
        await until_it_waits(tx, later[0])
        await events.append(tx, workshop.workspace_id, [events.user_changed(workshop.olivia.id, INVITED)])

    await workshop.database.transact(hold_open)
    assert await later[0] == {workshop.workspace_id: 2}
    assert [row.kind for row in await event_rows(workshop)] == [EventKind.USER_CHANGED, EventKind.TOKEN_REVOKED]
