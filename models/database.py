"""Reading in one snapshot, and writing in one transaction, on SQLite or PostgreSQL.

What the two do by different means is in models.sqlite and models.postgresql.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import Executable, Row, Table, inspect, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlmodel import SQLModel

from models.people import Workspace
from models.postgresql import Postgresql
from models.sqlite import Sqlite
from models.types import now

TRIES = 5
LONGEST_PAUSE_S = 0.05
LONGEST_DRAIN_S = 3.0

Means = Sqlite | Postgresql
T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)


def table(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements that select columns."""
    mapped = inspect(model).local_table
    assert isinstance(mapped, Table)
    return mapped


WORKSPACE = table(Workspace)


class Overtaken(Exception):
    """What a transaction began with was no longer true when it held its locks: it must be run again from its start."""


class Tx:
    """One write transaction: a session to work with, the time since the lock was taken, and what to tell afterwards.

    `at_end` is done last, before the commit. That is when the `events` of each workspace are numbered and written
    (models.events): afterwards they are as everybody reads them, and connected nodes are told of them.
    `work_due` tells that an operation has been started which goes on in the background.
    """

    def __init__(self, session: AsyncSession, connection: AsyncConnection, means: Means) -> None:
        self.session = session
        self._connection = connection
        self._means = means
        self.now: datetime = now()
        self.at_end: list[Callable[[], Awaitable[None]]] = []
        self.events: dict[UUID, list[Any]] = {}
        self.mail_due = False
        self.work_due = False
        self.erased = False

    async def lock(self, *workspace_ids: UUID) -> None:
        """Take the lifecycle locks of some workspaces, in the order of their ids, in a statement of its own.

        Whatever is read after it stays true until the commit, and `now` is later than everything decided under the
        lock before.
        """
        self.now = await self._means.hold(
            self.session,
            select(WORKSPACE.c.id)
            .where(WORKSPACE.c.id.in_(workspace_ids))
            .order_by(WORKSPACE.c.id)
            .with_for_update(key_share=True),
        )

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

    async def objects(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows of a statement that selects objects, to be changed, as the database has them now."""
        return (await self.session.execute(statement, execution_options={"populate_existing": True})).all()

    async def get(self, model: type[M], **key: Any) -> M | None:
        """Load one object to change it, as the database has it now."""
        statement = select(model).filter_by(**key).execution_options(populate_existing=True)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def hold(self, model: type[M], **key: Any) -> M | None:
        """Load one object likewise; nobody else changes it, or makes a row that refers to it, until the commit."""
        statement = select(model).filter_by(**key).with_for_update().execution_options(populate_existing=True)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def add(self, *objects: SQLModel) -> None:
        """Insert objects now, so that later statements of this transaction see them."""
        self.session.add_all(objects)
        await self.session.flush()


class Underway:
    """Work with the database that is finished even if nobody waits for it any more.

    To cancel a statement costs its connection, and leaves a driver's thread that outlives the event loop.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work comes to. If the caller is cancelled, it goes on."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Wait until nothing is under way, at most LONGEST_DRAIN_S; what is not done by then is cancelled."""
        deadline = asyncio.get_running_loop().time() + LONGEST_DRAIN_S
        while self._tasks and (patience := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=patience)
        for task in self._tasks:
            task.cancel()


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
        `durable` does not wait for the disk: a power cut may undo it, unless a durable one has come after it.
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
        for tries_left in reversed(range(TRIES)):
            try:
                async with self.begin(durable=durable) as tx:
                    return await work(tx), tx
            except (DBAPIError, Overtaken) as error:
                if not tries_left or (isinstance(error, DBAPIError) and not self.means.lost_race(error)):
                    raise
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 (no secret)
        raise AssertionError

    @asynccontextmanager
    async def begin(self, *, durable: bool = True) -> AsyncIterator[Tx]:
        """One write transaction: committed at the end of the block, rolled back if it raises. See transact()."""
        writers = self.means.writers if durable else self.means.hasty_writers
        async with self.means.turn(), AsyncSession(writers, expire_on_commit=False) as session:
            async with session.begin():
                tx = Tx(session, await session.connection(), self.means)
                yield tx
                for work in tx.at_end:
                    await work()

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
