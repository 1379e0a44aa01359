"""Databases of a test's own, on either engine, at a cost of a millisecond or two each."""

import asyncio
import pickle
import shutil
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import make_url
from sqlmodel import SQLModel

from models.database import Database
from models.migrate import migrate
from models.people import UserSession
from models.types import now
from tests.engines import others
from tests.services.guard import alone
from tests.services.postgresql import shared_cluster
from tests.workshop import Workshop

ENGINES = ("sqlite", "postgresql")

T = TypeVar("T")


class Databases(ABC):
    """Makes databases on one engine. A test uses one at a time: the next one may take the place of the last."""

    workshop: Workshop | None = None
    """The one that furnishes its databases, once it has."""

    @abstractmethod
    def bare(self) -> str:
        """The URL of a database without any table, in addition to others."""

    @abstractmethod
    def empty(self) -> str:
        """The URL of a migrated database without any row."""

    @abstractmethod
    def furnished(self) -> str:
        """The URL of a migrated database with the workshop's workspace in it."""

    @abstractmethod
    def large(self) -> str:
        """The URL of a database for asking how rows would be found. The workspace has a tenth of it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what was needed."""


class SqliteFiles(Databases):
    """Copies of a file that was migrated once, and of one that was furnished once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._migrated = self._furnished = Path()
        self._last = folder / "none"

    def bare(self) -> str:
        return _url(self._folder / f"{next(self._numbers)}.db")

    def empty(self) -> str:
        if not self._migrated.name:
            self._migrated = self._folder / "migrated"
            asyncio.run(_make(_url(self._migrated)))
        return self._copy(self._migrated)

    def furnished(self) -> str:
        return self._copy(self._furnish())

    def large(self) -> str:
        return _url(self._furnish())

    def close(self) -> None:
        pass

    def _furnish(self) -> Path:
        if self.workshop is None:
            self._furnished = self._folder / "furnished"
            asyncio.run(_make(_url(self._furnished)))
            self.workshop = asyncio.run(_furnish(_url(self._furnished)))
        return self._furnished

    def _copy(self, file: Path) -> str:
        self._last.unlink(missing_ok=True)
        self._last = self._folder / f"{next(self._numbers)}.db"
        shutil.copy(file, self._last)
        return _url(self._last)


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


class PostgresqlDatabase(Databases):
    """One database that is emptied, and perhaps furnished anew, for each test.

    To delete a few rows takes a millisecond, to make a database from a template a hundred times as long. Between tests
    nobody but us may be connected, and who waits for the next one.
    """

    def __init__(self, name: str, shared: Path) -> None:
        self._name = name
        self._shared = shared
        self._cluster = make_url(shared_cluster(shared))
        self._numbers = count()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.workshop = self._template()
        self._run(self._create(name, _TEMPLATE))
        self._connection = self._run(asyncpg.connect(self._url_of(name, driver="postgresql")))

    def bare(self) -> str:
        name = f"{self._name}_{next(self._numbers)}"
        self._run(self._create(name))
        return self._url_of(name)

    def empty(self) -> str:
        return self._with("")

    def furnished(self) -> str:
        return self._with(_FURNISH)

    def large(self) -> str:
        made = self._shared / "large"
        with alone(self._shared / "databases.lock"):
            if not made.exists():
                self._run(self._create(_LARGE, _TEMPLATE))
                self._run(self._execute(_LARGE, Path(__file__).with_name("large.sql").read_text()))
                made.touch()
        return self._url_of(_LARGE)

    def close(self) -> None:
        self._run(self._connection.close())
        self._runner.close()

    def _with(self, fill: str) -> str:
        self._run(self._connection.execute(_alone() + _EMPTY + fill))
        return self._url_of(self._name)

    def _template(self) -> Workshop:
        """Furnish a database for all processes of the test run, and keep its rows beside it."""
        opened = self._shared / "workshop"
        with alone(self._shared / "databases.lock"):
            if not opened.exists():
                self._run(self._create(_TEMPLATE))
                url = self._url_of(_TEMPLATE)
                self._run(_make(url))
                opened.write_bytes(pickle.dumps(replace(self._run(_furnish(url)), database=None)))
                self._run(self._execute(_TEMPLATE, _KEEP))
        found: Workshop = pickle.loads(opened.read_bytes())
        return found

    async def _create(self, name: str, template: str = "template0") -> None:
        await self._execute("postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")

    async def _execute(self, name: str, statements: str) -> None:
        connection = await asyncpg.connect(self._url_of(name, driver="postgresql"))
        await connection.execute(statements)
        await connection.close()

    def _url_of(self, name: str, driver: str = "postgresql+asyncpg") -> str:
        return self._cluster.set(drivername=driver, database=name).render_as_string(hide_password=False)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)


_TEMPLATE = "furnished"
_LARGE = "large"
_TABLES = [f'"{table.name}"' for table in SQLModel.metadata.sorted_tables]
_EMPTY = "".join(f"DELETE FROM {table};" for table in reversed(_TABLES))
_KEEP = "CREATE SCHEMA kept;" + "".join(f"CREATE TABLE kept.{table} AS TABLE {table};" for table in _TABLES)
_FURNISH = "".join(f"INSERT INTO {table} SELECT * FROM kept.{table};" for table in _TABLES)


def _alone() -> str:
    """End what a test has left connected to its database, apart from the connections that are kept."""
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others()};"


async def _make(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.truncate_wal()
    await database.close()


async def _furnish(url: str) -> Workshop:
    database = Database(url)
    workshop = await Workshop.open(database)
    # Seen just now for as long as the tests run, so that no request of Olivia's writes that down beside them.
    await workshop.change(UserSession, workshop.olivia.viewer.session_id, last_seen_at=now() + timedelta(hours=1))
    await database.truncate_wal()
    await database.close()
    return workshop


def on(database: Database, workshop: Workshop) -> Workshop:
    """A workshop for a copy of the database that it was opened in."""
    return replace(workshop, database=database, olivia=replace(workshop.olivia))


def open_databases(engine: str, folder: Path, shared: Path) -> Databases:
    """Databases on an engine. `folder` belongs to this process, `shared` to all processes of the test run."""
    if engine == "sqlite":
        return SqliteFiles(folder)
    return PostgresqlDatabase("own_" + folder.parent.name.replace("-", "_"), shared)
