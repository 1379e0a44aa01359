"""Running servers. The one that most tests share serves a workspace of its own to each of them."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.e2e.node import install_clients
from tests.e2e.office import Office
from tests.e2e.server import Server, offboard
from tests.services.guard import alone
from tests.waiting import LIMIT

SERVERS = pytest.StashKey[list[Server]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show with a failure what the servers logged."""
    report = yield
    if report.failed:
        for server in item.stash.get(SERVERS, []):
            report.sections.append((f"Log of the server on port {server.port}", server.log()))
    return report


@pytest.fixture(scope="session")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@pytest.fixture(scope="session")
def demo_database(everybody: Path) -> Path:
    """A database with the demo workspace, made once; each server copies it."""
    folder = everybody / "demo"
    with alone(everybody / "demo.lock"):
        if not (folder / "done").exists():
            folder.mkdir(exist_ok=True)
            offboard(folder, "migrate")
            offboard(folder, "demo")
            (folder / "done").touch()
    return folder / "offboard.db"


@pytest.fixture(scope="session")
def shared_server(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(demo_database, folder)
    server = Server(folder)
    server.measured = True
    yield server.start()
    assert server.stop() == 0, server.log()


@pytest.fixture
def server(shared_server: Server, request: pytest.FixtureRequest) -> Server:
    """The server that most tests share."""
    shared_server.begin_log()
    request.node.stash.setdefault(SERVERS, []).append(shared_server)
    return shared_server


NewServer = Callable[..., Server]


@pytest.fixture
def new_server(demo_database: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewServer]:
    """Makes a server of the test's own, not started yet; settings without their prefix."""
    shutil.copy(demo_database, tmp_path)
    shown = request.node.stash.setdefault(SERVERS, [])
    made: list[Server] = []

    def make(**settings: str) -> Server:
        made.append(Server(tmp_path, **settings))
        shown.append(made[-1])
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=LIMIT) as client:
        yield client


@pytest.fixture
async def office(server: Server, http: httpx.AsyncClient) -> Office:
    """A new workspace on the shared server."""
    return await Office.open(server, http)


@pytest.fixture
def long_ago() -> Callable[[Server], None]:
    """Lets a month pass for the events of a server that is not running."""

    def let_pass(server: Server) -> None:
        with closing(sqlite3.connect(server.folder / "offboard.db")) as database, database:
            database.execute("UPDATE event SET occurred_at = occurred_at - 30 * 86400000")

    return let_pass


@pytest.fixture(scope="session")
def node(everybody: Path) -> str:
    """The command `node`, with the clients' packages in place."""
    with alone(everybody / "npm.lock"):
        return install_clients()
