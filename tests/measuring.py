"""Coverage is measured where it is worth its price, which is as much time again as the test takes.

Only tests that mirror a package measure it; not those that are marked as long, nor the second run, on PostgreSQL, of
what has run on SQLite.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage

TESTS = Path(__file__).parent
MIRRORS = [TESTS / package for package in ("models", "resolvers", "schema", "offboard")]
_ENVIRONMENT = "COVERAGE_PROCESS_CONFIG"
_paused: list[Coverage] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure this test, or do not."""
    if not _measures(item):
        _pause()
    elif _paused:
        _paused.pop().start()
    return (yield)


def _measures(item: pytest.Item) -> bool:
    if not any(map(item.path.is_relative_to, MIRRORS)) or item.get_closest_marker("long"):
        return False
    return not item.get_closest_marker("on_postgresql") or bool(item.get_closest_marker("only_on"))


def _pause() -> None:
    """Stop all that measure in this process, and its children. The last that began measures the tests."""
    while (running := Coverage.current()) is not None:
        running.stop()
        _paused.append(running)
    del _paused[1:]
    os.environ.pop(_ENVIRONMENT, None)
