"""Fixtures for every test: a migrated database of its own, and a workshop that makes people and work in it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from models.database import Database
from models.migrate import migrate
from offboard import service
from offboard.app import create_app
from offboard.settings import Settings
from tests.api import Api, Postbox
from tests.workshop import Workshop

pytest_plugins = ["tests.e2e.node"]


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


@pytest.fixture
async def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The whole application, on the database that the workshop writes to."""
    postbox = Postbox()
    monkeypatch.setattr(service, "open_transport", lambda _url: postbox)
    app = create_app(Settings(database_url=database_url, password_hash_cost=1))
    async with app.router.lifespan_context(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            yield Api(client, app.state.service.database, postbox)
