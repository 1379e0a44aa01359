"""A browser, and the console that it opens."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from tests.e2e.callers import open_client
from tests.e2e.console.browsing import Desk, Reception
from tests.e2e.node import chromium
from tests.e2e.office import Office
from tests.e2e.server import Server
from tests.services.guard import alone

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def built_console(shared_folder: Path) -> None:
    """The console of these sources, built if it is not."""
    with alone(shared_folder / "console.lock"):
        subprocess.run(["make", "--silent", "console"], cwd=REPOSITORY, check=True)


@pytest.fixture(scope="session")
async def browser(built_console: None) -> AsyncIterator[Browser]:
    """A running browser. Tests share it, but no profile."""
    path = chromium()
    if path is None:
        pytest.fail("Chromium is not installed: the tests of the console need it, and in CI they may not be left out")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        await browser.close()


@pytest.fixture
async def reception(browser: Browser) -> AsyncIterator[Reception]:
    """Where desks are opened. Whatever the browser complains of at one of them fails the test."""
    desks: list[Desk] = []
    yield Reception(browser, desks)
    for desk in desks:
        await desk.context.close()
    assert [desk.problems for desk in desks if desk.problems] == []


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client() as client:
        yield client


@pytest.fixture
async def office(server: Server, http: httpx.AsyncClient) -> Office:
    """A new workspace on the shared server."""
    return await Office.open(server, http)
