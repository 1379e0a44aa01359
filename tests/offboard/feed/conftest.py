"""A feed, a workspace whose people sign in by name, and a server in front of both.

Tests of the feed wait for events; one that never comes must fail, not hang.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from models.database import Database
from models.events import FeedEvent
from offboard.feed import Feed
from tests.offboard.feed.server import Running, serving
from tests.offboard.feed.stage import Somebody, running_feed, somebody, state, write
from tests.workshop import Workshop

SHORT = 0.05
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


class Acme:
    """A workspace whose people sign in by name."""

    def __init__(self, workshop: Workshop) -> None:
        self.database = workshop.database
        self.workspace_id = workshop.workspace_id

    async def admit(self, running: Running, name: str) -> Somebody:
        """Let somebody sign in, as the database has it now."""
        person = await somebody(self.database, self.workspace_id)
        running.api.people[name] = person
        return person

    async def commit(self, *what: FeedEvent) -> None:
        await write(self.database, self.workspace_id, *what)

    async def position(self) -> int:
        return (await state(self.database, self.workspace_id)).position


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[Feed]:
    async with running_feed(database, queue_limit=50) as feed:
        yield feed


@pytest.fixture
async def acme(workshop: Workshop) -> Acme:
    return Acme(workshop)


@pytest.fixture
async def running(feed: Feed, acme: Acme) -> AsyncIterator[Running]:
    async with serving(feed, grace=SHORT) as running:
        await acme.admit(running, "ana")
        yield running
