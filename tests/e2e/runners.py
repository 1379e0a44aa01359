"""Nodes that only carry operations on, each a process that can be killed."""

import asyncio
import os
from datetime import timedelta
from multiprocessing.connection import Connection
from uuid import UUID

from models.database import Database
from offboard import runner as runners
from offboard.runner import Runner
from tests.e2e.forked import CONTEXT
from tests.services.guard import Guard

LEASE = timedelta(milliseconds=150)
SMALL = 12
"""At most so many rows a chunk, so that there are many of them."""


class RunnerProcess:
    """A process with a runner; `owner_id` is what it puts on the operations that it carries on."""

    def __init__(self, database_url: str) -> None:
        reader, writer = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=_run, args=(database_url, writer), daemon=True)
        self._process.start()
        writer.close()
        self.owner_id: UUID = reader.recv()
        reader.close()
        assert self._process.pid is not None
        self._guard = Guard(self._process.pid)

    def crash(self) -> None:
        """End it as a power cut does."""
        self._process.kill()
        self._process.join()
        self._guard.dismiss()


def _run(database_url: str, started: Connection) -> None:
    os.setsid()
    runners.FIRST = runners.LARGEST = SMALL
    runners.SMALLEST = 1
    asyncio.run(_carry_on(database_url, started))


async def _carry_on(database_url: str, started: Connection) -> None:
    runner = Runner(Database(database_url), lease=LEASE, poll=LEASE.total_seconds() / 3)
    started.send(runner.lease.owner_id)
    await runner.run()
