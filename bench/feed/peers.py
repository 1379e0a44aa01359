"""The servers that are compared, each a process of its own on the first core."""

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.feed.crowd import Caller, Failed, Loop
from bench.feed.people import Office

SERVER_CORE, CLIENT_CORE = 0, 1
START_LIMIT = 60
HERE = Path(__file__).parent
_PR_SET_PDEATHSIG = 1
_FIRST = -15
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Peer:
    """One kind of server: how it is started, and how an event is caused."""

    name: str
    command: tuple[str, ...]
    is_offboard: bool = False

    def collect_garbage(self, loop: Loop, port: int) -> None:
        """Collect garbage, if the server offers to."""
        if "--expose-gc" in self.command:
            caller = Caller(loop, port)
            caller.send(_post("/gc"))
            caller.wait()

    def event(self, office: Office) -> bytes:
        """A request that causes one event to everybody."""
        if not self.is_offboard:
            return _post("/publish")
        return graphql("mutation { signOut { signedOut } }", office.tokens.pop())


GRAPHQL_WS = Peer("graphql-ws", ("node", "--expose-gc", str(HERE / "graphql_ws.js")))
STOCK = Peer("stock Strawberry", (sys.executable, "-m", "bench.feed.stock"))
OFFBOARD = Peer("Offboard", (str(Path(sys.executable).with_name("offboard")), "serve", "--port", "0"), is_offboard=True)
PEERS = (GRAPHQL_WS, STOCK, OFFBOARD)


class Server:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self.log = log
        assert process.stdout is not None
        begun, _, _ = select.select([process.stdout], [], [], START_LIMIT)
        greeting = process.stdout.readline().decode() if begun else ""
        if "http://127.0.0.1:" not in greeting:
            raise Failed(f"A server did not start:\n{log.read_text()}")
        self.port = int(greeting.rpartition(":")[2].partition("/")[0])

    def resident(self) -> int:
        """Bytes of memory that it holds."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def seconds(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def running(command: tuple[str, ...], settings: Mapping[str, str], log: Path) -> Iterator[Server]:
    """A server that has just started, until the block ends."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            preexec_fn=settle_in,
        )
    try:
        yield Server(process, log)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def graphql(query: str, token: str, **variables: object) -> bytes:
    """A GraphQL request over HTTP."""
    body = orjson.dumps({"query": query, "variables": variables})
    return _post("/graphql", body, f"Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n")


def _post(path: str, body: bytes = b"", headers: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def allow_files(wanted: int) -> None:
    """Let this process and its servers open that many files; raises Failed if the system does not."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, OSError):
        raise Failed(f"This needs {wanted} open files (ulimit -n), and the system allows {hard}.") from None


def settle_in() -> None:
    """In the process of a server, or of what is compared with one, before it starts: its core, and an end with ours.

    It goes before whatever else the machine does, where the system allows that: a server with one thread would suffer
    more from a busy core than one with several. Linux weighs sessions against each other (sched(7), autogroup).
    """
    os.sched_setaffinity(0, {SERVER_CORE})
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _FIRST)
        Path("/proc/self/autogroup").write_text(str(_FIRST))


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server. Only warnings are logged, since the peers log nothing at all."""
    chosen = {"LOG_LEVEL": "warning", "MAIL_URL": "console:", **settings}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OFFBOARD_")}
    return {**inherited, "NODE_ENV": "production", **{f"OFFBOARD_{name}": value for name, value in chosen.items()}}
