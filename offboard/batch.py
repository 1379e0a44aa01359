"""Looking up for many at once what each of them asks for."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 200
PATIENCE = 8
"""Turns of the event loop in which nobody else must ask before a look-up for several begins."""


class Batch(Generic[K, V]):
    """Whoever asks while a look-up is under way waits for the next one, which is made for all of them.

    So nobody is answered with what was looked up before they asked, and a storm of questions costs few look-ups.
    """

    def __init__(self, look_up: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._look_up = look_up
        self._asked: dict[K, asyncio.Future[V]] = {}
        self._working: asyncio.Task[None] | None = None

    async def ask(self, key: K) -> V:
        """The value of a key; raises what the look-up raised."""
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await asyncio.shield(answer)

    async def _work(self) -> None:
        while self._asked:
            if len(self._asked) > 1:
                await self._gather()
            keys = list(self._asked)[:MOST]
            answers = {key: self._asked.pop(key) for key in keys}
            try:
                found = await self._look_up(keys)
            except Exception as error:  # noqa: BLE001  (each who asked raises it)
                for answer in answers.values():
                    answer.set_exception(error)
            else:
                for key, answer in answers.items():
                    answer.set_result(found[key])
        self._working = None

    async def _gather(self) -> None:
        """Wait while the event loop brings more: a process that has so much to do had better do it in larger parts."""
        patience, seen = PATIENCE, len(self._asked)
        while patience and seen < MOST:
            await asyncio.sleep(0)
            patience = patience - 1 if len(self._asked) == seen else PATIENCE
            seen = len(self._asked)
