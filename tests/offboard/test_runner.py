"""The background task that carries operations on: woken in time, undeterred by failures, gone without a trace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

import models.database
from models.database import Database, Tx
from models.enums import BulkOperationStatus, Role
from models.work import BulkOperation, Conversation
from offboard import runner as runners
from offboard.runner import Pace, Runner
from resolvers.bulk import running
from resolvers.bulk.job import Job
from resolvers.deletion import delete_user
from resolvers.handover import cancel_bulk_reassign
from tests.crowd import conversations
from tests.records import call
from tests.resolvers.handing_over import hand_over, operation, to
from tests.resolvers.running import Node
from tests.waiting import eventually
from tests.workshop import Person, Workshop

NEVER = 600.0


@pytest.fixture(autouse=True)
def nothing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever matches anything goes on in the background, in small chunks."""
    monkeypatch.setattr(running, "AT_ONCE", 0)
    monkeypatch.setattr(runners, "FIRST", 2)
    monkeypatch.setattr(runners, "LARGEST", 3)
    monkeypatch.setattr(runners, "READ_AHEAD", 7)
    monkeypatch.setattr(runners, "READ_AHEAD_AWAITED", 4)


@asynccontextmanager
async def alive(database: Database, **words: Any) -> AsyncIterator[Runner]:
    runner = Runner(database, **words)
    database.after_commit.append(runner.committed)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        database.after_commit.remove(runner.committed)


async def ended(shop: Workshop, done: Any) -> BulkOperation:
    async def look() -> BulkOperation | None:
        row = await operation(shop, done)
        return None if row.status is BulkOperationStatus.RUNNING else row

    return await eventually(look)


async def test_it_is_woken_by_the_commit(workshop: Workshop, ana: Person, bob: Person) -> None:
    await conversations(workshop, range(20), [ana])
    async with alive(workshop.database, poll=NEVER):
        await asyncio.sleep(0)
        row = await ended(workshop, await hand_over(workshop, to(bob), assigned_to_user_id=ana.id))
        assert (row.status, row.reassigned_conversations) == (BulkOperationStatus.COMPLETED, 20)
        words = {"user_id": bob.id, "confirmation": bob.email, "reason": "PRIVACY_REQUEST"}
        await call(workshop, delete_user, workshop.olivia, **words)

        async def released() -> bool | None:
            return await workshop.count(Conversation, assignee_id=None) == 20 or None

        await eventually(released)


async def test_it_finds_what_another_process_has_started_or_left(
    workshop: Workshop, node: Database, ana: Person, bob: Person
) -> None:
    await conversations(workshop, range(20), [ana])
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    async with alive(node, poll=0.01):
        assert (await ended(workshop, done)).reassigned_conversations == 20


async def test_several_at_the_same_time(workshop: Workshop, node: Database, bob: Person) -> None:
    """More than one process takes on at once, in two processes."""
    leavers = [await workshop.person(f"Leaver{number}", Role.AGENT) for number in range(runners.AT_ONCE + 2)]
    await conversations(workshop, range(60), leavers)
    async with alive(workshop.database, poll=0.01), alive(node, poll=0.01):
        done = [await hand_over(workshop, to(bob), assigned_to_user_id=each.id) for each in leavers]
        rows = [await ended(workshop, each) for each in done]
    assert [row.reassigned_conversations for row in rows] == [10] * len(leavers)


async def test_a_failure_is_logged_and_tried_again(
    workshop: Workshop, ana: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "TRY_AGAIN_S", 0)
    await conversations(workshop, range(9), [ana])
    failures = iter([OSError("disk full"), LookupError("odd")])
    original = running.carry_on

    async def carry_on(*args: Any) -> Any:
        outcome = await original(*args)
        if failure := next(failures, None):
            raise failure
        return outcome

    monkeypatch.setattr(running, "carry_on", carry_on)
    with capture_logs() as logs:
        async with alive(workshop.database, lease=timedelta(milliseconds=20), poll=0.01):
            row = await ended(workshop, await hand_over(workshop, to(bob), assigned_to_user_id=ana.id))
    assert (row.processed, row.reassigned_conversations) == (9, 9)
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["Carrying an operation on failed"] * 2


async def test_what_is_cancelled_stops(
    workshop: Workshop, ana: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await conversations(workshop, range(20), [ana])
    done: Any = None
    original = running.next_to_do

    async def cancel_before(reader: Any, job: Any, limit: int) -> Any:
        to_do = await original(reader, job, limit)
        await call(workshop, cancel_bulk_reassign, workshop.olivia, operation_id=job.operation.id)
        return to_do

    monkeypatch.setattr(running, "next_to_do", cancel_before)
    async with alive(workshop.database, poll=NEVER) as runner:
        done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
        row = await ended(workshop, done)

        async def idle() -> bool | None:
            return not runner._jobs or None

        await eventually(idle)
    assert (row.status, row.processed) == (BulkOperationStatus.CANCELLED, 0)
    assert await workshop.count(Conversation, assignee_id=ana.actor_id) == 20


async def test_who_stops_leaves_its_operations_to_others_at_once(
    workshop: Workshop, node: Database, ana: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await conversations(workshop, range(20), [ana])
    under_way = asyncio.Event()
    original = Pace._transact

    async def stuck(self: Pace, *args: Any) -> Any:
        outcome = await original(self, *args)
        if not under_way.is_set():
            under_way.set()
            await asyncio.Event().wait()
        return outcome

    monkeypatch.setattr(Pace, "_transact", stuck)
    async with alive(workshop.database, lease=timedelta(minutes=5), poll=NEVER):
        done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
        await under_way.wait()
    assert 0 < (await operation(workshop, done)).processed < 20
    async with alive(node, poll=0.01):
        assert (await ended(workshop, done)).reassigned_conversations == 20


async def test_the_size_of_chunks_follows_how_long_they_hold_the_lock(
    workshop: Workshop, ana: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "SMALLEST", 10)
    monkeypatch.setattr(runners, "LARGEST", 400)
    monkeypatch.setattr(runners, "READ_AHEAD", 5_000)
    await conversations(workshop, range(700), [ana])
    await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    per_row = 0.0001
    sizes: list[int] = []
    original = running.carry_on

    now = 0.0

    async def carry_on(tx: Any, job: Any, to_do: Any) -> Any:
        """Time passes only by dealing with rows."""
        nonlocal now
        size = len(to_do.rows) if to_do else 0
        sizes.append(size)
        now += max(size, 1) * per_row
        return await original(tx, job, to_do)

    monkeypatch.setattr(models.database, "monotonic", lambda: now)
    monkeypatch.setattr(running, "carry_on", carry_on)
    job = await Node(workshop.database).take_on()
    assert job is not None
    await Pace(workshop.database, 110).carry_on(job)
    whole = sizes[:-2]
    assert whole[0] == 110
    assert whole == sorted(whole)
    assert whole[-1] * per_row == pytest.approx(runners.HELD_S, rel=0.1)


HELD_S = 0.0123


def chunks_are_awaited(monkeypatch: pytest.MonkeyPatch, *awaited: bool) -> None:
    """Whether somebody waits for the end of the first transactions; nobody does for that of the others."""
    each = iter(awaited)

    def end(tx: Tx) -> None:
        tx.held_s, tx.was_awaited = HELD_S, next(each, False)

    monkeypatch.setattr(Tx, "end", end)


async def taken_on(shop: Workshop, leaver: Person, heir: Person) -> Job:
    """A hand-over of twenty conversations, of which none has been moved."""
    await conversations(shop, range(20), [leaver])
    await hand_over(shop, to(heir), assigned_to_user_id=leaver.id)
    job = await Node(shop.database).take_on()
    assert job is not None
    return job


async def test_it_rests_as_long_as_somebody_waited(
    workshop: Workshop, ana: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await taken_on(workshop, ana, bob)
    rests: list[float] = []
    sleep = asyncio.sleep

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await sleep(seconds)

    chunks_are_awaited(monkeypatch, True, False, True)
    monkeypatch.setattr(runners.asyncio, "sleep", rest)
    await Pace(workshop.database, 3).carry_on(job)
    assert rests[:4] == [HELD_S, 0, HELD_S, 0]


async def test_it_reads_less_ahead_after_somebody_has_waited(
    workshop: Workshop, ana: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await taken_on(workshop, ana, bob)
    limits: list[int] = []
    original = running.next_to_do

    async def next_to_do(reader: Any, job: Any, limit: int) -> Any:
        limits.append(limit)
        return await original(reader, job, limit)

    of_three, of_two = (False, True, False), (False, False)
    chunks_are_awaited(monkeypatch, *of_three, *of_two)
    monkeypatch.setattr(running, "next_to_do", next_to_do)
    await Pace(workshop.database, 3).carry_on(job)
    assert limits[:3] == [7, 4, 7]
