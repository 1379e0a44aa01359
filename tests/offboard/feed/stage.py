"""What the feed's tests share: clients without sockets, rows without verbs, answers and a check that can be steered."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from models import events
from models.database import Database, Reader, Tx
from models.enums import EventKind, RevocationReason, UserChangeKind
from models.events import FeedEvent, FeedState, Topic
from models.types import new_id
from offboard.feed import Audience, Connection, Credential, Feed, Following, Identity, Periods
from offboard.feed.brokers.memory import MemoryBroker
from offboard.feed.hub import QUEUE_LIMIT
from offboard.feed.protocol import Json

NEVER = 3600.0
CHANGES = Topic(EventKind.USER_CHANGED)
ENDINGS = Topic(EventKind.SESSION_REVOKED)
EXPIRED_CURSOR = [{"message": "Refetch"}]
NOT_ALLOWED = [{"message": "Not for you"}]


@dataclass
class Somebody:
    """An Identity."""

    workspace_id: UUID
    feed: FeedState
    user_id: UUID | None = None
    session_id: UUID | None = None
    access_token_id: UUID | None = None
    expires_at: datetime | None = None


Renewal = Callable[["Positions", Connection, int], Awaitable[Following]]


class Positions:
    """Answers each event with its position, and `rights` before it if there are any. Implements Answers.

    `executed` has the position of every event that was executed for all, `for_each` of those for one; `endings`,
    whose subscription is over, after how many events, and why. With `hold` set to an event, nothing is
    executed for all until it happens.
    """

    def __init__(self, rights: str = "", *, personal: bool = False, renewal: Renewal | None = None) -> None:
        self.rights = rights
        self.personal = personal
        self.renewal = renewal
        self.failure: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.executed: list[int] = []
        self.for_each: list[int] = []
        self.endings: list[tuple[Identity, int, str]] = []

    async def for_all(self, event: FeedEvent) -> bytes | None:
        self.executed.append(event.position)
        if self.hold is not None:
            await self.hold.wait()
        if self.failure is not None:
            raise self.failure
        return None if self.personal else f"{self.rights}{event.position} ".encode()

    async def for_one(self, event: FeedEvent, connection: Connection) -> bytes:
        self.for_each.append(event.position)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return f"{self.rights}{event.position} ".encode()

    async def renew(self, connection: Connection, after: int) -> Following:
        assert self.renewal is not None
        return await self.renewal(self, connection, after)

    def ended(self, connection: Connection, seconds: float, events: int, why: str) -> None:
        self.endings.append((connection.identity, events, why))

    @property
    def cursor_expired(self) -> Sequence[Json]:
        return EXPIRED_CURSOR


class Client:
    """A connection without a socket: an Outlet that notes what its operations are told and how it ends."""

    def __init__(self, feed: Feed, identity: Somebody) -> None:
        self.feed = feed
        self.connection = Connection(identity, self)
        self.told: defaultdict[str, list[bytes]] = defaultdict(list)
        self.failed: dict[str, Sequence[Json] | None] = {}
        self.end: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.reads = asyncio.Event()
        self.reads.set()
        self._news = asyncio.Event()
        self._leaving: asyncio.Task[None] | None = None

    def next(self, operation_id: str, payload: bytes) -> None:
        self.told[operation_id].append(payload)
        self._news.set()

    def fail(self, operation_id: str, errors: Sequence[Json] | None) -> None:
        assert operation_id in self.connection.subscriptions
        self.feed.unfollow(self.connection, operation_id)
        self.failed[operation_id] = errors
        self._news.set()

    async def ready(self) -> None:
        await self.reads.wait()

    def sign_out(self, reason: RevocationReason | None) -> None:
        self._leaving = asyncio.create_task(self._leave(reason))

    async def _leave(self, reason: RevocationReason | None) -> None:
        await self.connection.told()
        self.end.set_result((4401, reason))

    def close(self, code: int, reason: str) -> None:
        self.end.set_result((code, reason))

    def abort(self) -> None:
        self.end.set_result("aborted")

    def follow(
        self,
        topic: Topic = CHANGES,
        after: int | None = None,
        *,
        id: str = "1",
        audience: Audience | None = None,
        checked: int | None = None,
    ) -> Audience:
        """Follow a topic after a position, or from where the feed stood when the right to it was checked.

        That was when this client came, unless it is said.
        """
        if checked is None:
            checked = self.connection.identity.feed.position
        audience = audience or Audience(Positions())
        self.feed.follow(self.connection, id, Following(audience, topic, checked if after is None else after, checked))
        return audience

    def heard(self, id: str = "1") -> list[int]:
        """The positions of the events that an operation was told of."""
        return [int(payload) for payload in self.told[id]]

    async def hear(self, how_many: int, id: str = "1") -> list[int]:
        """The same, as soon as there are so many."""
        await self.payloads(how_many, id)
        return self.heard(id)

    async def payloads(self, how_many: int, id: str = "1") -> list[bytes]:
        """What an operation was told, as soon as it was told so often."""
        while len(self.told[id]) < how_many:
            await self._next_news()
        return self.told[id]

    async def failure(self, id: str = "1") -> Sequence[Json] | None:
        """The errors with which an operation ends."""
        while id not in self.failed:
            await self._next_news()
        return self.failed[id]

    async def _next_news(self) -> None:
        self._news.clear()
        await self._news.wait()


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
    queue_limit: int = QUEUE_LIMIT,
) -> AsyncIterator[Feed]:
    """A started feed that acts on hints only, unless a period is given. This process writes through `database`."""
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


@asynccontextmanager
async def another_process(database: Database) -> AsyncIterator[Database]:
    """The same database as another process writes to it: this one is told nothing."""
    elsewhere = Database(database.url)
    try:
        yield elsewhere
    finally:
        await elsewhere.close()


async def state(database: Database, workspace_id: UUID) -> FeedState:
    async with database.read() as reader:
        return await events.state(reader, workspace_id)


async def somebody(database: Database, workspace_id: UUID, **identity: Any) -> Somebody:
    """An identity with a session, or the access token that is given, authenticated just now."""
    if "access_token_id" not in identity:
        identity = {"session_id": new_id(), "user_id": new_id(), **identity}
    return Somebody(workspace_id, await state(database, workspace_id), **identity)


async def connect(feed: Feed, identity: Somebody) -> Client:
    client = Client(feed, identity)
    await feed.attach(client.connection)
    return client


async def watching(feed: Feed, identity: Somebody, after: int | None = None) -> Client:
    """Connect, and follow the endings of sessions."""
    client = await connect(feed, identity)
    client.follow(ENDINGS, after)
    return client


async def write(database: Database, workspace_id: UUID, *what: FeedEvent) -> None:
    """Commit events in one transaction, as a verb would."""

    async def work(tx: Tx) -> None:
        await tx.lock(workspace_id)
        await events.append(tx, workspace_id, what)

    await database.transact(work)


def change(user_id: UUID | None = None) -> FeedEvent:
    return events.user_changed(user_id or new_id(), UserChangeKind.DEACTIVATED)


def roles_changed(identity: Somebody) -> FeedEvent:
    assert identity.user_id is not None
    return events.user_changed(identity.user_id, UserChangeKind.ROLES_CHANGED)


def ending() -> FeedEvent:
    """The session of somebody else has ended."""
    return events.session_revoked(new_id(), new_id(), RevocationReason.SIGNED_OUT)


def revocation(identity: Somebody, reason: RevocationReason = RevocationReason.USER_DEACTIVATED) -> FeedEvent:
    assert identity.session_id is not None
    assert identity.user_id is not None
    return events.session_revoked(identity.session_id, identity.user_id, reason)
