"""What the feed's tests share: connections without sockets, rows without verbs, and a check that can be steered."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from models import events
from models.database import Database, Reader, Tx
from models.enums import RevocationReason, UserChangeKind
from models.events import FeedEvent, FeedState
from models.types import new_id
from offboard.feed import Connection, Credential, Feed, MemoryBroker, Periods

NEVER = 3600.0


@dataclass
class Somebody:
    """An Identity."""

    workspace_id: UUID
    feed: FeedState
    user_id: UUID | None = None
    session_id: UUID | None = None
    access_token_id: UUID | None = None
    expires_at: datetime | None = None


class RecordedOutlet:
    """An Outlet that notes how it ended."""

    def __init__(self) -> None:
        self.end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def sign_out(self, reason: RevocationReason | None) -> None:
        self.end.set_result((4401, reason))

    def close(self, code: int, reason: str) -> None:
        self.end.set_result((code, reason))

    def abort(self) -> None:
        self.end.set_result("aborted")


@dataclass
class Check:
    """A StillAlive that tests steer."""

    dead: dict[UUID, RevocationReason] = field(default_factory=dict)
    failing: bool = False
    pages: list[list[Credential]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: Reader, page: Sequence[Credential]) -> dict[Credential, RevocationReason]:
        self.pages.append(list(page))
        self.called.set()
        if self.failing:
            raise ConnectionError("no database")
        return {
            credential: self.dead[key]
            for credential in page
            if (key := credential.session_id or credential.access_token_id) in self.dead and key is not None
        }


class DeafBroker(MemoryBroker):
    """A broker that loses every hint."""

    async def publish(self, workspace_id: UUID, position: int) -> None:
        pass


class BrokenBroker(MemoryBroker):
    """A broker that cannot be reached."""

    async def publish(self, workspace_id: UUID, position: int) -> None:
        raise ConnectionError("no broker")


@asynccontextmanager
async def running_feed(
    database: Database,
    *,
    broker: MemoryBroker | None = None,
    check: Check | None = None,
    poll: float = NEVER,
    check_every: float = NEVER,
    blind: float = NEVER,
    expiry: float = 0.0,
    queue_limit: int = 1_000,
) -> AsyncIterator[Feed]:
    """A started feed that acts on hints only, unless a period is given."""
    feed = Feed(
        database,
        broker or MemoryBroker(),
        check or Check(),
        periods=Periods(poll=poll, check=check_every, blind=blind, expiry=expiry),
        queue_limit=queue_limit,
    )
    database.after_commit.append(feed.committed)
    await feed.start()
    try:
        yield feed
    finally:
        database.after_commit.remove(feed.committed)
        await feed.stop()


async def state(database: Database, workspace_id: UUID) -> FeedState:
    async with database.read() as reader:
        return await events.state(reader, workspace_id)


async def somebody(database: Database, workspace_id: UUID, **identity: Any) -> Somebody:
    """An identity with a session, authenticated just now."""
    identity.setdefault("session_id", None if "access_token_id" in identity else new_id())
    return Somebody(workspace_id, await state(database, workspace_id), user_id=new_id(), **identity)


async def connect(feed: Feed, identity: Somebody) -> tuple[Connection, RecordedOutlet]:
    outlet = RecordedOutlet()
    connection = Connection(identity, outlet, {})
    await feed.attach(connection)
    return connection, outlet


async def write(database: Database, workspace_id: UUID, *what: FeedEvent) -> None:
    """Commit events in one transaction, as a verb would."""

    async def work(tx: Tx) -> None:
        await tx.lock(workspace_id)
        await events.append(tx, workspace_id, what)

    await database.transact(work)


def change() -> FeedEvent:
    return events.user_changed(new_id(), UserChangeKind.DEACTIVATED)


def revocation(identity: Somebody, reason: RevocationReason = RevocationReason.USER_DEACTIVATED) -> FeedEvent:
    assert identity.session_id is not None
    assert identity.user_id is not None
    return events.session_revoked(identity.session_id, identity.user_id, reason)


def everything(_event: FeedEvent) -> bool:
    return True
