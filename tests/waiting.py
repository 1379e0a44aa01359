"""Waiting for what comes without telling anybody."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

LIMIT = 60
"""Seconds after which something that should have happened counts as failed. Nothing waits for them to pass."""

LOOK_AGAIN = 0.02
T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]], every: float = LOOK_AGAIN) -> T:
    """What `look` finds in the end; seconds from one look to the next."""
    async with asyncio.timeout(LIMIT):
        while True:
            if (found := await look()) is not None:
                return found
            await asyncio.sleep(every)


async def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""

    async def look() -> bool | None:
        return bool(true()) or None

    await eventually(look)
