"""Waiting between two rounds of work."""

import asyncio

import pytest

from offboard.alarm import Alarm

FOR_EVER = 1_000.0


async def test_a_ring_before_the_wait_is_not_lost_and_counts_once() -> None:
    alarm = Alarm()
    alarm.ring()
    alarm.ring()
    await alarm.wait(FOR_EVER)
    again = asyncio.create_task(alarm.wait(FOR_EVER))
    await asyncio.sleep(0)
    assert not again.done()
    alarm.ring()
    await again


async def test_the_time_ends_a_wait() -> None:
    await Alarm().wait(0)


@pytest.mark.parametrize("turns", range(5))
async def test_a_wait_that_is_cancelled_as_it_is_rung_hears_of_it(turns: int) -> None:
    """Red with asyncio.wait_for on Python 3.11: it returns as if nothing had happened, and its loop never ends."""
    alarm = Alarm()
    waiting = asyncio.create_task(alarm.wait(FOR_EVER))
    await asyncio.sleep(0)
    alarm.ring()
    for _ in range(turns):
        await asyncio.sleep(0)
    was_under_way = waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled() == was_under_way
