"""Who in this process follows which workspace: channels, connections and subscriptions. No database, no awaiting.

Every method runs to its end on the event loop, so each change of the hub is seen whole.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar
from uuid import UUID

import structlog

from models.enums import RevocationReason
from models.events import FeedEvent, Topic
from offboard.feed.audience import Audience, Following
from offboard.feed.connection import Connection, Credential, Ending, Subscription
from offboard.feed.metrics import OPEN_SOCKETS, SUBSCRIPTIONS

QUEUE_LIMIT = 10_000
"""Events that may wait for one client: many end at once when a thousand sessions expire, and that is nobody's fault."""

K = TypeVar("K")
V = TypeVar("V")

log = structlog.get_logger(__name__)


class Channel:
    """One workspace's feed as this process passes it on. `turn` is held by whoever moves it."""

    __slots__ = ("holders", "open", "position", "subscriptions", "turn", "users")

    def __init__(self, position: int) -> None:
        self.position = position
        self.open = 0
        self.holders: dict[Credential, set[Connection]] = {}
        self.users: dict[UUID, set[Connection]] = {}
        self.subscriptions: dict[Topic, set[Subscription]] = {}
        self.turn = asyncio.Lock()


class Hub:
    """All channels of this process, by workspace; in each the connections by user and by session or access token.

    `renew` is called with each subscription whose holder's rights have changed: it is told nothing more until then.
    """

    def __init__(self, queue_limit: int, renew: Callable[[Subscription], None]) -> None:
        self.channels: dict[UUID, Channel] = {}
        self._queue_limit = queue_limit
        self._renew = renew

    def attach(self, connection: Connection) -> Channel:
        """Let a connection hear of its end. A new channel starts where the feed stood when it was authenticated."""
        identity = connection.identity
        channel = self.channels.get(identity.workspace_id)
        if channel is None:
            channel = self.channels[identity.workspace_id] = Channel(identity.feed.position)
        channel.holders.setdefault(connection.credential, set()).add(connection)
        if identity.user_id is not None:
            channel.users.setdefault(identity.user_id, set()).add(connection)
        connection.attached = True
        channel.open += 1
        OPEN_SOCKETS.inc()
        return channel

    def subscribe(self, connection: Connection, operation_id: str, following: Following) -> Subscription:
        """Tell an operation of the events of a topic from now on, for as long as its connection is attached.

        It takes the place of an operation with the same id.
        """
        assert connection.attached
        audience, topic, after, _ = following
        subscription = Subscription(connection, operation_id, audience, topic, after)
        connection.subscriptions[operation_id] = subscription
        channel = self.channels[connection.identity.workspace_id]
        channel.subscriptions.setdefault(topic, set()).add(subscription)
        SUBSCRIPTIONS.inc()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Tell it of nothing later. Harmless when repeated."""
        channel = self.channels.get(subscription.connection.identity.workspace_id)
        if channel is not None and _discard(channel.subscriptions, subscription.topic, subscription):
            SUBSCRIPTIONS.dec()

    def end_first(self, channel: Channel, event: FeedEvent) -> bool:
        """Tell a channel's next event to whom it signs out, and end them, before others; False if it is nobody.

        The channel stays where it is: for everybody else nothing has happened yet.
        """
        leaving = _signed_out(channel, event)
        following = (subscription for connection in leaving for subscription in connection.subscriptions.values())
        topics = event.topics
        self._tell(event, [each for each in following if each.topic in topics and not each.ended])
        self._end(leaving, event)
        return bool(leaving)

    def deliver(self, channel: Channel, event: FeedEvent) -> None:
        """Move a channel to its next event: tell it to those who follow its topics, then end whom it signs out."""
        channel.position = event.position
        if (user_id := event.changes_rights_of) is not None:
            for connection in list(channel.users.get(user_id, ())):
                self._change_rights(connection, event)
        for topic in event.topics:
            self._tell(event, list(channel.subscriptions.get(topic, ())))
        self._end(_signed_out(channel, event), event)

    def sign_out(self, connection: Connection, reason: RevocationReason | None) -> None:
        """Close with 4401 after what was delivered. Nothing happens to one that is not attached."""
        if self.detach(connection):
            connection.ending = reason or Ending.UNAUTHENTICATED
            connection.outlet.sign_out(reason)

    def close(self, connection: Connection, code: int, reason: str) -> None:
        """Close with a code after which clients connect again. Nothing happens to one that is not attached."""
        if self.detach(connection):
            connection.ending = Ending.CLOSED
            connection.outlet.close(code, reason)

    def detach(self, connection: Connection) -> bool:
        """Let nothing later reach a connection; False if it was not attached."""
        if not connection.attached:
            return False
        connection.attached = False
        OPEN_SOCKETS.dec()
        if connection.expiry is not None:
            connection.expiry.cancel()
        identity = connection.identity
        channel = self.channels[identity.workspace_id]
        channel.open -= 1
        _discard(channel.holders, connection.credential, connection)
        if identity.user_id is not None:
            _discard(channel.users, identity.user_id, connection)
        for subscription in connection.subscriptions.values():
            self.unsubscribe(subscription)
        if not channel.holders:
            del self.channels[identity.workspace_id]
        return True

    def connections(self) -> Iterator[Connection]:
        """Every attached connection, as it was at the beginning."""
        for channel in list(self.channels.values()):
            for holders in list(channel.holders.values()):
                yield from list(holders)

    def holders(self, credential: Credential) -> list[Connection]:
        """The connections that are attached with a credential."""
        channel = self.channels.get(credential.workspace_id)
        return [] if channel is None else list(channel.holders.get(credential, ()))

    def open_in(self, workspace_id: UUID) -> int:
        """How many connections of a workspace are attached."""
        channel = self.channels.get(workspace_id)
        return 0 if channel is None else channel.open

    def _change_rights(self, connection: Connection, event: FeedEvent) -> None:
        for subscription in list(connection.subscriptions.values()):
            if subscription.topic.is_own or subscription.ended:
                continue
            if not connection.owed:
                subscription.position = max(subscription.position, event.position - 1)
            self._renew(subscription)

    def _tell(self, event: FeedEvent, subscriptions: list[Subscription]) -> None:
        """Tell an event to subscriptions, or keep it for those that catch up; cut those that have too much to hear."""
        told: dict[Audience, list[Subscription]] = {}
        limit = self._queue_limit
        for subscription in subscriptions:
            behind, connection = subscription.behind, subscription.connection
            if (connection.owed if behind is None else len(behind)) >= limit:
                self._overflow(connection)
            elif behind is not None:
                behind.append(event)
            else:
                connection.owed += 1
                told.setdefault(subscription.audience, []).append(subscription)
        for audience, some in told.items():
            audience.tell(event, some)

    def _end(self, leaving: list[Connection], event: FeedEvent) -> None:
        for connection in leaving:
            connection.ended_at = event.occurred_at
            self.sign_out(connection, event.reason)

    def _overflow(self, connection: Connection) -> None:
        if self.detach(connection):
            connection.ending = Ending.TOO_SLOW
            log.warning("A client is served too slowly: its transport is aborted", credential=connection.credential)
            connection.outlet.abort()


def revoked_credential(event: FeedEvent) -> Credential | None:
    """The credential that an event of a revocation ends; None for other events."""
    if event.reason is None:
        return None
    assert event.workspace_id is not None
    return Credential(event.workspace_id, event.session_id, event.access_token_id)


def _signed_out(channel: Channel, event: FeedEvent) -> list[Connection]:
    """The connections that an event ends."""
    credential = revoked_credential(event)
    return [] if credential is None else list(channel.holders.get(credential, ()))


def _discard(sets: dict[K, set[V]], key: K, member: V) -> bool:
    members = sets.get(key, set())
    if member not in members:
        return False
    members.discard(member)
    if not members:
        del sets[key]
    return True
