"""One client's connection: who holds it, how it is spoken to, and which of its operations follow the feed."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

from models.enums import RevocationReason
from models.events import FeedEvent, FeedState, Topic
from offboard.feed.metrics import CLOSED_AFTER
from offboard.feed.protocol import Json

if TYPE_CHECKING:
    from offboard.feed.audience import Audience


class Identity(Protocol):
    """Whoever holds a connection, as the database had it when the feed stood at `feed`."""

    @property
    def workspace_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID | None: ...
    @property
    def session_id(self) -> UUID | None: ...
    @property
    def access_token_id(self) -> UUID | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def feed(self) -> FeedState: ...


class Credential(NamedTuple):
    """What a connection was opened with: a session, or an access token."""

    workspace_id: UUID
    session_id: UUID | None
    access_token_id: UUID | None


class Outlet(Protocol):
    """The transport of a connection. No method raises, and only `ready` waits."""

    def next(self, operation_id: str, payload: bytes) -> None:
        """Send one encoded result of an operation; cut the connection if too much waits to be read."""

    def fail(self, operation_id: str, errors: Sequence[Json] | None) -> None:
        """End an operation with errors, or with None for a failure that is not told."""

    async def ready(self) -> None:
        """Wait until the peer reads as fast as it is written to."""

    def sign_out(self, reason: RevocationReason | None) -> None:
        """Send what the operations still have to say, complete them and close with 4401, in one write."""

    def close(self, code: int, reason: str) -> None:
        """Close at once, without completing operations, so that the client connects again and resumes."""

    def abort(self) -> None:
        """Cut the connection, without a close frame that could not get out."""


class Ending(StrEnum):
    """Why a subscription ended, where neither the end of a session nor an error says so."""

    COMPLETED = "COMPLETED"
    DISCONNECTED = "DISCONNECTED"
    CLOSED = "CLOSED"
    TOO_SLOW = "TOO_SLOW"
    UNAUTHENTICATED = "UNAUTHENTICATED"


class Connection:
    """One client's open socket after it has been authenticated.

    `subscriptions` are its operations that follow the feed. `owed` counts the events that are on their way to them: one
    that is being signed out is told those before it is closed. `ending` is why this server ended it, once it has.
    """

    __slots__ = ("_told", "attached", "ended_at", "ending", "expiry", "identity", "outlet", "owed", "subscriptions")

    def __init__(self, identity: Identity, outlet: Outlet) -> None:
        self.identity = identity
        self.outlet = outlet
        self.subscriptions: dict[str, Subscription] = {}
        self.expiry: asyncio.TimerHandle | None = None
        self.ended_at: datetime | None = None
        self.ending: str | None = None
        self.owed = 0
        self.attached = False
        self._told: asyncio.Future[None] | None = None

    @property
    def credential(self) -> Credential:
        """The session or access token that keeps this connection open."""
        return Credential(self.identity.workspace_id, self.identity.session_id, self.identity.access_token_id)

    @property
    def why_over(self) -> str:
        """Why an operation ends now that did not come to its end by itself."""
        return self.ending or (Ending.COMPLETED if self.attached else Ending.DISCONNECTED)

    def pay(self) -> None:
        """Count one event less that is owed."""
        self.owed -= 1
        if not self.owed and self._told is not None and not self._told.done():
            self._told.set_result(None)

    async def told(self) -> None:
        """Wait until nothing is owed."""
        while self.owed:
            self._told = asyncio.get_running_loop().create_future()
            await self._told

    def closed(self) -> None:
        """Count that its last word has been written, and how long after its end that was."""
        if self.ended_at is not None:
            CLOSED_AFTER.observe(max(0.0, (datetime.now(UTC) - self.ended_at).total_seconds()))


class Subscription:
    """One operation of a connection that follows a topic in the company of an audience.

    `position` is that of the last event it was told, or need not be told. While it catches up with what was committed
    before it came, `behind` collects what is committed meanwhile. `delivered` counts the events that it was told since
    `began`, by the monotonic clock.
    """

    __slots__ = (
        "audience",
        "began",
        "behind",
        "catching_up",
        "connection",
        "delivered",
        "ended",
        "id",
        "position",
        "topic",
    )

    def __init__(
        self, connection: Connection, operation_id: str, audience: "Audience", topic: Topic, position: int
    ) -> None:
        self.connection = connection
        self.id = operation_id
        self.audience = audience
        self.topic = topic
        self.position = position
        self.behind: deque[FeedEvent] | None = None
        self.catching_up: asyncio.Task[None] | None = None
        self.ended = False
        self.began = monotonic()
        self.delivered = 0

    def go_on_from(self, earlier: "Subscription") -> None:
        """Be the same operation as an earlier one, with other rights."""
        self.began, self.delivered = earlier.began, earlier.delivered

    def tell(self, event: FeedEvent, payload: bytes) -> None:
        """Hand the answer to an event to the peer, unless it has it already or has stopped listening."""
        if event.position > self.position and not self.ended:
            self.position = event.position
            self.delivered += 1
            self.connection.outlet.next(self.id, payload)

    def fall_behind(self) -> None:
        """Collect events instead of being told, and owe them to the connection, until next_behind() has no more."""
        self.behind = deque()
        self.connection.owed += 1

    def next_behind(self) -> FeedEvent | None:
        """The next event that was collected; None when it is level with its topic again."""
        if self.behind:
            return self.behind.popleft()
        self.behind = None
        return None

    def end(self) -> None:
        """Tell nothing more."""
        self.ended = True
        if self.catching_up is not None:
            self.catching_up.cancel()

    def over(self, why: str) -> None:
        """Tell nothing more, and have it noted down."""
        self.end()
        self.audience.answers.ended(self.connection, monotonic() - self.began, self.delivered, why)
