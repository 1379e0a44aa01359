"""Reading in one snapshot, and writing in one transaction, on SQLite or PostgreSQL.

What the two do by different means is in models.sqlite and models.postgresql.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from time import monotonic
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import Executable, Row, Table, bindparam, inspect, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlmodel import SQLModel

from models.people import Workspace
from models.postgresql import Postgresql
from models.prepared import Prepared
from models.sqlite import Sqlite
from models.types import now
from models.underway import Underway

TRIES = 5
LONGEST_PAUSE_S = 0.05

Means = Sqlite | Postgresql
T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)


def table(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements that select columns."""
    mapped = inspect(model).local_table
    assert isinstance(mapped, Table)
    return mapped


WORKSPACE = table(Workspace)

_HELD = (
    select(WORKSPACE.c.id)
    .where(WORKSPACE.c.id.in_(bindparam("workspaces", expanding=True)))
    .order_by(WORKSPACE.c.id)
    .with_for_update(key_share=True)
)


class Overtaken(Exception):
    """What a transaction began with was no longer true when it held its locks: it must be run again from its start."""


class _ReadFirst(Exception):
    """A transaction cannot do without what takes long to read: see Tx.read_before()."""

    def __init__(self, what: Hashable, read: Callable[["Reader"], Awaitable[Any]]) -> None:
        super().__init__(what)
        self.what = what
        self.read = read


class Tx:
    """One write transaction: the time since the lock was taken, what it knows, and what to tell afterwards.

    `at_end` is done last, before the commit. That is when the `events` of each workspace are numbered and written
    (models.events): afterwards they are as everybody reads them, and connected nodes are told of them.
    `work_due` tells that an operation has been started which goes on in the background. After the commit `held_s` tells
    for how many seconds the locks were held, and `was_awaited` whether another writer of this process waited for that.
    """

    def __init__(self, connection: AsyncConnection, means: Means, known: Mapping[Hashable, Any]) -> None:
        self._connection = connection
        self._opened: AsyncSession | None = None
        self._means = means
        self._known = known
        self.now: datetime = now()
        self.at_end: list[Callable[[], Awaitable[None]]] = []
        self.events: dict[UUID, list[Any]] = {}
        self.mail_due = False
        self.work_due = False
        self.erased = False
        self.held_s = 0.0
        self.was_awaited = False
        self._locked_at = monotonic()

    @property
    def _session(self) -> AsyncSession:
        """What keeps objects; many transactions need none."""
        if self._opened is None:
            self._opened = AsyncSession(self._connection, expire_on_commit=False)
        return self._opened

    async def lock(self, *workspace_ids: UUID) -> None:
        """Take the lifecycle locks of some workspaces, in the order of their ids, in a statement of its own.

        Whatever is read after it stays true until the commit, and `now` is later than everything decided under the
        lock before.
        """
        self.now = await self._means.hold(self._connection, _HELD, {"workspaces": workspace_ids})
        self._locked_at = monotonic()

    async def finish(self) -> None:
        """Do what is to be done last, and write down what has become of objects."""
        for work in self.at_end:
            await work()
        if self._opened is not None:
            await self._opened.flush()

    async def close(self) -> None:
        """Let objects go."""
        if self._opened is not None:
            await self._opened.close()

    def end(self) -> None:
        """It is committed: see what others had of it."""
        self.held_s = monotonic() - self._locked_at
        self.was_awaited = self._means.is_awaited

    def read_before(self, what: Hashable, read: Callable[["Reader"], Awaitable[T]]) -> T:
        """What `read` found in a snapshot of some moment before this transaction began: no lock waits for it.

        If that was not read yet, everything is rolled back, and run again from its start once it has been (transact()).
        """
        if what not in self._known:
            raise _ReadFirst(what, read)
        found: T = self._known[what]
        return found

    async def rows(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows of a statement that selects columns."""
        return (await self._connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a statement, if there is one."""
        return (await self._connection.execute(statement, parameters)).first()

    async def scalar(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        return (await self._connection.execute(statement, parameters)).scalar()

    async def run(
        self, statement: Executable, parameters: dict[str, Any] | Sequence[dict[str, Any]] | None = None
    ) -> int:
        """Execute a statement that changes rows, with parameters or for each of several; says how many it changed."""
        result: Any = await self._connection.execute(statement, parameters)
        return int(result.rowcount)

    async def change(self, statement: Prepared, values: dict[str, Any]) -> int:
        """Execute a statement that was prepared; says how many rows it changed."""
        return int((await self._means.change(self._connection, statement, values)).rowcount)

    async def changed(self, statement: Prepared, values: dict[str, Any]) -> Any:
        """Likewise; the first column that it returns of the only row it changed, or None if it changed none."""
        rows = (await self._means.change(self._connection, statement, values)).fetchall()
        return rows[0][0] if rows else None

    async def objects(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows of a statement that selects objects, to be changed, as the database has them now."""
        return (await self._session.execute(statement, execution_options={"populate_existing": True})).all()

    async def get(self, model: type[M], **key: Any) -> M | None:
        """Load one object to change it, as the database has it now."""
        statement = select(model).filter_by(**key).execution_options(populate_existing=True)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def hold(self, model: type[M], **key: Any) -> M | None:
        """Load one object likewise; nobody else changes it, or makes a row that refers to it, until the commit."""
        statement = select(model).filter_by(**key).with_for_update().execution_options(populate_existing=True)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def add(self, *objects: SQLModel) -> None:
        """Insert objects now, so that later statements of this transaction see them."""
        self._session.add_all(objects)
        await self._session.flush()


class Reader:
    """Reads for one request, all from one snapshot that the first statement takes; one statement at a time."""

    def __init__(self, engine: AsyncEngine, underway: Underway) -> None:
        self._engine = engine
        self._underway = underway
        self._turn = asyncio.Lock()
        self._connection: AsyncConnection | None = None

    async def rows(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows of a statement."""
        return await self._underway.finish(self._rows(statement, parameters))

    async def _rows(self, statement: Executable, parameters: dict[str, Any] | None) -> Sequence[Row[Any]]:
        async with self._turn:
            if self._connection is None:
                self._connection = await self._engine.connect()
            return (await self._connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable) -> Row[Any] | None:
        """The first row of a statement, if there is one."""
        return next(iter(await self.rows(statement)), None)

    async def scalar(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        row = next(iter(await self.rows(statement, parameters)), None)
        return None if row is None else row[0]

    async def refresh(self) -> None:
        """Let the snapshot go: the next statement sees everything committed by then."""
        if self._connection is not None or self._turn.locked():
            await self._underway.finish(self._refresh())

    async def _refresh(self) -> None:
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(DBAPIError):  # the server is gone, and so is the snapshot: whoever asks next is told
                    await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refresh()


log = logging.getLogger(__name__)

AfterCommit = Callable[[Tx], Awaitable[None]]


class Database:
    """A database by URL: where every read and every write of this process goes through.

    What is opened `read_only` cannot be changed through it, whatever is tried.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = url
        engine = Sqlite if make_url(url).get_backend_name() == "sqlite" else Postgresql
        self.means: Means = engine(url, read_only=read_only)
        self.engine = self.means.engine
        self.after_commit: list[AfterCommit] = []
        self._underway = Underway()

    def read(self) -> Reader:
        """A reader; use it as an async context manager, or refresh() it when done."""
        return Reader(self.means.readers, self._underway)

    async def transact(self, work: Callable[[Tx], Awaitable[T]], *, durable: bool = True) -> T:
        """Run `work` in one transaction, commit, then tell `after_commit`; if `work` raises, everything is rolled back.

        From the lock to the hint nothing cancels: if the caller is cancelled, the work still ends and is told. Where
        transactions got into each other's way, `work` is run again from its start, a few times. A commit that is not
        `durable` does not wait for the disk: a power cut may undo it, unless a durable one has come after it. `work`
        must then wait for nothing but its transaction.
        """
        return await self._underway.finish(self._transact(work, durable))

    async def _transact(self, work: Callable[[Tx], Awaitable[T]], durable: bool) -> T:
        result, tx = await self._commit(work, durable)
        for listener in self.after_commit:
            try:
                await listener(tx)
            except Exception:
                log.exception("A commit could not be told")
        return result

    async def _commit(self, work: Callable[[Tx], Awaitable[T]], durable: bool) -> tuple[T, Tx]:
        known: dict[Hashable, Any] = {}
        tries_left = TRIES
        while True:
            try:
                return await self._attempt(work, durable, known)
            except _ReadFirst as wanted:
                async with self.read() as reader:
                    known[wanted.what] = await wanted.read(reader)
                continue
            except (DBAPIError, Overtaken) as error:
                tries_left -= 1
                if not tries_left or (isinstance(error, DBAPIError) and not self.means.lost_race(error)):
                    raise
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 (no secret)

    async def _attempt(
        self, work: Callable[[Tx], Awaitable[T]], durable: bool, known: Mapping[Hashable, Any]
    ) -> tuple[T, Tx]:
        async def whole(connection: AsyncConnection) -> tuple[T, Tx]:
            async with self._within(connection, known) as tx:
                return await work(tx), tx

        if not durable:
            return await self.means.write_hastily(whole)
        async with self._writer() as connection:
            return await whole(connection)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """One write transaction: committed at the end of the block, rolled back if it raises. See transact()."""
        async with self._writer() as connection, self._within(connection, {}) as tx:
            yield tx

    @asynccontextmanager
    async def _writer(self) -> AsyncIterator[AsyncConnection]:
        async with self.means.turn(), self.means.writers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def _within(self, connection: AsyncConnection, known: Mapping[Hashable, Any]) -> AsyncIterator[Tx]:
        tx = Tx(connection, self.means, known)
        async with connection.begin():
            try:
                yield tx
                await tx.finish()
            finally:
                await tx.close()
        tx.end()

    async def ping(self) -> None:
        """Ask the database for an answer; raises if there is none."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def drain(self) -> None:
        """Wait for what is under way, but not for ever: see Underway."""
        await self._underway.drain()

    async def close(self) -> None:
        """Wait for what is under way, then close every connection."""
        await self.drain()
        await self.means.close()

    async def checkpoint(self) -> None:
        """Let the database's log not grow further, without the lock: between transactions that write much."""
        await self.means.checkpoint()

    async def truncate_wal(self) -> bool:
        """Let erased bytes be gone from the database's log too; False if somebody was in the way: try again later."""
        return await self.means.truncate_wal()
