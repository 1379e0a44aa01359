"""`kill -9` at random moments: nothing that was answered is lost, nothing is told twice, nobody who is out stays in."""

import asyncio
import random
import time
from collections.abc import Collection
from typing import Any

import httpx
import pytest

from models.enums import EventKind
from tests.e2e.callers import deactivate
from tests.e2e.conftest import OWN_BROKERS, NewServer
from tests.e2e.lean import Closed
from tests.e2e.office import Office
from tests.e2e.resuming import Resuming
from tests.e2e.server import Server
from tests.e2e.sockets import USER_CHANGED
from tests.e2e.staff import hire_many

pytestmark = pytest.mark.long

ROUNDS = {"sqlite": 50, "postgresql": 15}
AT_ONCE = 4
WATCHERS = 3
"""Of each kind of event."""

LONGER = 3
"""How many times as many rounds there may be until one node was killed between a commit and its answer."""


async def test_nodes_that_are_killed(engine: str, new_server: NewServer, http: httpx.AsyncClient) -> None:
    nodes = [new_server(BROKER_URL=OWN_BROKERS[engine]).start() for _ in range(2)]
    office = await Office.open(nodes[0], http)
    start = await office.olivia.feed_position()
    of_sessions = [Resuming(await office.sign_in("Olivia"), nodes, start, scope="WORKSPACE") for _ in range(WATCHERS)]
    of_users = [Resuming(await office.sign_in("Olivia"), nodes, start, USER_CHANGED) for _ in range(WATCHERS)]
    people = await hire_many(office, LONGER * ROUNDS[engine] * AT_ONCE)
    out: list[Resuming] = []
    unanswered = 0
    pace = Pace()
    for first in range(0, len(people), AT_ONCE):
        if first >= ROUNDS[engine] * AT_ONCE and unanswered:
            break
        victim, other = random.sample(nodes, 2)
        leavers = [Resuming(each, nodes, start, scope="CURRENT_SESSION") for each in people[first : first + AT_ONCE]]
        await asyncio.gather(*(each.connected.wait() for each in leavers))
        olivia = office.olivia.at(victim.url)
        calls = [asyncio.create_task(deactivate(olivia, each.person.id)) for each in leavers]
        await pace.answers(calls, random.randrange(AT_ONCE))
        await asyncio.sleep(random.uniform(0, pace.gap))
        victim.crash()
        back = asyncio.create_task(asyncio.to_thread(victim.start))
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for leaver, answer in zip(leavers, answers, strict=True):
            if await is_out(leaver, answer, other):
                unanswered += isinstance(answer, Exception)
                out.append(leaver)
        await back
    assert unanswered, "No node was killed between a commit and its answer"
    for leaver in out:
        assert await leaver.end() == Closed(4401, "USER_DEACTIVATED")
    await all_was_told(of_sessions, await office.events(start), {each.person.session_id for each in out})
    await all_was_told(of_users, await office.events(start, EventKind.USER_CHANGED), {each.person.id for each in out})


async def is_out(leaver: Resuming, answer: Any, other: Server) -> bool:
    """Whether somebody was deactivated, which is so if it was answered, and may be so if the answer was lost."""
    lost = isinstance(answer, httpx.TransportError)
    assert lost or answer == {"revokedSessions": 1, "errors": []}, answer
    if lost and await leaver.person.at(other.url).works():
        assert leaver.closed is None
        leaver.leave()
        return False
    assert await leaver.person.at(other.url).why_out() == "USER_DEACTIVATED"
    return True


async def all_was_told(watchers: list[Resuming], rows: list[tuple[str, str]], whom: set[str]) -> None:
    """Everybody has heard of everything once, in order."""
    assert (len(rows), {who for _, who in rows}) == (len(whom), whom)
    for watcher in watchers:
        assert await watcher.hear(len(rows)) == rows
        watcher.leave()


class Pace:
    """How fast a node answers: `gap` is the time between the last two answers of a round."""

    def __init__(self) -> None:
        self.gap = 0.01

    async def answers(self, calls: Collection[asyncio.Task[Any]], count: int) -> None:
        """Wait until so many calls are answered."""
        waiting, last = set(calls), 0.0
        while len(calls) - len(waiting) < count:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            now = time.monotonic()
            self.gap = now - last if last else self.gap
            last = now
