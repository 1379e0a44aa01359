"""What the engines of all tests of a process share, as each test opens some of its own.

A statement is compiled once. Connections of PostgreSQL are kept: to make one takes ten milliseconds, and the server
knows nothing of its tables on it, nor how it would run a statement.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Dialect, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from models import postgresql, sqlite

_learned: dict[str, Dialect] = {}
_compiled: dict[Any, Any] = {}


def share() -> None:
    """Let every engine of this process share its dialect and what was compiled for it with those of its kind."""
    for module in (sqlite, postgresql):
        vars(module)["create_async_engine"] = _create


def _create(url: Any, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **options)
    dialect, name = engine.dialect, engine.dialect.name
    if name == "postgresql" and _kept:
        _kept[-1].serve(engine, repr((url, options)))
    if name in _learned:
        vars(dialect)["initialize"] = _know_already
        engine.sync_engine.dialect = _learned[name]
    else:
        event.listen(engine.sync_engine, "engine_connect", _learn, once=True)
    engine.sync_engine.update_execution_options(compiled_cache=_compiled)
    return engine


def _learn(connection: Connection) -> None:
    """Only a dialect that has met its database knows what it needs to know."""
    _learned.setdefault(connection.dialect.name, connection.dialect)


def _know_already(_connection: Connection) -> None:
    pass


MOST_KEPT = 20


class Kept:
    """Connections that a test has closed, for the next ones: as new, but for what was prepared on them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._free: list[tuple[str, Any]] = []
        self._made: WeakSet[Any] = WeakSet()

    @property
    def pids(self) -> list[int]:
        """The processes of the server to which they lead."""
        return [connection.driver_connection.get_server_pid() for _, connection in self._free]

    def serve(self, engine: AsyncEngine, options: str) -> None:
        """Give an engine with such options those that one like it has closed, and keep what it closes."""
        event.listen(engine.sync_engine, "do_connect", partial(self._take, options))
        vars(engine.dialect)["do_close"] = partial(self._keep, options)

    def _take(self, options: str, dialect: Dialect, _record: object, place: Any, settings: dict[str, Any]) -> Any:
        """One that is open still, or a new one."""
        self._free = [each for each in self._free if not each[1].driver_connection.is_closed()]
        found = next((each for each in reversed(self._free) if each[0] == options), None)
        if found is not None and asyncio.get_running_loop() is self._loop:
            self._free.remove(found)
            return found[1]
        connection = dialect.connect(*place, **settings)
        self._made.add(connection.driver_connection)
        return connection

    def _keep(self, options: str, connection: Any) -> None:
        if asyncio.get_running_loop() is not self._loop:
            connection.close()
            return
        connection.rollback()
        if not connection.driver_connection.is_closed():
            await_only(connection.driver_connection.reset())
            connection.set_isolation_level(None)
            connection.readonly = connection.deferrable = False
            self._free.append((options, connection))
        for _, oldest in self._free[:-MOST_KEPT]:
            oldest.driver_connection.terminate()
        del self._free[:-MOST_KEPT]

    def close(self) -> None:
        """Let go of all, also of what a test that has failed left open: the event loop would wait for it."""
        for each in self._made:
            each.terminate()


_kept: list[Kept] = []


@contextmanager
def keeping_connections() -> Iterator[None]:
    """While the block runs, keep the connections of this event loop."""
    _kept.append(Kept())
    try:
        yield
    finally:
        _kept.pop().close()


def kept_pids() -> list[int]:
    """The server's processes that nobody asks anything of until a test begins."""
    return _kept[-1].pids if _kept else []


def others() -> str:
    """What tells connections to this database in pg_stat_activity, but for the asker's and those that are kept."""
    return f"datname = current_database() AND pid <> ALL (array{kept_pids()}::int[] || pg_backend_pid())"
