"""Fixtures for every test: a migrated database of its own, and a workshop that makes people and work in it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from models.database import Database
from models.migrate import migrate
from models.people import UserSession
from models.types import now
from offboard import service
from offboard.app import create_app
from offboard.settings import Settings
from tests.api import Api, Postbox
from tests.workshop import Workshop

pytest_plugins = ["tests.e2e.node"]


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file; each test copies it."""
    path = tmp_path_factory.mktemp("template") / "offboard.db"

    async def build() -> None:
        database = Database(url_of(path))
        await migrate(database)
        await database.truncate_wal()
        await database.close()

    asyncio.run(build())
    return path


@pytest.fixture(scope="session")
def furnished(template: Path) -> tuple[Path, Workshop]:
    """The same file with the workshop's workspace in it, and that workshop."""
    path = template.with_name("furnished.db")
    shutil.copy(template, path)

    async def build() -> Workshop:
        database = Database(url_of(path))
        workshop = await Workshop.open(database)
        # Seen just now for as long as the tests run, so that no request of Olivia's writes that down beside them.
        await workshop.change(UserSession, workshop.olivia.viewer.session_id, last_seen_at=now() + timedelta(hours=1))
        await database.truncate_wal()
        await database.close()
        return workshop

    return path, asyncio.run(build())


@pytest.fixture
def database_url(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> str:
    """The URL of a database of the test's own: empty, or the workshop's where the test asks for that."""
    path = tmp_path / "offboard.db"
    wanted = request.getfixturevalue("furnished")[0] if "workshop" in request.fixturenames else template
    shutil.copy(wanted, path)
    return url_of(path)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def workshop(database: Database, furnished: tuple[Path, Workshop]) -> Workshop:
    """A workspace `acme` with the owner Olivia, signed in."""
    opened = furnished[1]
    return replace(opened, database=database, olivia=replace(opened.olivia))


@pytest.fixture
async def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The whole application, on the database that the workshop writes to."""
    postbox = Postbox()
    monkeypatch.setattr(service, "open_transport", lambda _url: postbox)
    app = create_app(Settings(database_url=database_url, password_hash_cost=1))
    async with app.router.lifespan_context(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            yield Api(client, app.state.service.database, postbox)
