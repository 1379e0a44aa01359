"""Databases with people in them, and servers on them: one on SQLite, or two nodes on PostgreSQL."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import asyncpg

from bench.feed.crowd import Failed
from bench.feed.peers import OFFBOARD, START_LIMIT, Peer, Server, environment, running
from bench.feed.people import Office, open_office
from tests.services.postgresql import PostgreSQL
from tests.services.redis import Redis
from tests.services.service import NotInstalled

BROKERS = ("postgresql", "redis")


class Stage:
    """A SQLite database that is copied for every server."""

    def __init__(self, folder: Path, *, watchers: int, leavers: int, sign_outs: int) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        url = f"sqlite+aiosqlite:///{self._template}"
        self._office = _fill(url, watchers=watchers, leavers=leavers, sign_outs=sign_outs)

    @contextmanager
    def serve(self, peer: Peer) -> Iterator[tuple[Server, Office]]:
        """A server that has just started, on a database of its own, and who is in that."""
        database = self._folder / "served.db"
        for each in self._folder.glob("served.db*"):
            each.unlink()
        shutil.copy(self._template, database)
        settings = {"DATABASE_URL": f"sqlite+aiosqlite:///{database}"}
        with running(peer.command, settings, self._folder / "server.log") as server:
            yield server, self._office.again()


class TwoNodes:
    """A PostgreSQL that syncs and a Redis, both beside the client, and two nodes on the servers' core.

    Used as a context manager.
    """

    def __init__(self, folder: Path, *, watchers: int, leavers: int) -> None:
        self._folder = folder
        self._people = (watchers, leavers)
        self._services = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._postgresql = self._services.enter_context(PostgreSQL(durable=True))
            self._redis = self._services.enter_context(Redis())
        except NotInstalled as problem:
            raise Failed(str(problem)) from None
        self._do("CREATE DATABASE template")
        watchers, leavers = self._people
        self._office = _fill(self._url("template"), watchers=watchers, leavers=leavers, sign_outs=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._services.close()

    @contextmanager
    def serve(self, broker: str) -> Iterator[tuple[Server, Server, Office]]:
        """Two nodes that have just started, on a database of their own, and who is in that."""
        self._do("CREATE DATABASE served TEMPLATE template")
        settings = {
            "DATABASE_URL": self._url("served"),
            "BROKER_URL": {"postgresql": "postgresql:", "redis": self._redis.url}[broker],
        }
        log = self._folder
        try:
            with running(OFFBOARD.command, settings, log / "a.log") as a:
                with running(OFFBOARD.command, settings, log / "b.log") as b:
                    yield a, b, self._office.again()
        finally:
            self._do("DROP DATABASE served WITH (FORCE)")

    def _url(self, database: str) -> str:
        return f"{self._postgresql.url.rpartition('/')[0]}/{database}"

    def _do(self, statement: str) -> None:
        async def work() -> None:
            connection = await asyncpg.connect(self._postgresql.url.replace("+asyncpg", ""))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(work())


def _fill(url: str, *, watchers: int, leavers: int, sign_outs: int) -> Office:
    command = [OFFBOARD.command[0], "migrate"]
    try:
        subprocess.run(
            command,
            env=environment({"DATABASE_URL": url}),
            check=True,
            capture_output=True,
            text=True,
            timeout=START_LIMIT,
        )
    except subprocess.CalledProcessError as failed:
        raise Failed(f"A database could not be made:\n{failed.stderr}") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"A database was not made within {START_LIMIT} seconds.") from None
    return asyncio.run(open_office(url, watchers=watchers, leavers=leavers, sign_outs=sign_outs))
