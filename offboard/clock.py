"""The background task of everything that is due at a time. What fell due while no process ran is done at start."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from models.database import Database, Reader, Tx
from models.types import now
from offboard.alarm import Alarm
from resolvers import departing, retention, upkeep

LONGEST_SLEEP_S = 5.0
PRUNE_EVERY = timedelta(hours=1)

D = TypeVar("D")

log = structlog.get_logger(__name__)


class Clock:
    """Wakes snoozed conversations, ends expired sessions, lets people leave and return, deletes and forgets.

    Several may run on one database.
    """

    def __init__(self, database: Database, *, retention: timedelta, longest_sleep: float = LONGEST_SLEEP_S) -> None:
        self._database = database
        self._retention = retention
        self._longest_sleep = longest_sleep
        self._pruned_at: datetime | None = None
        self._alarm = Alarm()
        self._erase = True

    async def committed(self, tx: Tx) -> None:
        """Listen to commits (Database.after_commit): erased bytes must leave the write-ahead log too."""
        if tx.erased:
            self._erase = True
            self._alarm.ring()

    async def run(self) -> None:
        """Do what is due, at its time, until cancelled. A failure is logged and tried again."""
        while True:
            try:
                delay = await self.tick()
            except Exception:
                log.exception("The clock's work failed")
                delay = self._longest_sleep
            await self._alarm.wait(delay)

    async def tick(self) -> float:
        """Do everything that is due now; says how many seconds to wait before the next time."""
        while (delay := await self._until_due()) <= 0:
            await self._do_what_is_due()
        if self._pruned_at is None or now() - self._pruned_at >= PRUNE_EVERY:
            await self._database.transact(lambda tx: upkeep.prune(tx, self._retention))
            await self._do_each(retention.workspaces_that_delete, retention.announce_deletions)
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
        await self._do_each(departing.due_departures, departing.carry_out)
        await self._do_each(retention.due_deletions, retention.delete_announced)

    async def _do_each(
        self, find: Callable[[Reader], Awaitable[list[D]]], do: Callable[[Tx, D], Awaitable[Any]]
    ) -> None:
        """Do everything of a kind that is due, each in transactions of its own, until nothing more comes of it.

        One that fails keeps no other back.
        """
        async with self._database.read() as reader:
            found = await find(reader)
        failures = []
        for due in found:
            try:
                while await self._database.transact(lambda tx: do(tx, due)):  # noqa: B023
                    pass
            except Exception as failure:  # noqa: BLE001 - raised when the others are done
                failures.append(failure)
        if failures:
            raise ExceptionGroup("Something that is due could not be done", failures)

    async def _until_due(self) -> float:
        async with self._database.read() as reader:
            due = await upkeep.next_due(reader)
        return self._longest_sleep if due is None else min((due - now()).total_seconds(), self._longest_sleep)
