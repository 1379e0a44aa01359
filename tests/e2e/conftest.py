"""Running servers. The one that most tests share serves a workspace of its own to each of them."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.callers import open_client
from tests.e2e.demo import demo_copy
from tests.e2e.node import install_clients
from tests.e2e.office import Office
from tests.e2e.server import Server
from tests.services.guard import alone
from tests.services.redis import Redis

SERVERS = pytest.StashKey[list[Server]]()

OWN_BROKERS = {"sqlite": "memory:", "postgresql": "postgresql:"}
"""The broker of each engine that needs no server of its own."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show with a failure what the servers logged."""
    report = yield
    if report.failed:
        # A test's folder is gone by the time that its teardown is reported.
        for server in (each for each in item.stash.get(SERVERS, []) if each.folder.exists()):
            report.sections.append((f"Log of the server on port {server.port}", server.log()))
    return report


Serving = Callable[[str], Server]


@pytest.fixture(scope="session")
def _shared_servers(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    running: dict[str, Server] = {}

    def on_engine(engine: str) -> Server:
        if engine not in running:
            folder = tmp_path_factory.mktemp("server")
            server = Server(folder, demo_copy(engine, shared_folder, folder), BROKER_URL=OWN_BROKERS[engine])
            running[engine] = server.start()
        return running[engine]

    yield on_engine
    for server in running.values():
        assert server.stop() == 0, server.log()


@pytest.fixture
def server(engine: str, _shared_servers: Serving, request: pytest.FixtureRequest) -> Server:
    """The server that most tests share."""
    server = _shared_servers(engine)
    server.begin_log()
    request.node.stash.setdefault(SERVERS, []).append(server)
    return server


NewServer = Callable[..., Server]


@pytest.fixture
def new_server(engine: str, shared_folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewServer]:
    """Makes servers of the test's own, not started yet; settings without their prefix.

    All are on one copy of the demo database, unless they are to be on another one.
    """
    shown = request.node.stash.setdefault(SERVERS, [])
    made: list[Server] = []
    copy = demo_copy(engine, shared_folder, tmp_path)

    def make(database_url: str = copy, **settings: str) -> Server:
        made.append(Server(tmp_path, database_url, **settings))
        shown.append(made[-1])
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(params=["own", "redis"])
def broker_url(request: pytest.FixtureRequest, engine: str) -> Iterator[str]:
    """Each broker that an engine can have."""
    if request.param == "own":
        yield OWN_BROKERS[engine]
    else:
        with Redis() as redis:
            yield redis.url


@pytest.fixture
def two_nodes(new_server: NewServer, broker_url: str) -> list[Server]:
    """Two nodes on one database."""
    return [new_server(BROKER_URL=broker_url).start() for _ in range(2)]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client() as client:
        yield client


@pytest.fixture
async def office(server: Server, http: httpx.AsyncClient) -> Office:
    """A new workspace on the shared server."""
    return await Office.open(server, http)


@pytest.fixture(scope="session")
def node(shared_folder: Path) -> str:
    """The command `node`, with the clients' packages in place."""
    with alone(shared_folder / "npm.lock"):
        return install_clients()
