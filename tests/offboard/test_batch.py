"""Looking up for many at once: nobody is answered with what was looked up before they asked."""

import asyncio
from collections.abc import Collection

import pytest

from offboard.batch import MOST, Batch
from tests.waiting import until


class LookUps:
    """Answers each key with the number of the look-up; each waits until it is let go."""

    def __init__(self) -> None:
        self.made: list[list[str]] = []
        self.failure: Exception | None = None
        self.let_go = asyncio.Semaphore(0)

    async def __call__(self, keys: Collection[str]) -> dict[str, int]:
        self.made.append(list(keys))
        number = len(self.made)
        await self.let_go.acquire()
        if self.failure is not None:
            raise self.failure
        return dict.fromkeys(keys, number)


async def begun(look_ups: LookUps, how_many: int) -> None:
    await until(lambda: len(look_ups.made) == how_many)


async def test_who_asks_at_once_is_looked_up_together() -> None:
    look_ups = LookUps()
    batch = Batch(look_ups)
    look_ups.let_go.release()
    assert await asyncio.gather(*(batch.ask(key) for key in "abca")) == [1, 1, 1, 1]
    assert look_ups.made == [["a", "b", "c"]]
    look_ups.let_go.release()
    assert await batch.ask("a") == 2


async def test_a_question_asked_during_a_look_up_is_looked_up_again() -> None:
    """Red when it joins the look-up under way: a session that ended meanwhile would be found alive."""
    look_ups = LookUps()
    batch = Batch(look_ups)
    early = asyncio.create_task(batch.ask("a"))
    await begun(look_ups, 1)
    late = [asyncio.create_task(batch.ask(key)) for key in "aba"]
    look_ups.let_go.release()
    assert await early == 1
    await begun(look_ups, 2)
    look_ups.let_go.release()
    assert await asyncio.gather(*late) == [2, 2, 2]
    assert look_ups.made == [["a"], ["a", "b"]]


async def test_those_who_come_one_after_another_in_a_storm_are_looked_up_together() -> None:
    look_ups = LookUps()
    batch = Batch(look_ups)
    look_ups.let_go.release()
    asked = []
    for turn in range(10):
        asked += [asyncio.create_task(batch.ask(f"{turn}{each}")) for each in "ab"]
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    assert list(map(len, look_ups.made)) == [20]


async def test_a_storm_is_looked_up_in_pages_in_the_order_of_asking() -> None:
    look_ups = LookUps()
    batch = Batch(look_ups)
    keys = [str(number) for number in range(2 * MOST + 1)]
    asked = [asyncio.create_task(batch.ask(key)) for key in keys]
    for _ in range(3):
        look_ups.let_go.release()
    answers = await asyncio.gather(*asked)
    assert answers == [1] * MOST + [2] * MOST + [3]
    assert [key for made in look_ups.made for key in made] == keys


async def test_a_failure_reaches_all_who_asked_and_nobody_later() -> None:
    """Red when a failed look-up leaves the next one hanging."""
    look_ups = LookUps()
    batch = Batch(look_ups)
    unlucky = [asyncio.create_task(batch.ask(key)) for key in "ab"]
    await begun(look_ups, 1)
    later = asyncio.create_task(batch.ask("a"))
    look_ups.failure = ConnectionError("no database")
    look_ups.let_go.release()
    for each in unlucky:
        with pytest.raises(ConnectionError):
            await each
    look_ups.failure = None
    look_ups.let_go.release()
    assert await later == 2


@pytest.mark.parametrize("during", [False, True])
async def test_who_gives_up_hurts_nobody_else(during: bool) -> None:
    """Red when the one who asked first takes the look-up, or the shared answer, along."""
    look_ups = LookUps()
    batch = Batch(look_ups)
    first, second, other = (asyncio.create_task(batch.ask(key)) for key in "aab")
    if during:
        await begun(look_ups, 1)
    else:
        await asyncio.sleep(0)
    first.cancel()
    look_ups.let_go.release()
    assert await asyncio.gather(second, other) == [1, 1]
    assert first.cancelled()
    assert look_ups.made == [["a", "b"]]


async def test_nothing_runs_when_nobody_asks() -> None:
    look_ups = LookUps()
    batch = Batch(look_ups)
    tasks = len(asyncio.all_tasks())
    look_ups.let_go.release()
    await batch.ask("a")
    await until(lambda: len(asyncio.all_tasks()) == tasks)
