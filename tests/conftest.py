"""Fixtures for every test: a migrated database of its own, and a workshop that makes people and work in it.

Each test that touches a database runs on every engine named by `--on`. One that is about an engine's own means says so
with the marker `only_on` and runs there alone, whatever `--on` names.
"""

import asyncio
import gc
import os
import shutil
import tempfile
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from httpx import ASGITransport, AsyncClient

from models.database import Database
from models.enums import Role
from offboard import service
from offboard.app import create_app
from offboard.settings import Settings
from tests.api import Api, Postbox
from tests.databases import ENGINES, Databases, on, open_databases
from tests.engines import keeping_connections, share
from tests.hashing import LITTLE_KIB, hash_over
from tests.statements import Plans, PostgresqlPlans, SqlitePlans
from tests.workshop import Person, Workshop

pytest_plugins = ["tests.e2e.node", "tests.measuring"]


CALLERS = Path(__file__).with_name("e2e")
MEMORY = Path("/dev/shm")
ENOUGH = 2 * 1024**3
OBJECTS = 20_000
"""After so many new ones the collector of reference cycles looks through them; Python's own choice is 700."""


def pytest_configure() -> None:
    """Keep the tests' files in memory where there is enough: a commit then need not wait for a disk.

    What a process has written survives its end there as it does on a disk. A power cut is tested nowhere.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
    share()
    hash_over(LITTLE_KIB)


def pytest_collection_finish() -> None:
    """Keep the collector of reference cycles off what was loaded, and let it look more rarely: it takes much time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS)


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], AbstractEventLoop]]:
    """Run what serves on the loop on which it does that, which is faster too. A server's callers use Python's."""
    if item.path.is_relative_to(CALLERS):
        return {"asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


def _engines(text: str) -> list[str]:
    chosen = text.split(",")
    if not set(chosen) <= set(ENGINES):
        raise pytest.UsageError(f"--on takes some of {','.join(ENGINES)}.")
    return chosen


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--on",
        default=",".join(ENGINES),
        help=f"the engines on which tests of a database run, of {','.join(ENGINES)} (default: all)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what touches a database on each engine."""
    if "engine" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only_on")
        engines = only.args if only else _engines(metafunc.config.getoption("--on"))
        parameters = [pytest.param(each, marks=_MARKS[each]) for each in engines]
        metafunc.parametrize("engine", parameters, ids=engines)


_MARKS = {
    "sqlite": [pytest.mark.touches_database],
    "postgresql": [pytest.mark.touches_database, pytest.mark.on_postgresql],
}


@pytest.fixture(scope="session", autouse=True)
async def _keep_connections() -> AsyncIterator[None]:
    """Tests share an event loop, on which connections can be kept."""
    with keeping_connections():
        yield


@pytest.fixture(autouse=True)
async def _leave_nothing_running() -> AsyncIterator[None]:
    """What a test has begun and not awaited ends with it."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@pytest.fixture(scope="session")
def _databases(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Iterator[Callable[[str], Databases]]:
    opened: dict[str, Databases] = {}

    def on_engine(engine: str) -> Databases:
        if engine not in opened:
            opened[engine] = open_databases(engine, tmp_path_factory.mktemp(engine), shared_folder)
        return opened[engine]

    yield on_engine
    for each in opened.values():
        each.close()


@pytest.fixture
def databases(engine: str, _databases: Callable[[str], Databases]) -> Databases:
    """Where a test's databases come from."""
    return _databases(engine)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, databases: Databases) -> str:
    """The URL of a database of the test's own: empty, or the workshop's where the test asks for that."""
    return databases.furnished() if "workshop" in request.fixturenames else databases.empty()


@pytest.fixture
def bare_url(databases: Databases) -> str:
    """The URL of a database without any table."""
    return databases.bare()


@pytest.fixture
def large_url(databases: Databases) -> str:
    """The URL of a database for asking how rows would be found."""
    return databases.large()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Database]:
    """Another process on the same database, as far as the database can tell."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def workshop(database: Database, databases: Databases) -> Workshop:
    """A workspace `acme` with the owner Olivia, signed in."""
    assert databases.workshop is not None
    return on(database, databases.workshop)


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    """An agent, who has not signed in."""
    return await workshop.person("Ana Abel", Role.AGENT)


@pytest.fixture
async def bob(workshop: Workshop) -> Person:
    """Another one."""
    return await workshop.person("Bob Burr", Role.AGENT)


@pytest.fixture
async def plans(large_url: str) -> AsyncIterator[Plans]:
    """How the engine would find rows."""
    large = Database(large_url)
    yield SqlitePlans(large) if large.engine.dialect.name == "sqlite" else PostgresqlPlans(large)
    await large.close()


@pytest.fixture
async def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The whole application, on the database that the workshop writes to."""
    postbox = Postbox()
    monkeypatch.setattr(service, "open_transport", lambda _url: postbox)
    app = create_app(Settings(database_url=database_url, password_hash_cost=1))
    async with app.router.lifespan_context(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            yield Api(client, app.state.service.database, postbox)
