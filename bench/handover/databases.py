"""Where the datasets are: made once, and copied for everything that changes them."""

import asyncio
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import asyncpg

from bench.feed.crowd import Failed
from bench.feed.peers import OFFBOARD, Server, environment, running
from bench.handover.dataset import Dataset, fill, open_workspace
from tests.services.postgresql import PostgreSQL
from tests.services.service import NotInstalled

MIGRATE_LIMIT = 60


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

    def make(self, name: str, size: int, people: int) -> Dataset:
        """A database with that many conversations, audit entries and users."""
        self.create(name)
        _migrate(self.url(name))
        dataset = asyncio.run(open_workspace(self.url(name), size, people))
        fill(self.url(name), dataset)
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

    def drop(self, name: str) -> None:
        for file in self._folder.glob(f"{name}.db*"):
            file.unlink()


class PostgresqlCluster(Databases):
    """A cluster of its own, which syncs every commit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        try:
            self._cluster = PostgreSQL(durable=True)
        except NotInstalled as problem:
            raise Failed(str(problem)) from None

    def __enter__(self) -> Self:
        self._cluster.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.close()

    def url(self, name: str) -> str:
        return f"{self._cluster.url.rpartition('/')[0]}/{name}"

    def create(self, name: str, template: str | None = None) -> None:
        self.drop(name)
        self._do(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'} STRATEGY file_copy")

    def drop(self, name: str) -> None:
        self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        async def work() -> None:
            connection = await asyncpg.connect(self._cluster.url.replace("+asyncpg", ""))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(work())


ENGINES: dict[str, type[Databases]] = {"sqlite": SqliteFiles, "postgresql": PostgresqlCluster}


def _migrate(url: str) -> None:
    command = [OFFBOARD.command[0], "migrate"]
    settings = environment({"DATABASE_URL": url})
    try:
        subprocess.run(command, env=settings, check=True, capture_output=True, text=True, timeout=MIGRATE_LIMIT)
    except subprocess.CalledProcessError as failed:
        raise Failed(f"A database could not be made:\n{failed.stderr}") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"A database was not made within {MIGRATE_LIMIT} seconds.") from None
