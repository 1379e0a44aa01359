"""The engine, reading in one snapshot, and writing in one transaction.

SQLite: WAL, synchronous=FULL (a commit that was answered survives a power cut), secure_delete (deleted bytes are
overwritten), the driver's implicit transactions off. A writer begins with BEGIN IMMEDIATE behind an asyncio lock, so
that writers of this process queue fairly instead of polling the file lock.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Executable, Row, Table, event, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import SQLModel

from models.people import Workspace
from models.types import now

BUSY_TIMEOUT_MS = 15_000

T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)


def table(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements that select columns."""
    mapped = inspect(model).local_table
    assert isinstance(mapped, Table)
    return mapped


WORKSPACE = table(Workspace)


class Tx:
    """One write transaction: a session to work with, the time since the lock was taken, and what to tell afterwards.

    `positions` maps each workspace that got events to its last position: after the commit, connected nodes are hinted.
    """

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.now: datetime = now()
        self.positions: dict[UUID, int] = {}
        self.mail_due = False
        self.erased = False

    async def lock(self, *workspace_ids: UUID) -> None:
        """Take the lifecycle locks of some workspaces, in the order of their ids, in a statement of its own.

        Whatever is read after it stays true until the commit, and `now` is later than everything decided under the
        lock before.
        """
        await self.session.execute(
            select(WORKSPACE.c.id)
            .where(WORKSPACE.c.id.in_(workspace_ids))
            .order_by(WORKSPACE.c.id)
            .with_for_update(key_share=True)
        )
        self.now = now()

    async def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows of a statement."""
        return (await self.session.execute(statement)).all()

    async def row(self, statement: Executable) -> Row[Any] | None:
        """The first row of a statement, if there is one."""
        return (await self.session.execute(statement)).first()

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        return (await self.session.execute(statement)).scalar()

    async def run(self, statement: Executable, parameters: Sequence[dict[str, Any]] | None = None) -> int:
        """Execute a statement that changes rows; says how many it changed."""
        result: Any = await self.session.execute(statement, parameters)
        return int(result.rowcount)

    async def get(self, model: type[M], **key: Any) -> M | None:
        """Load one object to change it, as the database has it now."""
        statement = select(model).filter_by(**key).execution_options(populate_existing=True)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def add(self, *objects: SQLModel) -> None:
        """Insert objects now, so that later statements of this transaction see them."""
        self.session.add_all(objects)
        await self.session.flush()


class Reader:
    """Reads for one request, all from one snapshot that the first statement takes; one statement at a time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()
        self._connection: AsyncConnection | None = None

    async def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows of a statement."""
        async with self._turn:
            if self._connection is None:
                self._connection = await self._engine.connect()
            return (await self._connection.execute(statement)).all()

    async def row(self, statement: Executable) -> Row[Any] | None:
        """The first row of a statement, if there is one."""
        return next(iter(await self.rows(statement)), None)

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        row = await self.row(statement)
        return None if row is None else row[0]

    async def refresh(self) -> None:
        """Let the snapshot go: the next statement sees everything committed by then."""
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refresh()


log = logging.getLogger(__name__)

AfterCommit = Callable[[Tx], Awaitable[None]]


class Database:
    """A database by URL: where every read and every write of this process goes through."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_async_engine(url, pool_size=10, max_overflow=10, hide_parameters=True)
        self.after_commit: list[AfterCommit] = []
        self._writers = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _configure_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)

    def read(self) -> Reader:
        """A reader; use it as an async context manager, or refresh() it when done."""
        return Reader(self.engine)

    async def transact(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run `work` in one transaction, commit, then tell `after_commit`; if `work` raises, everything is rolled back.

        From the lock to the hint nothing cancels: if the caller is cancelled, the work still ends and is told.
        """
        task = asyncio.ensure_future(self._transact(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _transact(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async with self.begin() as tx:
            result = await work(tx)
        for listener in self.after_commit:
            try:
                await listener(tx)
            except Exception:
                log.exception("A commit could not be told")
        return result

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """One write transaction: committed at the end of the block, rolled back if it raises."""
        async with self._turn_of_writers(), AsyncSession(self._writers, expire_on_commit=False) as session:
            async with session.begin():
                await session.connection()
                yield Tx(session)

    @asynccontextmanager
    async def _turn_of_writers(self) -> AsyncIterator[None]:
        if self.engine.dialect.name == "sqlite":
            async with self._turn:
                yield
        else:
            yield

    async def ping(self) -> None:
        """Ask the database for an answer; raises if there is none."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def drain(self) -> None:
        """Wait for the transactions under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Wait for the transactions under way, then close every connection."""
        await self.drain()
        await self.engine.dispose()

    async def truncate_wal(self) -> bool:
        """SQLite: move the write-ahead log into the file and empty it, so that erased bytes are gone from both.

        False if a reader or writer was in the way: nobody waits, try again later. Other databases: nothing to do, True.
        """
        if self.engine.dialect.name != "sqlite":
            return True
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


def _configure_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
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


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
