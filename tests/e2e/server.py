"""`offboard serve` as a process of its own."""

import os
import subprocess
import threading
from pathlib import Path
from typing import Self

from sqlalchemy import UpdateBase

from models.database import Database
from tests.e2e.forked import Forked
from tests.services.guard import Guard
from tests.services.service import free_port
from tests.waiting import LIMIT

COVERAGE = "COVERAGE_PROCESS_"


def offboard(folder: Path, *arguments: str, **settings: str) -> None:
    """Run a command of the command line in a folder."""
    log = folder / "commands.log"
    command = Forked(arguments, folder, environment(**settings), log)
    with command.stdout as output:
        said = output.read()
    assert command.wait(LIMIT) == 0, said + log.read_text()


def environment(**settings: str) -> dict[str, str]:
    """The environment of a command: cheap passwords, mail into files, the database of the working folder.

    Coverage is not measured: starting takes twice as long with it, and a crash leaves none behind.
    """
    chosen = {
        "MAIL_URL": "file:mail",
        "PASSWORD_HASH_COST": "1",
        "LOG_FORMAT": "json",
        "FAILED_SIGN_INS_PER_ADDRESS": "10000 per 1 hour",  # all tests come from one address
        "RESETS_PER_ADDRESS": "10000 per 1 hour",
        **settings,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OFFBOARD_", COVERAGE))}
    return {**inherited, **{f"OFFBOARD_{name}": value for name, value in chosen.items()}}


class Server:
    """A server in a folder, on a database. It keeps its port when it is started again."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.settings = settings
        self.port = free_port()
        self._log = folder / f"server-{self.port}.log"
        self._log.touch()
        self._shown = 0
        self._process: Forked | None = None
        self._guard: Guard | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    def start(self, **settings: str) -> Self:
        """Start, and return once it says where it listens."""
        chosen = environment(**{"DATABASE_URL": self.database_url, **self.settings, **settings})
        self._process = Forked(["serve", "--port", str(self.port)], self.folder, chosen, self._log)
        self._guard = Guard(self._process.pid)
        bound = threading.Timer(LIMIT, self._process.kill)
        bound.start()
        greeting = self._process.stdout.readline()
        bound.cancel()
        assert greeting == f"Offboard is serving on {self.url}\n", self.log()
        return self

    def seconds_worked(self) -> float:
        """The processor time that it has used; on Linux."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> None:
        """Ask it to stop."""
        assert self._process is not None
        self._process.terminate()

    def wait(self, limit: float = LIMIT) -> int:
        """Wait until it has stopped; its exit code."""
        assert self._process is not None
        assert self._guard is not None
        code = self._process.wait(limit)
        self._process.stdout.close()
        self._guard.dismiss()
        self._process = self._guard = None
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

    async def change(self, statement: UpdateBase) -> None:
        """Change rows from beside, at least one."""
        database = Database(self.database_url)
        assert await database.transact(lambda tx: tx.run(statement)) > 0
        await database.close()

    def begin_log(self) -> None:
        """Show only what is logged from now on."""
        self._shown = self._log.stat().st_size

    def log(self) -> str:
        """What was logged."""
        return self._log.read_bytes()[self._shown :].decode()
