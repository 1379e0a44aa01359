"""Tests of the feed wait for events; one that never comes must fail, not hang."""

import asyncio
from collections.abc import AsyncIterator

import pytest

PATIENCE = 20.0


@pytest.fixture(autouse=True)
async def _give_up() -> AsyncIterator[None]:
    """Cancel whatever still waits after a while, again and again until the test and its fixtures have ended."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def give_up() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        timers.append(loop.call_later(1, give_up))

    timers.append(loop.call_later(PATIENCE, give_up))
    yield
    timers[-1].cancel()
