"""What goes on in the background of whoever asked for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

LONGEST_DRAIN_S = 3.0

T = TypeVar("T")


class Underway:
    """Work with the database that is finished even if nobody waits for it any more.

    To cancel a statement costs its connection, and leaves a driver's thread that outlives the event loop.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work comes to. If the caller is cancelled, it goes on."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Wait until nothing is under way, at most LONGEST_DRAIN_S; what is not done by then is cancelled."""
        deadline = asyncio.get_running_loop().time() + LONGEST_DRAIN_S
        while self._tasks and (patience := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=patience)
        for task in self._tasks:
            task.cancel()
