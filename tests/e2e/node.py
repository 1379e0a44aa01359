"""Clients that run on Node.js, and a browser.

Where these are missing their tests are left out, and the summary says so. In CI they fail instead.
"""

import asyncio
import json
import os
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import LIMIT

CLIENTS = Path(__file__).parent / "clients"
LEFT_OUT = pytest.StashKey[list[str]]()


CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Debian's without windows comes first: it takes half the time."""


def chromium() -> str | None:
    """Where the system has a Chromium."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


def install_clients() -> str:
    """Install the clients' packages if they are not there; the path of `node`, without which the test fails."""
    command = shutil.which("node")
    if command is None:
        pytest.fail("node is not installed: the tests with graphql-ws need it, and in CI they may not be left out")
    wanted = json.loads((CLIENTS / "package.json").read_text())["dependencies"]
    if not all((CLIENTS / "node_modules" / name).exists() for name in wanted):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=CLIENTS, check=True)
    return command


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs something that is not there."""
    missing = _missing_fixtures()
    if not missing or os.environ.get("CI"):
        return
    left = [item for item in items if missing.intersection(getattr(item, "fixturenames", ()))]
    if not left:
        return
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)
    config.stash[LEFT_OUT] = [item.nodeid for item in left]
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = config.stash[LEFT_OUT]


def _missing_fixtures() -> set[str]:
    if shutil.which("node") is None:
        return {"node", "built_console", "reception"}
    return {"reception"} if chromium() is None else set()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker of pytest-xdist what it left out."""
    if left := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[LEFT_OUT] = left


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out."""
    if left := config.stash.get(LEFT_OUT, []):
        terminalreporter.section("left out")
        terminalreporter.line(
            f"{_what_is_missing()} not installed: {len(left)} tests with npm's clients or a browser did not run:"
        )
        for name in left:
            terminalreporter.line(f"  {name}")


def _what_is_missing() -> str:
    return "Node.js is" if shutil.which("node") is None else "Chromium is"


class Script:
    """A running script, which prints one JSON object a line."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.lines: list[dict[str, Any]] = []

    async def next(self, event: str) -> dict[str, Any]:
        """Read on to the next line that tells of an event."""
        async with asyncio.timeout(LIMIT):
            while True:
                line = await self._read()
                assert line is not None, f"ended without {event!r} after {self.lines}\n{await self.errors()}"
                if line["event"] == event:
                    return line

    async def end(self) -> None:
        """Read on until the script has nothing left to wait for and ends by itself."""
        async with asyncio.timeout(LIMIT):
            while await self._read() is not None:
                pass
        assert await self._process.wait() == 0, await self.errors()

    async def errors(self) -> str:
        """What it wrote to standard error, if it has ended."""
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode() if self._process.stdout.at_eof() else ""  # type: ignore[union-attr]

    def told(self, event: str) -> list[dict[str, Any]]:
        """The lines so far that tell of an event."""
        return [line for line in self.lines if line["event"] == event]

    async def _read(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        text = await self._process.stdout.readline()
        if not text:
            return None
        self.lines.append(json.loads(text))
        return self.lines[-1]


@asynccontextmanager
async def running(node: str, script: str, *arguments: str) -> AsyncIterator[Script]:
    """Run a script of the clients' folder; killed if it is still there at the end."""
    process = await asyncio.create_subprocess_exec(node, str(CLIENTS / script), *arguments, stdout=PIPE, stderr=PIPE)
    try:
        yield Script(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
