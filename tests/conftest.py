"""Fixtures for every test: a migrated database of its own, and a workshop that makes people and work in it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.database import Database
from models.migrate import migrate
from tests.workshop import Workshop


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file; each test copies it."""
    import asyncio

    path = tmp_path_factory.mktemp("template") / "offboard.db"

    async def build() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        await migrate(database)
        await database.truncate_wal()
        await database.close()

    asyncio.run(build())
    return path


@pytest.fixture
def database_url(template: Path, tmp_path: Path) -> str:
    """The URL of a fresh database."""
    path = tmp_path / "offboard.db"
    shutil.copy(template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def workshop(database: Database) -> Workshop:
    """A workspace `acme` with the owner Olivia."""
    return await Workshop.open(database)
