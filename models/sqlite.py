"""SQLite's own means.

WAL, synchronous=FULL (a commit that was answered survives a power cut), secure_delete (deleted bytes are overwritten),
the driver's implicit transactions off. A writer begins with BEGIN IMMEDIATE, which is the lifecycle lock of every
workspace at once, behind an asyncio lock, so that writers of this process queue fairly instead of polling the file
lock.
"""

import asyncio
import os
import random
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing, suppress
from contextvars import copy_context
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiosqlite
from sqlalchemy import URL, Connection, Select, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

from models.prepared import Prepared
from models.statistics import tell_planner
from models.types import now

BUSY_TIMEOUT_MS = 15_000
LONGEST_LOG = 80_000
"""After so many pages a commit itself moves the log into the file, while it holds the lock. See checkpoint()."""
LONGEST_PAUSE_S = 0.02
STEP_BACK = 2
"""By how much the priority of whoever writes hastily is lower. What others do goes to threads and back many times, and
would wait each time. With more, what holds the lock would wait too long itself."""

T = TypeVar("T")


class Sqlite:
    """A SQLite file: connections that read one snapshot, and connections that write alone."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        location = make_url(url)
        if read_only:
            location = location.set(database=read_only_name(location.database or ""), query={"uri": "true"})
        self.engine = _engine(location, "FULL", 8_000, pool_size=10, max_overflow=10, pool_use_lifo=True)
        self.readers = self.engine
        self.writers = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        self._hasty = _engine(location, "NORMAL", 16_000, pool_size=1, max_overflow=0)
        self._hasty_writer: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def close(self) -> None:
        """Close every connection that nobody uses."""
        await self.engine.dispose()
        if self._hasty_writer is not None:
            await self._hasty_writer.close()
        await self._hasty.dispose()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until no other writer of this process is at work."""
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()

    @property
    def is_awaited(self) -> bool:
        """Whether another writer of this process waits for its turn."""
        return self._waiting > 0

    async def write_hastily(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction whose commit does not wait for the disk, from its beginning to its end in its own thread.

        So it holds the lock no longer for whatever else this process has to do in between.
        """
        async with self.turn():
            if self._hasty_writer is None:
                # One for all, as there is one writer at a time: it keeps in its cache what it has just written.
                self._hasty_writer = await self._hasty.execution_options(begin="BEGIN IMMEDIATE").connect()
                await _driver(self._hasty_writer).give_way()
            return await _driver(self._hasty_writer).finish(work(self._hasty_writer))

    async def change(self, connection: AsyncConnection, statement: Prepared, values: dict[str, Any]) -> Any:
        """What came of it, as a cursor. Where it need not be waited for, the driver is asked without a detour."""
        raw = _driver(connection)
        if raw.is_here:
            return raw.ask(*statement.sent(self.engine.dialect, values))
        return await connection.execute(statement.statement, values)

    async def hold(self, connection: AsyncConnection, rows: Select[Any], values: dict[str, Any]) -> datetime:
        """Lock some rows until the commit; the time, once they are locked. The write transaction holds them already."""
        return now()

    async def prepare_to_migrate(self, connection: AsyncConnection) -> None:
        """Wait until nobody else migrates. The write transaction has waited already."""

    async def tell_planner(self, connection: AsyncConnection) -> None:
        """Say how large tables become, after their indexes have changed."""
        await connection.run_sync(tell_planner)

    def lost_race(self, _error: DBAPIError) -> bool:
        """Whether a transaction failed only because of another at the same time. Here they are one after another."""
        return False

    async def checkpoint(self) -> None:
        """Move as much of the write-ahead log into the file as can be, in nobody's way, so that it begins anew."""
        async with self.engine.connect() as connection:
            await _driver(connection).execute("PRAGMA wal_checkpoint(PASSIVE)")

    async def truncate_wal(self) -> bool:
        """Move the write-ahead log into the file and empty it, so that erased bytes are gone from both.

        False if a reader or writer was in the way: nobody waits, try again later.
        """
        async with self.turn(), self.engine.connect() as connection:
            raw = _driver(connection)
            await raw.execute("PRAGMA busy_timeout = 0")
            try:
                async with raw.execute("PRAGMA wal_checkpoint(TRUNCATE)") as cursor:
                    ((busy, *_),) = await cursor.fetchall()
            finally:
                await raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            return not busy


def read_only_name(path: str) -> str:
    """What SQLite opens for reading alone, given as a URI; it makes no file where there is none."""
    return f"file:{quote(path)}?mode=ro"


class _Connection(aiosqlite.Connection):
    """A connection whose cursors go to its thread once a statement, where aiosqlite's own go four times.

    Most of what a short statement takes is the way to the thread and back.
    """

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """What something comes to that waits for this connection alone, done in its thread."""
        found: T = await self._execute(copy_context().run, _finish, work)
        return found

    async def give_way(self) -> None:
        """Let its thread come after the others of the process, by a little, where threads have priorities."""
        if sys.platform == "linux":
            with suppress(OSError):  # it may be forbidden
                await self._execute(_step_back)

    @property
    def is_here(self) -> bool:
        """Whether the caller is in its thread."""
        return threading.current_thread() is self._thread

    def ask(self, statement: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        """Run a statement, in its thread."""
        return self._conn.execute(statement, parameters)

    async def _execute(self, fn: Callable[..., Any], *args: Any, **words: Any) -> Any:
        if self.is_here:
            return fn(*args, **words)
        return await super()._execute(fn, *args, **words)  # type: ignore[no-untyped-call]

    def cursor(self) -> "_Cursor":  # type: ignore[override]
        return _Cursor(self)

    async def rollback(self) -> None:
        """As the pool does with each connection that comes back to it: after a commit there is nothing to go for."""
        if self.in_transaction:
            await super().rollback()


def _step_back() -> None:
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + STEP_BACK)


def _finish(work: Coroutine[Any, Any, T]) -> T:
    try:
        work.send(None)
    except StopIteration as end:
        found: T = end.value
        return found
    work.close()
    raise RuntimeError("It waited for something else than its connection.")


class _Cursor:
    """What SQLAlchemy's adapter asks of a cursor. Rows are read with the statement, and nothing stays open."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        await self._go(sqlite3.Cursor.execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Any) -> None:
        await self._go(sqlite3.Cursor.executemany, statement, parameters)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        pass

    async def _go(self, *work: Any) -> None:
        await self._connection._execute(self._run, *work)

    def _run(self, execute: Callable[[sqlite3.Cursor, str, Any], Any], statement: str, parameters: Any) -> None:
        with closing(self._connection._conn.cursor()) as cursor:
            execute(cursor, statement, parameters)
            self.description = cursor.description
            self._rows = cursor.fetchall()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid


def _driver(connection: AsyncConnection) -> _Connection:
    assert connection.sync_connection is not None
    raw = connection.sync_connection.connection.driver_connection
    assert isinstance(raw, _Connection)
    return raw


def _engine(location: URL, synchronous: str, cache_kib: int, **pool: Any) -> AsyncEngine:
    engine = create_async_engine(location, hide_parameters=True, connect_args={"async_creator_fn": _connect}, **pool)
    event.listen(engine.sync_engine, "connect", partial(_configure, synchronous=synchronous, cache_kib=cache_kib))
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _connect(path: str, **options: Any) -> _Connection:
    connection = _Connection(partial(sqlite3.connect, path, **options), iter_chunk_size=1)
    connection._thread.daemon = True  # as SQLAlchemy does it: what was left open must not hold up the process's end
    return connection


def _configure(connection: Any, _record: ConnectionPoolEntry, *, synchronous: str, cache_kib: int) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _use_log(cursor)
    for pragma in (
        f"wal_autocheckpoint = {LONGEST_LOG}",
        f"synchronous = {synchronous}",
        "foreign_keys = ON",
        "secure_delete = ON",
        f"cache_size = -{cache_kib}",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_log(cursor: Any) -> None:
    """Turn the write-ahead log on, which a file remembers.

    That needs a new file for itself and, unlike everything else, does not wait for who is opening it at the same time.
    """
    deadline = monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            await_only(asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S)))  # noqa: S311 (no secret)
        else:
            return


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
