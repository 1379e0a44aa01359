"""Databases with the demo workspace, on either engine: made once for all processes of a test run, then copied."""

import asyncio
import shutil
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import URL, make_url

from tests.e2e.server import offboard
from tests.services.guard import alone
from tests.services.postgresql import shared_cluster

TEMPLATE = "demo"


def demo_copy(engine: str, shared: Path, folder: Path) -> str:
    """The URL of a new copy, in `folder` if it is a file. `shared` is the folder that a test run's processes share."""
    return _sqlite(shared, folder) if engine == "sqlite" else asyncio.run(_postgresql(shared))


def _sqlite(shared: Path, folder: Path) -> str:
    template = shared / TEMPLATE
    with alone(shared / "demo.sqlite.lock"):
        if not template.exists():
            made = shared / "made.db"
            _make(f"sqlite:///{made}", shared)
            made.rename(template)
    shutil.copy(template, folder / "offboard.db")
    return f"sqlite+aiosqlite:///{folder / 'offboard.db'}"


async def _postgresql(shared: Path) -> str:
    cluster = make_url(shared_cluster(shared))
    name = f"e2e_{uuid4().hex}"
    connection = await asyncpg.connect(_shown(cluster.set(drivername="postgresql")))
    try:
        with alone(shared / "demo.postgresql.lock"):
            if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", TEMPLATE):
                await connection.execute("CREATE DATABASE made")
                await asyncio.to_thread(_make, _shown(cluster.set(database="made")), shared)
                await connection.execute(f"ALTER DATABASE made RENAME TO {TEMPLATE}")
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    finally:
        await connection.close()
    return _shown(cluster.set(database=name))


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _make(url: str, folder: Path) -> None:
    offboard(folder, "migrate", DATABASE_URL=url)
    offboard(folder, "demo", DATABASE_URL=url)
