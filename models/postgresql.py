"""PostgreSQL's own means.

Readers see one snapshot (REPEATABLE READ, READ ONLY). Writers run at READ COMMITTED: each statement sees what was
committed before it began, so that what is read after a lock was waited for is what the last holder left. Locks are
taken in one order: workspaces by id, accounts, users, conversations. Where two transactions still meet (a deadlock, a
row that both insert), one of them fails and is run again, see `lost_race`.

Nothing waits for ever: the server ends a statement, a wait for a lock and a transaction that does nothing after the
times below, and either side notices within half a minute that the other is gone from the network.
"""

import socket
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection, Select, event, func, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from models.prepared import Prepared
from models.types import Timestamp, cut, now

CONNECTIONS = 20
CONNECT_TIMEOUT_S = 10

SESSION = {
    "application_name": "offboard",
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
    # Every read is a short walk along an index. To compile its plan costs more than it saves; and where the server must
    # guess how long the walk is, it is better in the index's order than by collecting and sorting what may be much.
    "jit": "off",
    "random_page_cost": "1.1",
}
"""What every connection asks the server for."""

_OURS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 0), 15),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", 0), 5),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", 0), 3),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 0), 30_000),
)
"""The same on this side."""

_LOST_RACES = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "23503",  # foreign_key_violation: what is referred to was deleted meanwhile
        "23505",  # unique_violation: somebody else has inserted it meanwhile
    }
)
_MIGRATING = 0x0FFB0A2D

T = TypeVar("T")


class Unsuitable(Exception):
    """A database that cannot hold what this program stores. The message says why."""


class Postgresql:
    """A PostgreSQL database: connections that read one snapshot, and connections that write."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        read_only_or_not = {"default_transaction_read_only": "on"} if read_only else {}
        self.engine = create_async_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={
                "async_creator_fn": _connect,
                "server_settings": SESSION | read_only_or_not,
                "timeout": CONNECT_TIMEOUT_S,
            },
        )
        self.readers = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writers = self.engine.execution_options(isolation_level="READ COMMITTED")
        self._hasty_writers = self.writers.execution_options(hasty=True)
        event.listen(self.engine.sync_engine, "connect", _configure)
        event.listen(self.engine.sync_engine, "checkout", _check)
        event.listen(self.engine.sync_engine, "begin", _begin)
        event.listen(self.engine.sync_engine, "handle_error", _hide_values)

    async def close(self) -> None:
        """Close every connection that nobody uses."""
        await self.engine.dispose()

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Writers need not wait for each other: rows are locked."""
        return nullcontext()

    @property
    def is_awaited(self) -> bool:
        """Whether another writer waits. Here it is the server that knows who waits for which row."""
        return False

    async def write_hastily(self, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction whose commit does not wait for the disk."""
        async with self._hasty_writers.connect() as connection:
            return await work(connection)

    async def change(self, connection: AsyncConnection, statement: Prepared, values: dict[str, Any]) -> Any:
        """What came of it, as a cursor. SQLAlchemy and the server keep what they made of the statement."""
        return await connection.execute(statement.statement, values)

    async def hold(self, connection: AsyncConnection, rows: Select[Any], values: dict[str, Any]) -> datetime:
        """Lock some rows until the commit; the time by the server's clock, once they are locked."""
        # A CTE that locks is never merged into the query around it: each row's time is taken after its lock.
        held = rows.cte("held")
        time = select(func.max(func.clock_timestamp(type_=Timestamp()))).select_from(held)
        moment: datetime | None = await connection.scalar(time, values)
        return now() if moment is None else cut(moment)

    async def prepare_to_migrate(self, connection: AsyncConnection) -> None:
        """Wait, for as long as it takes, until nobody else migrates; the lock goes with the transaction.

        Raises Unsuitable for a database that cannot hold every text.
        """
        encoding = await connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise Unsuitable(f"its encoding is {encoding} and must be UTF8")
        await connection.execute(text("SET LOCAL lock_timeout = 0"))
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))

    async def tell_planner(self, connection: AsyncConnection) -> None:
        """Nothing to do: the server looks at its tables by itself."""

    def lost_race(self, error: DBAPIError) -> bool:
        """Whether a transaction failed only because of another at the same time, so that it is worth a second try."""
        return getattr(error.orig, "sqlstate", None) in _LOST_RACES

    async def checkpoint(self) -> None:
        """Nothing to do likewise."""

    async def truncate_wal(self) -> bool:
        """Nothing to do: the server's log is its own affair."""
        return True


async def _connect(*args: Any, **options: Any) -> Any:
    """A connection; a server that cannot be reached is an error of the database like any other."""
    try:
        return await asyncpg.connect(*args, **options)
    except ConnectionRefusedError as error:
        raise asyncpg.InterfaceError("nothing listens there") from error
    except TimeoutError as error:
        raise asyncpg.InterfaceError("the server does not answer") from error
    except socket.gaierror as error:
        raise asyncpg.InterfaceError("there is no such host") from error
    except OSError as error:
        raise asyncpg.InterfaceError(error.strerror or str(error)) from error


def _configure(connection: Any, _record: ConnectionPoolEntry) -> None:
    transport = connection.driver_connection._transport
    ours = transport.get_extra_info("socket")
    if ours.family != socket.AF_UNIX:
        for level, option, value in _OURS:
            ours.setsockopt(level, option, value)


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("hasty"):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _check(connection: Any, _record: ConnectionPoolEntry, _proxy: object) -> None:
    """Replace a connection that the server has ended since it was last used, at no cost for the others."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _hide_values(context: ExceptionContext) -> None:
    """Keep values out of errors: the server names the key that was there already, either side the value that is bad."""
    error, cause = context.original_exception, context.original_exception.__cause__
    if isinstance(cause, asyncpg.PostgresError):
        cause.detail = None
    if isinstance(cause, asyncpg.DataError):
        cause.__cause__ = None
        for each in filter(None, (cause, error, context.sqlalchemy_exception)):
            each.args = ("A value cannot be stored.",)
