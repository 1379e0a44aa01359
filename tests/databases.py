"""Databases of a test's own, on either engine, at a cost of a millisecond or two each."""

import asyncio
import shutil
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import URL, make_url
from sqlmodel import SQLModel

from models.database import Database
from models.migrate import migrate
from models.people import UserSession
from models.types import now
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
    def close(self) -> None:
        """Let go of what was needed."""


class SqliteFiles(Databases):
    """Copies of a file that was migrated once, and of one that was furnished once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._migrated = self._furnished = Path()

    def bare(self) -> str:
        return _url(self._folder / f"{next(self._numbers)}.db")

    def empty(self) -> str:
        if not self._migrated.name:
            self._migrated = self._folder / "migrated"
            asyncio.run(_make(_url(self._migrated)))
        return self._copy(self._migrated)

    def furnished(self) -> str:
        if self.workshop is None:
            self._furnished = self._folder / "furnished"
            asyncio.run(_make(_url(self._furnished)))
            self.workshop = asyncio.run(_furnish(_url(self._furnished)))
        return self._copy(self._furnished)

    def close(self) -> None:
        pass

    def _copy(self, file: Path) -> str:
        url = self.bare()
        shutil.copy(file, str(make_url(url).database))
        return url


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


class PostgresqlDatabase(Databases):
    """One database that is emptied, and perhaps furnished anew, for each test.

    To delete a few rows takes a millisecond, to make a database from a template a hundred times as long. Between tests
    nobody but us may be connected.
    """

    def __init__(self, cluster_url: str, name: str) -> None:
        self._cluster = make_url(cluster_url)
        self._name = name
        self._numbers = count()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._connection: Any = None

    def bare(self) -> str:
        name = f"{self._name}_{next(self._numbers)}"
        self._run(self._create(name))
        return _shown(self._cluster.set(database=name))

    def empty(self) -> str:
        self._reset("")
        return _shown(self._own)

    def furnished(self) -> str:
        if self.workshop is None:
            url = self.empty()
            self.workshop = self._run(_furnish(url))
            self._run(self._connection.execute(_KEEP))
        self._reset(_FURNISH)
        return _shown(self._own)

    def close(self) -> None:
        if self._connection is not None:
            self._run(self._connection.close())
        self._runner.close()

    @property
    def _own(self) -> URL:
        return self._cluster.set(database=self._name)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def _reset(self, more: str) -> None:
        if self._connection is None:
            self._connection = self._run(self._connect())
        self._run(self._connection.execute(_ALONE + _EMPTY + more))

    async def _connect(self) -> Any:
        await self._create(self._name)
        await _make(_shown(self._own))
        return await asyncpg.connect(_shown(self._own.set(drivername="postgresql")))

    async def _create(self, name: str) -> None:
        connection = await asyncpg.connect(_shown(self._cluster.set(drivername="postgresql")))
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
        await connection.close()


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


_TABLES = [f'"{table.name}"' for table in SQLModel.metadata.sorted_tables]
_ALONE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid();"
)
_EMPTY = "".join(f"DELETE FROM {table};" for table in reversed(_TABLES))
_KEEP = "CREATE SCHEMA kept;" + "".join(f"CREATE TABLE kept.{table} AS TABLE {table};" for table in _TABLES)
_FURNISH = "".join(f"INSERT INTO {table} SELECT * FROM kept.{table};" for table in _TABLES)


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
    return PostgresqlDatabase(shared_cluster(shared), "offboard_" + folder.parent.name.replace("-", "_"))
