"""Carrying operations on as a node does, but chunk by chunk as a test wants it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from models.database import Database, Tx
from models.types import new_id
from resolvers.bulk import leases, running
from resolvers.bulk.job import Job, Lease
from resolvers.bulk.operation import ToDo


class Node:
    """A node that carries operations on when it is told to."""

    def __init__(self, database: Database, lease: timedelta = timedelta(minutes=1)) -> None:
        self.database = database
        self.lease = Lease(new_id(), lease)

    async def take_on(self) -> Job | None:
        """The oldest operation that no node carries on; None if there is none."""
        async with self.database.read() as reader:
            found = await leases.unattended(reader, 1)
        for operation_id, workspace_id in found.items():

            async def work(tx: Tx, operation_id: UUID = operation_id, workspace_id: UUID = workspace_id) -> Job | None:
                return await leases.take_on(tx, operation_id, workspace_id, self.lease)

            return await self.database.transact(work)
        return None

    async def look(self, job: Job, limit: int = 10_000) -> ToDo | None:
        """What is next, read without the lock."""
        async with self.database.read() as reader:
            return await running.next_to_do(reader, job, limit)

    async def step(self, job: Job, to_do: ToDo | None) -> Job | None:
        """One transaction; None once the operation has ended."""

        async def work(tx: Tx) -> Job | None:
            await tx.lock(job.operation.workspace_id)
            return await running.carry_on(tx, job, to_do)

        return await self.database.transact(work)

    async def count(self, job: Job) -> Job:
        """Count again what it matched."""
        async with self.database.read() as reader:
            counts = await running.count_again(reader, job)
        return await self.database.transact(lambda tx: running.note_counts(tx, job, counts))

    async def go_on(self, job: Job, size: int) -> Job | None:
        """One chunk of at most so many rows."""
        return await self.step(job, await self.look(job, size))

    async def go_through(self, job: Job | None, sizes: Sequence[int], limit: int = 10) -> None:
        """Chunks of these sizes, of at most `limit` rows that are read at once; less if the operation ends."""
        ahead: ToDo | None = None
        for size in sizes:
            if job is None:
                return
            ahead = ahead or await self.look(job, limit)
            chunk, ahead = ahead.split(size) if ahead else (None, None)
            job = await self.step(job, chunk)

    async def finish(self, job: Job, sizes: Callable[[], int] = lambda: 1_000) -> None:
        """Carry an operation on to its end."""
        if not job.operation.state.counted:
            job = await self.count(job)
        while (went_on := await self.go_on(job, sizes())) is not None:
            job = went_on

    async def finish_all(self, sizes: Callable[[], int] = lambda: 1_000) -> None:
        """Carry everything on to its end."""
        while (job := await self.take_on()) is not None:
            await self.finish(job, sizes)


def cycle(*sizes: int) -> Callable[[], int]:
    """The sizes in turn, again and again."""

    def endless() -> Iterator[int]:
        while True:
            yield from sizes

    numbers = endless()
    return lambda: next(numbers)
