"""A browser, and the console that it opens."""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.e2e.console.browsing import Desk, Reception
from tests.e2e.node import chromium
from tests.services.guard import alone

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def built_console(shared_folder: Path) -> None:
    """The console of these sources, built if it is not."""
    with alone(shared_folder / "console.lock"):
        subprocess.run(["make", "--silent", "console"], cwd=REPOSITORY, check=True)


@pytest.fixture
async def reception(built_console: None) -> AsyncIterator[Reception]:
    """A running browser. Whatever it complains of fails the test."""
    path = chromium()
    if path is None:
        pytest.fail("Chromium is not installed: the tests of the console need it, and in CI they may not be left out")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=sandbox)
        desks: list[Desk] = []
        yield Reception(browser, desks)
        await browser.close()
        assert [desk.problems for desk in desks if desk.problems] == []
