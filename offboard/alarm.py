"""Waiting for the next time to do something, or for the word that it is time already."""

import asyncio
from contextlib import suppress


class Alarm:
    """What a background loop waits for between two rounds of its work. No ring is lost while it works."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Let the wait that is going on, or else the next one, end at once."""
        self._rung.set()

    async def wait(self, longest: float) -> None:
        """Wait until it rings, at most that many seconds. To be cancelled is never missed, whoever rings meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._rung.wait()
        self._rung.clear()
