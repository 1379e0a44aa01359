"""Who in this process follows which workspace: channels, connections and subscriptions. No database, no awaiting.

Every method runs to its end on the event loop, so each change of the hub is seen whole.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog

from models.enums import EventKind, RevocationReason
from models.events import FeedEvent, FeedState

QUEUE_LIMIT = 1_000

Wanted = Callable[[FeedEvent], bool]
"""Whether a subscription is to get an event. Cheap, without side effects."""

log = structlog.get_logger(__name__)


class Overflow(Exception):
    """A consumer without a connection was too slow: its queue is full. It resumes from its last position."""


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
    """The transport of a connection. No method blocks, raises, or calls back into the hub."""

    def sign_out(self, reason: RevocationReason | None) -> None:
        """Send what the operations still have to say, complete them and close with 4401, in one write."""

    def close(self, code: int, reason: str) -> None:
        """Close at once, without completing operations, so that the client connects again and resumes."""

    def abort(self) -> None:
        """Cut the connection, without a close frame that could not get out."""


class Connection:
    """One client's open socket after it has been authenticated. `scope` is the ASGI scope of its handshake."""

    __slots__ = ("attached", "expiry", "identity", "outlet", "scope", "subscriptions")

    def __init__(self, identity: Identity, outlet: Outlet, scope: Mapping[str, Any]) -> None:
        self.identity = identity
        self.outlet = outlet
        self.scope = scope
        self.subscriptions: set[Subscription] = set()
        self.expiry: asyncio.TimerHandle | None = None
        self.attached = False

    @property
    def credential(self) -> Credential:
        """The session or access token that keeps this connection open."""
        return Credential(self.identity.workspace_id, self.identity.session_id, self.identity.access_token_id)


class Subscription:
    """A bounded queue of events that one consumer awaits. `start` is where its channel stood when it registered."""

    __slots__ = ("_closed", "_error", "_events", "_limit", "_waiter", "connection", "start", "wanted")

    def __init__(self, connection: Connection | None, wanted: Wanted, start: int, limit: int) -> None:
        self.connection = connection
        self.wanted = wanted
        self.start = start
        self._limit = limit
        self._events: deque[FeedEvent] = deque()
        self._closed = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, event: FeedEvent) -> bool:
        """Queue an event if it is wanted; False if the queue is full."""
        try:
            if self._closed or not self.wanted(event):
                return True
        except Exception as error:
            log.exception("A subscription could not tell whether it wants an event", position=event.position)
            self.finish(error)
            return True
        if len(self._events) >= self._limit:
            return False
        self._events.append(event)
        self._wake()
        return True

    def finish(self, error: Exception | None = None) -> None:
        """End after the events queued so far; with an error, at once."""
        if error is not None:
            self._events.clear()
            self._error = error
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> FeedEvent | None:
        """The next event, or None after the last one; raises what ended the subscription."""
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._closed:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._events.popleft()


class Channel:
    """One workspace's feed as this process passes it on. `turn` is held by whoever moves it."""

    __slots__ = ("connections", "position", "subscriptions", "turn")

    def __init__(self, position: int) -> None:
        self.position = position
        self.connections: dict[Credential, set[Connection]] = {}
        self.subscriptions: dict[Subscription, None] = {}
        self.turn = asyncio.Lock()


class Hub:
    """All channels of this process, by workspace, and in each the connections by session or access token."""

    def __init__(self, queue_limit: int = QUEUE_LIMIT) -> None:
        self.channels: dict[UUID, Channel] = {}
        self._queue_limit = queue_limit

    def open(self, workspace_id: UUID, position: int) -> Channel:
        """The channel of a workspace; a new one stands at `position`. It lasts while it has a follower."""
        return self.channels.setdefault(workspace_id, Channel(position))

    def attach(self, connection: Connection) -> Channel:
        """Let a connection hear of its end. A new channel starts where the feed stood when it was authenticated."""
        channel = self.open(connection.identity.workspace_id, connection.identity.feed.position)
        channel.connections.setdefault(connection.credential, set()).add(connection)
        connection.attached = True
        return channel

    def subscribe(self, connection: Connection | None, workspace_id: UUID, wanted: Wanted) -> Subscription:
        """Queue the wanted events of an open channel from now on, for as long as the connection, if any, is attached.

        The workspace must be the connection's own: tenants are walls.
        """
        assert connection is None or (connection.attached and connection.identity.workspace_id == workspace_id)
        channel = self.channels[workspace_id]
        subscription = Subscription(connection, wanted, channel.position, self._queue_limit)
        channel.subscriptions[subscription] = None
        if connection is not None:
            connection.subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, workspace_id: UUID, subscription: Subscription) -> None:
        """Queue nothing more. Harmless when repeated."""
        if subscription.connection is not None:
            subscription.connection.subscriptions.discard(subscription)
        if (channel := self.channels.get(workspace_id)) is not None:
            channel.subscriptions.pop(subscription, None)
            self._forget_if_idle(workspace_id, channel)

    def deliver(self, channel: Channel, event: FeedEvent) -> None:
        """Move a channel to its next event: offer it to every subscription, then end whom it signs out."""
        channel.position = event.position
        for subscription in list(channel.subscriptions):
            if not subscription.offer(event):
                self._overflow(channel, subscription)
        if event.kind in (EventKind.SESSION_REVOKED, EventKind.TOKEN_REVOKED):
            for connection in self.holders(revoked_credential(event)):
                self.sign_out(connection, event.reason)

    def sign_out(self, connection: Connection, reason: RevocationReason | None) -> None:
        """Close with 4401 after what was delivered. Nothing happens to one that is not attached."""
        if self.detach(connection):
            connection.outlet.sign_out(reason)

    def close(self, connection: Connection, code: int, reason: str) -> None:
        """Close with a code after which clients connect again. Nothing happens to one that is not attached."""
        if self.detach(connection):
            connection.outlet.close(code, reason)

    def detach(self, connection: Connection) -> bool:
        """Deliver nothing more to a connection and end its subscriptions; False if it was not attached."""
        if not connection.attached:
            return False
        connection.attached = False
        if connection.expiry is not None:
            connection.expiry.cancel()
        workspace_id = connection.identity.workspace_id
        channel = self.channels[workspace_id]
        holders = channel.connections[connection.credential]
        holders.discard(connection)
        if not holders:
            del channel.connections[connection.credential]
        for subscription in connection.subscriptions:
            channel.subscriptions.pop(subscription, None)
            subscription.finish()
        connection.subscriptions.clear()
        self._forget_if_idle(workspace_id, channel)
        return True

    def connections(self) -> list[Connection]:
        """Every attached connection."""
        return [
            connection
            for channel in self.channels.values()
            for holders in channel.connections.values()
            for connection in holders
        ]

    def holders(self, credential: Credential) -> list[Connection]:
        """The connections that are attached with a credential."""
        channel = self.channels.get(credential.workspace_id)
        return [] if channel is None else list(channel.connections.get(credential, ()))

    def finish(self) -> None:
        """End every subscription."""
        for channel in self.channels.values():
            for subscription in channel.subscriptions:
                subscription.finish()

    def _overflow(self, channel: Channel, subscription: Subscription) -> None:
        connection = subscription.connection
        if connection is None:
            channel.subscriptions.pop(subscription, None)
            subscription.finish(Overflow())
        elif self.detach(connection):
            log.warning("A client reads too slowly: its transport is aborted", credential=connection.credential)
            connection.outlet.abort()

    def _forget_if_idle(self, workspace_id: UUID, channel: Channel) -> None:
        if not channel.connections and not channel.subscriptions:
            del self.channels[workspace_id]


def revoked_credential(event: FeedEvent) -> Credential:
    """The credential that an event of a revocation ends."""
    assert event.workspace_id is not None
    return Credential(event.workspace_id, event.session_id, event.access_token_id)
