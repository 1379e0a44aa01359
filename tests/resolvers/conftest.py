"""Passwords that cost nothing."""

from collections.abc import Iterator

import pytest

from resolvers import passwords


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords whose hashing takes no time, so that what races is the database's work."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", 8)
    passwords._hasher.cache_clear()
    yield
    passwords._hasher.cache_clear()
