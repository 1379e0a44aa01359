"""One furnished workspace for the tests of a module that ask it everything."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.schema.worlds import Kept, World, keep, opened


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return keep(tmp_path_factory.mktemp("kept") / "kept.db", "acme")


@pytest.fixture
async def world(kept: Kept, tmp_path: Path) -> AsyncIterator[World]:
    """A copy of it, for one test."""
    async with opened(kept, tmp_path / "world.db") as world:
        yield world
