"""What the throwaway servers have in common: a folder, a port, a log, a beginning and an end."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.services.guard import Guard
from tests.waiting import LIMIT, LOOK_AGAIN


class NotInstalled(Exception):
    """A program is neither on this system nor in the wheel that would have it. The message says what to install."""


def free_port() -> int:
    """A port that nobody listens on, below those from which the system chooses for outgoing connections."""
    while True:
        port = random.randint(15_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Service(ABC):
    """A server on a port and in a folder of its own. It keeps both when it is started again, until it is closed."""

    stopping: ClassVar[signal.Signals] = signal.SIGTERM
    crashing: ClassVar[signal.Signals] = signal.SIGKILL
    says_ready: ClassVar[str]

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="offboard-test-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs the server in the foreground, prepared anew for each start."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it."""

    def start(self, guard_pipe: Path | None = None) -> Self:
        """Start, and return once it is ready; raises RuntimeError with its log if it ends before."""
        try:
            self._start(self.command(), guard_pipe)
        except BaseException:
            self.close()
            raise
        return self

    def _start(self, command: list[str], guard_pipe: Path | None) -> None:
        with self._log.open("wb") as log:
            process = self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.identity(),
            )
        self._guard = Guard(process.pid, self.crashing, folder=self.folder, pipe=guard_pipe)
        deadline = time.monotonic() + LIMIT
        while self.says_ready not in self.log():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} does not run:\n{self.log()}")
            time.sleep(LOOK_AGAIN)

    def identity(self) -> dict[str, Any]:
        """Arguments of Popen that say as whom it runs."""
        return {}

    def stop(self) -> None:
        """Stop it as an operator does."""
        self._end(self.stopping)

    def crash(self) -> None:
        """End it as a fault does: connections break, nothing is put in order."""
        self._end(self.crashing)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Leave nothing behind, neither a process nor files."""
        if self._process is not None:
            self.crash()
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """What it has logged since it was started."""
        return self._log.read_text(errors="replace")

    def _end(self, by: signal.Signals) -> None:
        assert self._process is not None, "not running"
        assert self._guard is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, by) if by is signal.SIGKILL else os.kill(self._process.pid, by)
        self._process.wait(LIMIT)
        self._guard.dismiss()
        self._process = self._guard = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
