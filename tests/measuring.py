"""Coverage is measured where it is worth its price, which is more time again than the test takes.

Only tests that mirror a package measure it, each in its first case; not those that are marked as long or try many
examples, nor the second run, on PostgreSQL, of what has run on SQLite. Loading the packages is measured, in one
process; loading the tests is not.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from coverage import Coverage

TESTS = Path(__file__).parent
PACKAGES = ("models", "resolvers", "schema", "offboard")
MIRRORS = [TESTS / package for package in PACKAGES]
_ENVIRONMENT = "COVERAGE_PROCESS_CONFIG"
_paused: list[Coverage] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Measure how what the tests are about is loaded, all of it, and then no more until a test asks for it."""
    if Coverage.current() is not None:
        for package in PACKAGES if _is_first() else ():
            for module in walk_packages(import_module(package).__path__, f"{package}."):
                import_module(module.name)
        _pause()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure this test, or do not."""
    if not _measures(item):
        _pause()
    elif _paused:
        _paused.pop().start()
    return (yield)


def _is_first() -> bool:
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"


def _measures(item: pytest.Item) -> bool:
    if not any(map(item.path.is_relative_to, MIRRORS)) or item.get_closest_marker("long"):
        return False
    if getattr(item.obj, "is_hypothesis_test", False):  # type: ignore[attr-defined]
        return False
    if item.get_closest_marker("on_postgresql") and not item.get_closest_marker("only_on"):
        return False
    case = getattr(item, "callspec", None)
    return case is None or not any(at for name, at in case.indices.items() if name != "engine")


def _pause() -> None:
    """Stop all that measure in this process, and its children. The last that began measures the tests."""
    while (running := Coverage.current()) is not None:
        running.stop()
        _paused.append(running)
    del _paused[1:]
    os.environ.pop(_ENVIRONMENT, None)
