"""SQLite's own means.

WAL, synchronous=FULL (a commit that was answered survives a power cut), secure_delete (deleted bytes are overwritten),
the driver's implicit transactions off. A writer begins with BEGIN IMMEDIATE, which is the lifecycle lock of every
workspace at once, behind an asyncio lock, so that writers of this process queue fairly instead of polling the file
lock.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from models.types import now

BUSY_TIMEOUT_MS = 15_000


class Sqlite:
    """A SQLite file: connections that read one snapshot, and connections that write alone."""

    def __init__(self, url: str) -> None:
        self.engine = create_async_engine(url, pool_size=10, max_overflow=10, pool_use_lifo=True, hide_parameters=True)
        self.readers = self.engine
        self.writers = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        self._turn = asyncio.Lock()
        event.listen(self.engine.sync_engine, "connect", _configure)
        event.listen(self.engine.sync_engine, "begin", _begin)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until no other writer of this process is at work."""
        return self._turn

    async def hold(self, session: AsyncSession, rows: Select[Any]) -> datetime:
        """Lock some rows until the commit; the time, once they are locked. The write transaction holds them already."""
        return now()

    async def prepare_to_migrate(self, connection: AsyncConnection) -> None:
        """Wait until nobody else migrates. The write transaction has waited already."""

    def lost_race(self, _error: DBAPIError) -> bool:
        """Whether a transaction failed only because of another at the same time. Here they are one after another."""
        return False

    async def truncate_wal(self) -> bool:
        """Move the write-ahead log into the file and empty it, so that erased bytes are gone from both.

        False if a reader or writer was in the way: nobody waits, try again later.
        """
        async with self._turn, self.engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            await raw.execute("PRAGMA busy_timeout = 0")
            try:
                async with raw.execute("PRAGMA wal_checkpoint(TRUNCATE)") as cursor:
                    busy, *_ = await cursor.fetchone()
            finally:
                await raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            return not busy


def _configure(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "cache_size = -16000",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
