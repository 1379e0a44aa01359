"""The background task that carries operations on which are too large for the transaction that starts them.

Each process has one. Whichever takes an operation on first holds a lease on it and renews it with every chunk; what a
process leaves behind when it ends is taken on by another one, or by the next.
"""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import Histogram

from models.database import Database, Tx
from models.types import new_id
from offboard.alarm import Alarm
from resolvers.bulk import leases, running
from resolvers.bulk.job import Job, Lease, LeaseLost
from resolvers.bulk.operation import ToDo

AT_ONCE = 4
"""So many operations are carried on at the same time."""

READ_AHEAD, READ_AHEAD_AWAITED = 20_000, 2_500
"""So many rows are read at once, and dealt with before the database's log is moved into its file. To do that seldom
costs less; to do it while there is little to move holds others up less, so it is done sooner if somebody has waited."""
LEASE = timedelta(seconds=5)
POLL_S = 1.0
TRY_AGAIN_S = 5.0

HELD_S, AWAITED_S = 0.011, 0.006
"""How long a chunk is to hold the workspace's lock, and while others wait for it: 20 ms would be too long."""

SMALLEST, FIRST, LARGEST = 50, 200, 2_000
"""Rows of a chunk. With fewer than the smallest, what each transaction costs anyway is most of it."""

LEAST, MOST = 0.8, 1.05
"""By how much a chunk differs from the one before: what took long is heeded at once, what was short may be luck."""

HELD = Histogram(
    "offboard_chunk_seconds",
    "How long a chunk of a bulk operation held its workspace's lock.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 1),
)

log = structlog.get_logger(__name__)


class Runner:
    """Carries operations on, several at a time. Several may run on one database, each with a lease of its own."""

    def __init__(self, database: Database, *, lease: timedelta = LEASE, poll: float = POLL_S) -> None:
        self._database = database
        self.lease = Lease(new_id(), lease)
        self._poll = poll
        self._alarm = Alarm()
        self._jobs: dict[UUID, asyncio.Task[None]] = {}

    async def committed(self, tx: Tx) -> None:
        """Listen to commits (Database.after_commit): an operation may have been started."""
        if tx.work_due:
            self._alarm.ring()

    async def run(self) -> None:
        """Take operations on until cancelled; then leave them to others at once."""
        try:
            while True:
                try:
                    await self._take_on()
                except Exception:
                    log.exception("Looking for operations failed")
                await self._alarm.wait(self._poll)
        finally:
            await self._let_go()

    async def _take_on(self) -> None:
        if not (free := AT_ONCE - len(self._jobs)):
            return
        async with self._database.read() as reader:
            found = await leases.unattended(reader, free)
        for operation_id, workspace_id in found.items():
            take = partial(leases.take_on, operation_id=operation_id, workspace_id=workspace_id, lease=self.lease)
            if operation_id not in self._jobs and (job := await self._database.transact(take)) is not None:
                self._jobs[operation_id] = asyncio.create_task(self._carry_on(job))

    async def _carry_on(self, job: Job) -> None:
        try:
            await Pace(self._database, FIRST).carry_on(job)
        except LeaseLost:
            log.info("An operation was cancelled, or is carried on elsewhere", operation=str(job.operation.id))
        except Exception:
            log.exception("Carrying an operation on failed", operation=str(job.operation.id))
            await asyncio.sleep(TRY_AGAIN_S)
        finally:
            del self._jobs[job.operation.id]
            self._alarm.ring()

    async def _let_go(self) -> None:
        for task in self._jobs.values():
            task.cancel()
        if tasks := list(self._jobs.values()):
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._database.drain()
            await self._database.transact(partial(leases.let_go, lease=self.lease))


class Pace:
    """Carries one operation on, in chunks of a size that holds the lock for about HELD_S."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._size = size
        self._awaited = False

    async def carry_on(self, job: Job) -> None:
        """Carry an operation on to its end; raises LeaseLost."""
        if not job.operation.state.counted:
            job = await self._count(job)
        ahead = await self._look_ahead(job)
        while ahead is not None:
            while ahead is not None:
                chunk, ahead = ahead.split(self._size)
                went_on = await self._transact(job, chunk)
                if went_on is None:
                    return
                job = went_on
            ahead, _ = await asyncio.gather(self._look_ahead(job), self._database.checkpoint())
        await self._transact(job, None)

    async def _look_ahead(self, job: Job) -> ToDo | None:
        limit = READ_AHEAD_AWAITED if self._awaited else READ_AHEAD
        self._awaited = False
        async with self._database.read() as reader:
            return await running.next_to_do(reader, job, limit)

    async def _count(self, job: Job) -> Job:
        async with self._database.read() as reader:
            counts = await running.count_again(reader, job)
        return await self._database.transact(partial(running.note_counts, job=job, counts=counts))

    async def _transact(self, job: Job, to_do: ToDo | None) -> Job | None:
        async def work(tx: Tx) -> tuple[Job | None, Tx]:
            await tx.lock(job.operation.workspace_id)
            return await running.carry_on(tx, job, to_do), tx

        went_on, tx = await self._database.transact(work, durable=to_do is None)
        HELD.observe(tx.held_s)
        self._awaited |= tx.was_awaited
        if to_do is not None and len(to_do.rows) >= self._size:
            wanted = (AWAITED_S if tx.was_awaited else HELD_S) / tx.held_s
            self._size = round(min(max(self._size * min(max(wanted, LEAST), MOST), SMALLEST), LARGEST))
        await asyncio.sleep(tx.held_s if tx.was_awaited else 0)
        return went_on
