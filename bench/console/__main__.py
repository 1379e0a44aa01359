"""Measure and print: `python -m bench.console --help`."""

import argparse
import asyncio
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from bench.console.tracing import Load, measure
from bench.feed.people import Person, open_office
from offboard.settings import CONSOLE
from offboard.web_session import COOKIE

USERS = 9_999
BUDGET = 250 * 1024
SLOWDOWNS = (1, 4)
"""The processor as it is, and four times slower: Lighthouse's idea of a phone."""

SCREENS = (
    ("Users, 10,000 users", "/users", "Last sign-in"),
    ("Inbox", "/inbox", "No conversation fits these filters"),
    ("Audit log", "/audit-log", "Audit log"),
    ("Settings", "/settings", "Workspace"),
)


def main() -> int:
    """Measure what was asked for; the exit code: 1 if the bundle is over its budget."""
    parser = argparse.ArgumentParser(prog="python -m bench.console", description="The console in a real browser.")
    parser.add_argument("--runs", type=int, default=5, help="loads of each screen")
    options = parser.parse_args()
    size = _bundle()
    asyncio.run(_measure(options.runs))
    return int(size > BUDGET)


def _bundle() -> int:
    files = sorted(path for path in CONSOLE.rglob("*") if path.is_file())
    packed = {path: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    total = sum(packed.values())
    print(f"bundle, gzip: {total / 1024:.0f} KiB in {len(files)} files")
    return total


async def _measure(runs: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-console-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/offboard.db"
        await asyncio.to_thread(_offboard, url, "migrate")
        office = await open_office(url, watchers=1, leavers=USERS - 1, sign_outs=0)
        async with _serving(url) as origin, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=_chromium(), args=_sandbox())
            for slowdown in SLOWDOWNS:
                for name, path, ready in SCREENS:
                    loads = [
                        await _load(browser, origin, office.watchers[0], path, ready, slowdown) for _ in range(runs)
                    ]
                    _report(f"{name}, processor slowed down {slowdown} times", loads)
            await browser.close()


async def _load(browser: Browser, origin: str, person: Person, path: str, ready: str, slowdown: int) -> Load:
    context = await browser.new_context(base_url=origin)
    await context.add_cookies([{"name": COOKIE, "value": person.token, "url": origin}])
    load = await measure(context, path, ready, slowdown)
    await context.close()
    return load


def _report(name: str, loads: Sequence[Load]) -> None:
    def median(field: str) -> float:
        return float(statistics.median(getattr(load, field) for load in loads))

    print(
        f"{name}: first contentful paint {median('painted'):.0f} ms, rows {median('rows'):.0f} ms, "
        f"interactive {median('interactive'):.0f} ms, blocked {median('blocked'):.0f} ms, "
        f"{median('graphql'):.0f} GraphQL request(s), {median('transferred') / 1024:.0f} KiB transferred"
    )


@asynccontextmanager
async def _serving(url: str) -> AsyncIterator[str]:
    server = await asyncio.create_subprocess_exec(
        _program(), "serve", "--port", "0", env=_environment(url), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        yield (await server.stdout.readline()).decode().split()[-1].removesuffix("/graphql")
    finally:
        server.terminate()
        await server.wait()


def _offboard(url: str, *arguments: str) -> None:
    subprocess.run([_program(), *arguments], env=_environment(url), check=True, stdout=subprocess.DEVNULL)


def _program() -> str:
    return str(Path(sys.executable).with_name("offboard"))


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "OFFBOARD_DATABASE_URL": url, "OFFBOARD_LOG_LEVEL": "error"}


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("Chromium is not installed.")
    return found


def _sandbox() -> list[str]:
    return [] if os.geteuid() else ["--no-sandbox"]


if __name__ == "__main__":
    sys.exit(main())
