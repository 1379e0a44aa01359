"""The background task: what is due is done, at its time, after a crash too, and a failure is tried again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from models import events
from models.database import Database, Tx, table
from models.enums import ConversationStatus, EventKind, RevocationReason, Role, UserChangeKind, UserStatus
from models.events import Cursor, CursorExpired, user_changed
from models.leaving import AnnouncedDeletion
from models.people import User, UserSession
from models.types import now
from models.work import Conversation
from offboard.clock import PRUNE_EVERY, Clock
from resolvers import departing, upkeep
from resolvers.deletion import delete_user
from resolvers.workspaces import update_workspace
from tests.records import call, dump, event_rows, why_signed_out
from tests.resolvers.leaving import pass_time, schedule
from tests.workshop import Person, Workshop

OPEN, SNOOZED, _ = ConversationStatus
MONTH = timedelta(days=30)
FOREVER = 600.0


@pytest.fixture
def clock(database: Database) -> Clock:
    return Clock(database, retention=MONTH, longest_sleep=FOREVER)


@asynccontextmanager
async def running(clock: Clock) -> AsyncIterator[None]:
    task = asyncio.create_task(clock.run())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await clock._database.drain()  # what it was doing is committed all the same


def told_when(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, done: Callable[[Any], bool]) -> asyncio.Event:
    """An event that is set once a function has answered something that counts as done."""
    original, event = getattr(owner, name), asyncio.Event()

    async def watched(*args: Any, **kwargs: Any) -> Any:
        answer = await original(*args, **kwargs)
        if done(answer):
            event.set()
        return answer

    monkeypatch.setattr(owner, name, watched)
    return event


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(30):
        await event.wait()


async def snoozed(shop: Workshop, seconds: float, assignee: Person | None = None) -> Any:
    until = now() + timedelta(seconds=seconds)
    return await shop.conversation(assignee=assignee, status=SNOOZED, snoozed_until=until)


async def status(shop: Workshop, conversation_id: Any) -> ConversationStatus:
    found: ConversationStatus = (await shop.load(Conversation, id=conversation_id)).status
    return found


async def test_what_is_due_wakes_in_as_many_batches_as_it_takes(
    workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 3)
    ivy = await workshop.person("Ivy Imms", Role.AGENT, inactive=True)
    for number in range(10):
        await snoozed(workshop, -1 - number, ivy if number % 2 else workshop.olivia)
    later = await snoozed(workshop, 60)
    await clock.tick()
    assert await workshop.count(Conversation, status=OPEN) == 10
    assert await workshop.count(Conversation, status=OPEN, assignee_id=ivy.actor_id) == 5
    assert await status(workshop, later) is SNOOZED


async def test_a_conversation_wakes_at_its_time(
    workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken = told_when(monkeypatch, upkeep, "wake_conversations", bool)
    conversation = await snoozed(workshop, 0.3)
    assert await status(workshop, conversation) is SNOOZED
    async with running(clock):
        await soon(woken)
    assert await status(workshop, conversation) is OPEN


async def test_expired_sessions_end_in_every_workspace(workshop: Workshop, clock: Clock) -> None:
    other = await Workshop.open(workshop.database, "other")
    shops = (workshop, other)
    for shop in shops:
        await shop.sign_in(shop.olivia)
        await shop.change(UserSession, shop.olivia.viewer.session_id, expires_at=now())  # type: ignore[arg-type]
    await clock.tick()
    for shop in shops:
        (told,) = await event_rows(shop)
        assert (told.kind, told.session_id) == (EventKind.SESSION_REVOKED, shop.olivia.viewer.session_id)
        assert told.reason is RevocationReason.EXPIRED
        assert await why_signed_out(shop, shop.olivia.token) is RevocationReason.EXPIRED
    rows = await dump(workshop.database)
    await clock.tick()
    assert await dump(workshop.database) == rows


async def test_a_session_expires_at_its_time(workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    expired = told_when(monkeypatch, upkeep, "expire_sessions", bool)
    await workshop.sign_in(workshop.olivia, expires_in=timedelta(seconds=0.3))
    async with running(clock):
        await soon(expired)
    assert [row.reason for row in await event_rows(workshop)] == [RevocationReason.EXPIRED]


async def old_events(shop: Workshop, how_many: int) -> None:
    async def work(tx: Tx) -> None:
        await tx.lock(shop.workspace_id)
        tx.now -= 2 * MONTH
        told = [user_changed(shop.olivia.id, UserChangeKind.INVITED)] * how_many
        await events.append(tx, shop.workspace_id, told)

    await shop.database.transact(work)


async def test_old_events_go_and_a_cursor_from_before_is_expired(workshop: Workshop, clock: Clock) -> None:
    await old_events(workshop, 3)
    await clock.tick()
    async with workshop.database.read() as reader:
        state = await events.state(reader, workshop.workspace_id)
        assert await events.read_after(reader, workshop.workspace_id, 0) == []
    assert (state.pruned, state.position) == (3, 3)
    assert state.resume(state.cursor) == 3
    with pytest.raises(CursorExpired):
        state.resume(Cursor(state.generation, 2))


async def test_pruning_is_done_now_and_then(workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    pruned: list[timedelta] = []

    async def prune(_tx: Tx, retention: timedelta) -> None:
        pruned.append(retention)

    monkeypatch.setattr(upkeep, "prune", prune)
    for _ in range(3):
        await clock.tick()
    assert pruned == [MONTH]
    monkeypatch.setattr("offboard.clock.now", lambda: now() + PRUNE_EVERY)
    await clock.tick()
    assert pruned == [MONTH, MONTH]


async def test_departures_and_deletions_are_done_at_their_time(workshop: Workshop, clock: Clock) -> None:
    ana, gus = await workshop.person("Ana", Role.AGENT), await workshop.person("Gus", Role.AGENT, inactive=True)
    await call(workshop, update_workspace, workshop.olivia, delete_after_days=1, retention_days=0)
    await workshop.change(User, gus.id, deactivated_at=now() - MONTH)
    await clock.tick()
    await schedule(workshop, ana)
    rows = await dump(workshop.database)
    await clock.tick()
    assert await dump(workshop.database) == rows
    await pass_time(workshop, days=1)
    async with workshop.database.begin() as tx:
        await tx.run(update(table(AnnouncedDeletion)).values(delete_at=now()))
    await clock.tick()
    assert (await workshop.load(User, id=ana.id)).status is UserStatus.INACTIVE
    assert await workshop.load(User, id=gus.id) is None


async def test_a_departure_that_fails_keeps_no_other_back(
    workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bob = await workshop.person("Ana", Role.AGENT), await workshop.person("Bob", Role.AGENT)
    first = await schedule(workshop, ana)
    await schedule(workshop, bob)
    await pass_time(workshop, days=1)
    original = departing.carry_out

    async def carry_out(tx: Tx, due: departing.DueDeparture) -> None:
        if due.id == first:
            raise LookupError("odd")
        await original(tx, due)

    monkeypatch.setattr(departing, "carry_out", carry_out)
    with pytest.raises(ExceptionGroup):
        await clock.tick()
    assert (await workshop.load(User, id=bob.id)).status is UserStatus.INACTIVE
    assert (await workshop.load(User, id=ana.id)).status is UserStatus.ACTIVE


def log_of(database: Database) -> Path:
    return Path(database.url.removeprefix("sqlite+aiosqlite:///") + "-wal")


async def delete(workshop: Workshop, name: str) -> None:
    who = await workshop.person(name, Role.AGENT)
    words = {"user_id": who.id, "confirmation": who.email, "reason": "CREATED_IN_ERROR"}
    await call(workshop, delete_user, workshop.olivia, **words)


@pytest.mark.only_on("sqlite")
async def test_after_a_deletion_the_log_is_emptied_at_once(
    workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await clock.tick()
    workshop.database.after_commit.append(clock.committed)
    await workshop.conversation()
    await clock.tick()
    assert log_of(workshop.database).stat().st_size > 0
    emptied = told_when(monkeypatch, workshop.database, "truncate_wal", bool)
    async with running(clock):
        await delete(workshop, "Zeb Quix")
        await soon(emptied)
    assert log_of(workshop.database).stat().st_size == 0


async def test_a_log_in_use_is_emptied_later(workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [False, True]
    asked: list[bool] = []

    async def truncate() -> bool:
        asked.append(answers[len(asked)])
        return asked[-1]

    monkeypatch.setattr(workshop.database, "truncate_wal", truncate)
    for _ in range(4):
        await clock.tick()
    assert asked == answers


async def test_a_failure_is_logged_and_tried_again(
    workshop: Workshop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = await snoozed(workshop, -1)
    original, woken = upkeep.wake_conversations, asyncio.Event()
    failures = iter([OSError("disk full"), LookupError("odd")])

    async def wake(tx: Tx) -> int:
        if failure := next(failures, None):
            raise failure
        woken.set()
        return await original(tx)

    monkeypatch.setattr(upkeep, "wake_conversations", wake)
    with capture_logs() as logs:
        async with running(Clock(database, retention=MONTH, longest_sleep=0.01)):
            await soon(woken)
        await database.drain()
    assert await status(workshop, conversation) is OPEN
    assert [(each["event"], each["log_level"]) for each in logs] == [("The clock's work failed", "error")] * 2


async def test_with_nothing_planned_it_sleeps_until_woken(
    workshop: Workshop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.change(UserSession, workshop.olivia.viewer.session_id, ended_at=now())  # type: ignore[arg-type]
    ticks = 0
    asleep = told_when(monkeypatch, upkeep, "next_due", lambda due: due is None)
    original = clock.tick

    async def tick() -> Any:
        nonlocal ticks
        ticks += 1
        return await original()

    async def erase(tx: Tx) -> None:
        tx.erased = True

    async def change(_tx: Tx) -> None:
        assert ticks == 1

    monkeypatch.setattr(clock, "tick", tick)
    workshop.database.after_commit.append(clock.committed)
    async with running(clock):
        await soon(asleep)
        await workshop.database.transact(change)
        assert ticks == 1
        asleep.clear()
        await workshop.database.transact(erase)
        await soon(asleep)
    assert ticks == 2
