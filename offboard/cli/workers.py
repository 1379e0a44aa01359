"""Several processes that share one socket: uvicorn's supervisor."""

import os
import socket
import time
from tempfile import TemporaryDirectory

import structlog
import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from offboard.cli.frame import say
from offboard.metrics import FOLDER

APPLICATION = "offboard.cli.worker:application"
"""What a worker imports and calls for its application. Its supervisor does not load it."""

LONGEST_STOP = 4.0
"""Seconds that the workers have for stopping."""

log = structlog.get_logger(__name__)


def supervise(config: uvicorn.Config, listener: socket.socket, greeting: str) -> int:
    """Run workers until a signal; says the greeting once they all serve, and returns the exit code."""
    with TemporaryDirectory(prefix="offboard-metrics-") as folder:
        # For the workers. This process loaded prometheus_client without it, so that it counts nothing there itself.
        os.environ[FOLDER] = folder
        supervisor = _Supervisor(config, listener, greeting, folder)
        supervisor.run()
    return STARTUP_FAILURE if supervisor.failed else 0


class _Supervisor(Multiprocess):
    """Unlike the original it greets, counts no sockets of the dead, gives up if a worker cannot start, ends in time."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, greeting: str, folder: str) -> None:
        super().__init__(config, [listener])
        self.failed = False
        self._greeting = greeting
        self._greeted = False
        self._folder = folder
        self._counting: set[int | None] = set()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, forget which sockets they had, and greet once all serve.

        The original also replaces one that does not answer in time, but so is every worker that starts on a busy
        machine; and while it waits for an answer, no signal is heeded.
        """
        for number, worker in enumerate(self.processes):
            if not worker.process.is_alive() and not self.should_exit.is_set():
                self._replace(number)
        counting = {worker.pid for worker in self.processes}
        for gone in self._counting - counting:
            mark_process_dead(gone, self._folder)  # type: ignore[no-untyped-call]
        self._counting = counting
        if not self._greeted and all(worker.is_ready(timeout=0.1) for worker in self.processes):
            self._greeted = True
            say(self._greeting)

    def _replace(self, number: int) -> None:
        dead = self.processes[number]
        dead.join()
        if not self._greeted or dead.exitcode == STARTUP_FAILURE:
            log.error("A worker could not start", worker=dead.pid, exit_code=dead.exitcode)
            self.failed = True
            self.should_exit.set()
            return
        log.error("A worker died and is replaced", worker=dead.pid, exit_code=dead.exitcode)
        self.processes[number] = Process(self.config, self.sockets)
        self.processes[number].start()

    def join_all(self) -> None:
        """Wait for the workers, but not for ever: uvicorn would for one that hangs."""
        deadline = time.monotonic() + LONGEST_STOP
        for worker in self.processes:
            worker.process.join(max(0, deadline - time.monotonic()))
            if worker.exitcode is None:
                worker.process.kill()
        super().join_all()
