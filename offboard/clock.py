"""The background task of everything that is due at a time. What fell due while no process ran is done at start."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog

from models.database import Database, Tx
from models.types import now
from resolvers import upkeep

LONGEST_SLEEP_S = 5.0
PRUNE_EVERY = timedelta(hours=1)

log = structlog.get_logger(__name__)


class Clock:
    """Wakes snoozed conversations, ends expired sessions, forgets what is old. Several may run on one database."""

    def __init__(self, database: Database, *, retention: timedelta, longest_sleep: float = LONGEST_SLEEP_S) -> None:
        self._database = database
        self._retention = retention
        self._longest_sleep = longest_sleep
        self._pruned_at: datetime | None = None
        self._wake = asyncio.Event()
        self._erase = True

    async def committed(self, tx: Tx) -> None:
        """Listen to commits (Database.after_commit): erased bytes must leave the write-ahead log too."""
        if tx.erased:
            self._erase = True
            self._wake.set()

    async def run(self) -> None:
        """Do what is due, at its time, until cancelled. A failure is logged and tried again."""
        while True:
            self._wake.clear()
            try:
                delay = await self.tick()
            except Exception:
                log.exception("The clock's work failed")
                delay = self._longest_sleep
            try:
                await asyncio.wait_for(self._wake.wait(), delay)
            except TimeoutError:
                continue

    async def tick(self) -> float:
        """Do everything that is due now; says how many seconds to wait before the next time."""
        while (delay := await self._until_due()) <= 0:
            await self._do_what_is_due()
        if self._pruned_at is None or now() - self._pruned_at >= PRUNE_EVERY:
            await self._database.transact(lambda tx: upkeep.prune(tx, self._retention))
            self._pruned_at = now()
        if self._erase:
            self._erase = not await self._database.truncate_wal()
        return delay

    async def _do_what_is_due(self) -> None:
        await self._database.transact(upkeep.wake_conversations)
        async with self._database.read() as reader:
            workspaces = await upkeep.workspaces_with_expired_sessions(reader)
        for workspace_id in workspaces:
            await self._database.transact(partial(upkeep.expire_sessions, workspace_id=workspace_id))

    async def _until_due(self) -> float:
        async with self._database.read() as reader:
            due = await upkeep.next_due(reader)
        return self._longest_sleep if due is None else min((due - now()).total_seconds(), self._longest_sleep)
