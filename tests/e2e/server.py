"""`offboard serve` as a process of its own."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from tests.waiting import LIMIT

COVERAGE = "COVERAGE_PROCESS_"
OFFBOARD = str(Path(sys.executable).with_name("offboard"))


def offboard(folder: Path, *arguments: str, stdin: str = "") -> None:
    """Run a command of the command line on the database of a folder."""
    subprocess.run([OFFBOARD, *arguments], cwd=folder, env=environment(), input=stdin, text=True, check=True)


def environment(**settings: str) -> dict[str, str]:
    """The environment of a command: cheap passwords, mail into files, the database of the working folder.

    Coverage is not measured: starting takes twice as long with it, and a crash leaves none behind.
    """
    chosen = {"MAIL_URL": "file:mail", "PASSWORD_HASH_COST": "1", "LOG_FORMAT": "json", **settings}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OFFBOARD_", COVERAGE))}
    return {**inherited, **{f"OFFBOARD_{name}": value for name, value in chosen.items()}}


def _measuring() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(COVERAGE)}


class Server:
    """A server on the database `offboard.db` of a folder. It keeps its port when it is started again.

    If it is `measured`, it counts for the coverage of the test run.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = settings
        self.port = 0
        self.measured = False
        self._log = folder / "server.log"
        self._log.touch()
        self._shown = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def database_url(self) -> str:
        return f"sqlite+aiosqlite:///{self.folder / 'offboard.db'}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    def start(self, **settings: str) -> Self:
        """Start, and return once it says where it listens."""
        with self._log.open("a") as log:
            process = self._process = subprocess.Popen(
                [OFFBOARD, "serve", "--port", str(self.port)],
                cwd=self.folder,
                env={**environment(**{**self.settings, **settings}), **(_measuring() if self.measured else {})},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        bound = threading.Timer(LIMIT, process.kill)
        bound.start()
        greeting = process.stdout.readline()
        bound.cancel()
        assert greeting.startswith("Offboard is serving on http://"), self.log()
        self.port = int(greeting.rpartition(":")[2].partition("/")[0])
        return self

    def terminate(self) -> None:
        """Ask it to stop."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, limit: float = LIMIT) -> int:
        """Wait until it has stopped; its exit code."""
        assert self._process is not None
        code = self._process.wait(limit)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def stop(self) -> int:
        """Stop it as an operator does; its exit code."""
        self.terminate()
        return self.wait()

    def crash(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.kill()
        self.wait()

    def close(self) -> None:
        """Leave no process behind, whatever the test did to it."""
        if self._process is None:
            return
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.crash()
            raise

    def begin_log(self) -> None:
        """Show only what is logged from now on."""
        self._shown = self._log.stat().st_size

    def log(self) -> str:
        """What was logged."""
        return self._log.read_bytes()[self._shown :].decode()
