"""The command serve, as processes of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from models.enums import Role
from offboard.cli import serving as commands
from schema import ids
from tests.offboard.commands import Run
from tests.services.redis import Redis
from tests.waiting import LIMIT, until
from tests.workshop import Person, Workshop

pytestmark = pytest.mark.long

ONCE = pytest.mark.only_on("sqlite")
"""For what has nothing to do with the database."""

SERVE = [str(Path(sys.executable).with_name("offboard")), "serve", "--port"]


class Serving:
    """A server on a free port."""

    def __init__(self, folder: Path, database_url: str, *options: str, **settings: str) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self._log = folder / "log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*SERVE, "0", *options],
                cwd=folder,
                env={
                    **os.environ,
                    "OFFBOARD_DATABASE_URL": database_url,
                    "OFFBOARD_LOG_FORMAT": "json",
                    "TMPDIR": str(self.temporary),
                    **settings,
                },
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.url = ""

    def greet(self) -> None:
        """Wait until it says where it serves."""
        assert self.process.stdout is not None
        greeting = self.process.stdout.readline()
        assert greeting.startswith("Offboard is serving on http://"), self._log.read_text()
        self.url = greeting.split()[-1]

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    @property
    def workers(self) -> list[int]:
        """The pids of all that have served, in the order of their starts."""
        return [line["pid"] for line in self.log if line["event"].startswith("Started server process")]

    def ask(self, query: str, person: Person | None = None, **variables: str) -> Any:
        headers = {"content-type": "application/json"}
        if person is not None:
            headers["authorization"] = f"Bearer {person.token}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers)) as answer:
            assert "server" not in {name.lower() for name in answer.headers}
            return json.load(answer)

    def connect(self) -> ClientConnection:
        return connect(self.url.replace("http", "ws"), subprotocols=[Subprotocol("graphql-transport-ws")])

    @contextmanager
    def connect_as(self, person: Person, worker: int) -> Iterator[ClientConnection]:
        """A socket on one of two workers, introduced."""
        (other,) = (pid for pid in self.workers if pid != worker and alive(pid))
        os.kill(other, signal.SIGSTOP)
        with self.connect() as websocket:
            introduction = {"type": "connection_init", "payload": {"authorization": f"Bearer {person.token}"}}
            websocket.send(json.dumps(introduction))
            assert json.loads(websocket.recv(timeout=LIMIT)) == {"type": "connection_ack"}
            os.kill(other, signal.SIGCONT)
            yield websocket

    def measure(self, name: str, **labels: str) -> dict[str, float]:
        """The samples of a metric with some labels, by their pids."""
        with urllib.request.urlopen(self.url.replace("graphql", "metrics")) as answer:
            text = answer.read().decode()
        return {
            sample.labels.get("pid", ""): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        }

    def children(self) -> set[int]:
        """The worker processes there are now, ready or not."""
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {int(child) for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


@contextmanager
def starting(folder: Path, database_url: str, *options: str, **settings: str) -> Iterator[Serving]:
    """A server that has not said yet that it serves; killed with its workers if it is still there at the end."""
    server = Serving(folder, database_url, *options, **settings)
    try:
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.communicate()


@contextmanager
def serving(folder: Path, database_url: str, *options: str, **settings: str) -> Iterator[Serving]:
    """A server that serves."""
    with starting(folder, database_url, *options, **settings) as server:
        server.greet()
        yield server


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def closing(websocket: ClientConnection) -> tuple[int, str]:
    """How a socket is closed."""
    with pytest.raises(ConnectionClosed) as closed:
        websocket.recv(timeout=LIMIT)
    received = closed.value.rcvd
    return (received.code, received.reason) if received else (1006, "")


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with Redis() as server:
        yield server.url


@ONCE
@pytest.mark.parametrize(
    ("options", "root", "stop"),
    [((), "http://127.0.0.1:", signal.SIGTERM), (("--host", "::1"), "http://[::1]:", signal.SIGINT)],
)
def test_the_server_answers_at_the_url_it_says_and_ends_well(
    tmp_path: Path, database_url: str, options: tuple[str, ...], root: str, stop: signal.Signals
) -> None:
    with serving(tmp_path, database_url, *options) as server:
        assert server.url.startswith(root)
        assert server.ask("{ __typename }") == {"data": {"__typename": "Query"}}
        assert list(server.measure("offboard_http_requests_total", status="200")) == [""]
        with server.connect() as websocket:
            server.process.send_signal(stop)
            assert closing(websocket)[0] == 1012
        assert server.process.wait(timeout=LIMIT) == 0
        assert {(line["level"], line["pid"]) for line in server.log} == {("info", server.process.pid)}


@ONCE
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "Port {port} of 127.0.0.1 cannot be opened: Address already in use."),
        (
            ("--workers", "2"),
            "Several workers need a broker between them: set OFFBOARD_BROKER_URL to redis://host, or to postgresql: "
            "with a PostgreSQL database.",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    empty: Run, monkeypatch: pytest.MonkeyPatch, database_url: str, options: tuple[str, ...], problem: str
) -> None:
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", database_url)
    monkeypatch.setattr(commands, "configure_logging", lambda *_: None)  # it would do so for all tests
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = empty("serve", "--port", port, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {problem.format(port=port)}\n"


@pytest.mark.only_on("sqlite")
async def test_whoever_is_deactivated_is_signed_out_on_every_worker_and_all_end_well(
    tmp_path: Path, database_url: str, workshop: Workshop, redis: str
) -> None:
    with serving(tmp_path, database_url, "--workers", "2", OFFBOARD_BROKER_URL=redis) as server:
        await signed_out_on_every_worker(server, workshop)
        assert list(server.temporary.iterdir()), "the workers count somewhere else"
        workers = server.workers
        with server.connect() as websocket:
            server.process.terminate()
            assert closing(websocket)[0] == 1012
        assert server.process.wait(timeout=LIMIT) == 0
        assert server.process.stdout is not None
        assert server.process.stdout.read() == "", "the greeting is said once"
        assert {line["level"] for line in server.log} == {"info"}
        assert {line["pid"] for line in server.log} == {server.process.pid, *workers}
        assert not any(map(alive, workers))
        assert not list(server.temporary.iterdir())


@pytest.mark.only_on("postgresql")
async def test_whoever_is_deactivated_is_signed_out_on_every_worker_and_these_end_with_their_supervisor(
    tmp_path: Path, database_url: str, workshop: Workshop
) -> None:
    """Else they would keep the port from whatever is started in its place."""
    with serving(tmp_path, database_url, "--workers", "2", OFFBOARD_BROKER_URL="postgresql:") as server:
        await signed_out_on_every_worker(server, workshop)
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        server.process.kill()
        await until(lambda: not any(map(alive, server.workers)))
        socket.create_server(("127.0.0.1", port)).close()


async def signed_out_on_every_worker(server: Serving, workshop: Workshop) -> None:
    """Somebody with a socket on each of two workers is deactivated, and they count that together."""
    sam = await workshop.person("Sam Silva", Role.AGENT)
    await workshop.sign_in(sam)
    workers = server.workers
    assert len(set(workers)) == 2
    with ExitStack() as stack:
        sockets = [stack.enter_context(server.connect_as(sam, worker)) for worker in workers]
        answer = server.ask(
            "mutation ($id: ID!) { deactivateUser(input: {userId: $id}) { errors { code } } }",
            workshop.olivia,
            id=ids.encode("User", sam.id),
        )
        assert answer == {"data": {"deactivateUser": {"errors": []}}}
        assert [closing(websocket) for websocket in sockets] == [(4401, "USER_DEACTIVATED")] * 2
    published = server.measure("offboard_hints_total", kind="published")[""]
    await until(lambda: server.measure("offboard_hints_total", kind="received") == {"": 2 * published})
    assert server.measure("offboard_broker_lag_seconds_count") == {"": 2 * published}
    assert set(server.measure("process_resident_memory_bytes")) == set(map(str, workers))


@ONCE
async def test_a_worker_that_is_killed_is_replaced_and_one_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, database_url: str, workshop: Workshop, redis: str
) -> None:
    with serving(tmp_path, database_url, "--workers", "2", OFFBOARD_BROKER_URL=redis) as server:
        first, second = server.workers
        with server.connect_as(workshop.olivia, first) as lost, server.connect_as(workshop.olivia, second):
            os.kill(first, signal.SIGKILL)
            assert closing(lost)[0] == 1006
            await until(lambda: len(server.workers) == 3)
            third = server.workers[2]
            assert set(server.measure("process_resident_memory_bytes")) == {str(second), str(third)}
            assert not list(server.temporary.rglob(f"gauge_live*_{first}.db")), "its sockets are still counted"
            with server.connect_as(workshop.olivia, third):
                os.kill(second, signal.SIGSTOP)
                server.process.terminate()
                assert server.process.wait(timeout=LIMIT) == 0
        assert not any(map(alive, (first, second, third)))


@ONCE
async def test_a_worker_that_cannot_start_ends_the_command(tmp_path: Path, database_url: str, redis: str) -> None:
    with starting(tmp_path, database_url, "--workers", "2", OFFBOARD_BROKER_URL=redis) as server:
        await until(lambda: len(server.children()) == 2)
        os.kill(min(server.children()), signal.SIGKILL)
        assert server.process.wait(timeout=LIMIT) == 3
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""
        assert "A worker could not start" in [line["event"] for line in server.log]
