"""Coverage is measured where it is worth its price, which is more time again than the test takes.

Only tests that mirror a package measure it, each in its first case; not their fixtures, nor those that are marked as
long or try many examples, nor the second run, on PostgreSQL, of what has run on SQLite. Loading the packages is
measured, in one process; loading the tests is not.
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


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Measure how what the tests are about is loaded, all of it, in the process that may start others."""
    if Coverage.current() is not None:
        for package in PACKAGES:
            for module in walk_packages(import_module(package).__path__, f"{package}."):
                import_module(module.name)
        _pause()


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Measure no more until a test asks for it."""
    _pause()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure this test, without what its fixtures do, or do not."""
    if _paused and _measures(item):
        _paused.pop().start()
    try:
        return (yield)
    finally:
        _pause()


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
    """Stop what measures in this process, and in its children."""
    while (running := Coverage.current()) is not None:
        running.stop()
        _paused.append(running)
    os.environ.pop(_ENVIRONMENT, None)
