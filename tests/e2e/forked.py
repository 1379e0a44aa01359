"""The command line in a process that is forked from one which has loaded the program: loading takes most of a start.

Apart from that such a process is like any other: it has its own folder, environment and output, and can be killed.
Only passwords are hashed over less memory.
"""

import gc
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

from offboard import app, cli
from tests.hashing import LITTLE_KIB, hash_over

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [__name__, "pytest", "aiosqlite", "asyncpg", "uvicorn.loops.uvloop", "uvicorn.protocols.http.auto"]
)
_LOADED = (app, cli)
gc.freeze()  # in a forked process the collector would write to all that was loaded, and thereby copy it


class Forked:
    """What the tests use of subprocess.Popen: a running command, its standard output as text."""

    def __init__(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        with patch.dict(os.environ, environment, clear=True):
            forkserver.ensure_running()
        reader, writer = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(
            target=_run, args=(list(arguments), folder, dict(environment), log, writer), daemon=True
        )
        self._process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended; raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("offboard", timeout)
        self._process.close()
        return code


def _run(arguments: list[str], folder: Path, environment: dict[str, str], log: Path, output: Connection) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(output.fileno(), 1)
    with log.open("a") as file:
        os.dup2(file.fileno(), 2)
    hash_over(LITTLE_KIB)
    sys.argv = ["offboard", *arguments]
    cli.main()
