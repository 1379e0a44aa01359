"""How a process hears of what was committed: by itself, by a hint, and without one."""

import asyncio
from unittest.mock import AsyncMock
from uuid import UUID

import pytest

from models import events
from models.database import Database, Reader
from models.enums import RevocationReason
from models.events import FeedEvent
from offboard.feed.brokers.memory import MemoryBroker
from tests.offboard.feed.conftest import SHORT
from tests.offboard.feed.stage import (
    another_process,
    change,
    connect,
    revocation,
    running_feed,
    somebody,
    write,
)
from tests.workshop import Workshop


class BrokenBroker(MemoryBroker):
    """A broker that cannot be reached."""

    async def publish(self, workspace_id: object, position: int) -> None:
        raise ConnectionError("no broker")


async def test_a_commit_of_this_process_needs_no_broker(database: Database, workshop: Workshop) -> None:
    """Red when a commit is told through the broker only, or when a broker that fails is heard of."""
    acme = workshop.workspace_id
    async with running_feed(database, broker=BrokenBroker()) as feed:
        client = await connect(feed, await somebody(database, acme))
        client.follow()
        await write(database, acme, change())
        assert await client.hear(1) == [1]


async def test_a_hint_of_another_process_is_followed(database: Database, workshop: Workshop) -> None:
    acme, broker = workshop.workspace_id, MemoryBroker()
    async with running_feed(database, broker=broker) as feed, another_process(database) as elsewhere:
        client = await connect(feed, await somebody(database, acme))
        client.follow()
        await write(elsewhere, acme, change())
        await broker.publish(acme, 1)
        assert await client.hear(1) == [1]


async def test_hints_are_only_hints(database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late, repeated and foreign ones cost no statement; one that runs ahead of the rows costs one, and no event."""
    acme, broker, read = workshop.workspace_id, MemoryBroker(), asyncio.Event()
    read_after, reads = events.read_after, []

    async def noted(reader: Reader, workspace_id: UUID, position: int) -> list[FeedEvent]:
        reads.append(position)
        found = await read_after(reader, workspace_id, position)
        read.set()
        return found

    async with running_feed(database, broker=broker) as feed, another_process(database) as elsewhere:
        client = await connect(feed, await somebody(database, acme))
        client.follow()
        await write(database, acme, change(), change())
        await client.hear(2)
        monkeypatch.setattr(events, "read_after", noted)
        for position in (2, 1, 2):
            await broker.publish(acme, position)
        await broker.publish(workshop.system_id, 9)
        assert not reads
        await broker.publish(acme, 9)
        await read.wait()
        await write(elsewhere, acme, change())
        await broker.publish(acme, 3)
        assert await client.hear(3) == [1, 2, 3]
    assert reads == [2, 2]


async def test_what_this_process_commits_is_told_without_being_read(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, reads = workshop.workspace_id, AsyncMock()
    async with running_feed(database) as feed:
        someone = await somebody(database, acme)
        client = await connect(feed, someone)
        client.follow()
        await write(database, acme, change())
        await client.hear(1)
        monkeypatch.setattr(events, "read_after", reads)
        await write(database, acme, change(), change())
        assert await client.hear(3) == [1, 2, 3]
        await write(database, acme, revocation(someone))
        assert await client.end == (4401, RevocationReason.USER_DEACTIVATED)
    reads.assert_not_called()


async def test_what_others_committed_before_is_told_before_what_this_process_commits(
    database: Database, workshop: Workshop
) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed, another_process(database) as elsewhere:
        client = await connect(feed, await somebody(database, acme))
        client.follow()
        await write(elsewhere, acme, change(), change())
        await write(database, acme, change())
        assert await client.hear(3) == [1, 2, 3]


async def test_a_missed_hint_is_found_by_polling(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, poll=SHORT) as feed, another_process(database) as elsewhere:
        someone = await somebody(database, acme)
        client = await connect(feed, someone)
        await write(elsewhere, acme, revocation(someone))
        assert await client.end == (4401, RevocationReason.USER_DEACTIVATED)


async def test_reading_goes_on_after_the_database_failed(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = workshop.workspace_id
    async with running_feed(database, poll=SHORT) as feed, another_process(database) as elsewhere:
        someone = await somebody(database, acme)
        client = await connect(feed, someone)
        failed = asyncio.Event()

        async def fail(*_: object) -> None:
            failed.set()
            raise ConnectionError("no database")

        with monkeypatch.context() as broken:
            broken.setattr(events, "read_after", fail)
            broken.setattr(events, "positions", fail)
            await write(elsewhere, acme, revocation(someone))
            for _ in range(2):
                await failed.wait()
                failed.clear()
        assert await client.end == (4401, RevocationReason.USER_DEACTIVATED)
