"""Where the datasets are: made once, and copied for everything that changes them."""

import asyncio
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg

from bench.feed.crowd import Failed
from bench.feed.peers import OFFBOARD, Server, running
from bench.handover.dataset import Dataset, fill, open_workspace, sign_in
from models.database import Database
from models.migrate import migrate
from tests.services.postgresql import PostgreSQL
from tests.services.service import NotInstalled


class Databases(ABC):
    """Databases of one engine. Used as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027
        """Nothing runs that would have to end."""

    @abstractmethod
    def url(self, name: str) -> str:
        """The URL of a database."""

    @abstractmethod
    def create(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or a copy; one of that name goes."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a database."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether there is a database of that name."""

    @abstractmethod
    def rename(self, name: str, new: str) -> None:
        """Give a database another name."""

    def make(self, name: str, size: int, people: int) -> Dataset:
        """A database with that many conversations, audit entries and users; the one that was kept, if there is one."""
        if self.has(name):
            asyncio.run(_migrate(self.url(name)))
            return asyncio.run(sign_in(self.url(name), size, people))
        self.create(_UNFINISHED)
        url = self.url(_UNFINISHED)
        asyncio.run(_migrate(url))
        asyncio.run(open_workspace(url))
        dataset = asyncio.run(sign_in(url, size, people))
        fill(url, dataset)
        asyncio.run(_migrate(url))  # indexes have been made again, of which SQLite's planner is told by that
        self.rename(_UNFINISHED, name)
        return dataset

    @contextmanager
    def copy(self, template: str, name: str) -> Iterator[str]:
        """The URL of a copy, which goes at the end of the block."""
        self.create(name, template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    @contextmanager
    def serve(self, url: str) -> Iterator[Server]:
        """`offboard serve` on a database."""
        with running(OFFBOARD.command, {"DATABASE_URL": url}, self._folder / "server.log") as server:
            yield server


class SqliteFiles(Databases):
    """Files in a folder."""

    def url(self, name: str) -> str:
        return f"sqlite+aiosqlite:///{self._folder / name}.db"

    def create(self, name: str, template: str | None = None) -> None:
        self.drop(name)
        if template is not None:
            shutil.copy(self._folder / f"{template}.db", self._folder / f"{name}.db")
            os.sync()  # else the disk is still busy with the copy while something else is measured

    def drop(self, name: str) -> None:
        for file in self._folder.glob(f"{name}.db*"):
            file.unlink()

    def has(self, name: str) -> bool:
        return (self._folder / f"{name}.db").exists()

    def rename(self, name: str, new: str) -> None:
        (self._folder / f"{name}.db").rename(self._folder / f"{new}.db")


class PostgresqlCluster(Databases):
    """Databases of a server: of one that is running, or else of a cluster of our own, which syncs every commit."""

    def __init__(self, folder: Path, server: str | None) -> None:
        super().__init__(folder)
        self._server = server
        self._cluster: PostgreSQL | None = None

    def __enter__(self) -> Self:
        if self._server is None:
            try:
                self._cluster = PostgreSQL(durable=True).start()
            except NotInstalled as problem:
                raise Failed(str(problem)) from None
            self._server = self._cluster.url
        return self

    def __exit__(self, *_: object) -> None:
        if self._cluster is not None:
            self._cluster.close()

    def url(self, name: str) -> str:
        return f"{str(self._server).rpartition('/')[0]}/{_OURS}{name}"

    def create(self, name: str, template: str | None = None) -> None:
        self.drop(name)
        original = "template0" if template is None else f"{_OURS}{template}"
        self._ask(f"CREATE DATABASE {_OURS}{name} TEMPLATE {original} STRATEGY file_copy")

    def drop(self, name: str) -> None:
        self._ask(f"DROP DATABASE IF EXISTS {_OURS}{name} WITH (FORCE)")

    def has(self, name: str) -> bool:
        return self._ask(f"SELECT 1 FROM pg_database WHERE datname = '{_OURS}{name}'") is not None

    def rename(self, name: str, new: str) -> None:
        self._ask(f"ALTER DATABASE {_OURS}{name} RENAME TO {_OURS}{new}")

    def _ask(self, statement: str) -> Any:
        async def work() -> Any:
            connection = await asyncpg.connect(str(self._server).replace("+asyncpg", ""))
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()

        return asyncio.run(work())


_UNFINISHED = "unfinished"
_OURS = "offboard_bench_"
"""What the names of our databases begin with on a server that may have others."""


def open_databases(engine: str, folder: Path, postgresql: str | None) -> Databases:
    """Databases of an engine: files in a folder, or databases of the server with that URL."""
    return SqliteFiles(folder) if engine == "sqlite" else PostgresqlCluster(folder, postgresql)


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()
