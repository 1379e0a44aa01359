"""The feed of one process, as the rest of the application sees it."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from typing import Any

import structlog

from models.database import Database, Tx
from models.enums import RevocationReason
from models.events import CursorExpired, FeedEvent
from offboard.feed.audience import Following
from offboard.feed.brokers import Broker
from offboard.feed.connection import Connection, Ending, Subscription
from offboard.feed.errors import OperationFailed, Unauthorized
from offboard.feed.hub import QUEUE_LIMIT, Hub
from offboard.feed.limits import SocketLimits, too_many
from offboard.feed.metrics import EVENTS
from offboard.feed.protocol import Json
from offboard.feed.relay import Periods, Relay, StillAlive

SERVICE_RESTART = 1012
"""A close code after which clients connect again: the IANA WebSocket Close Code Number Registry, RFC 6455 11.7."""

log = structlog.get_logger(__name__)


class Feed:
    """Tells connections and subscriptions what was committed, on whatever process.

    `still_alive` is asked about every open connection each `periods.check` seconds; `queue_limit` is how many events
    may wait for one connection; `limits` are those of the sockets and event streams.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        still_alive: StillAlive,
        *,
        periods: Periods = Periods(),
        queue_limit: int = QUEUE_LIMIT,
        limits: SocketLimits = SocketLimits(),
    ) -> None:
        self.limits = limits
        self._broker = broker
        self._hub = Hub(queue_limit, self._renew_soon)
        self._relay = Relay(database, self._hub, still_alive, periods)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def workspaces(self) -> int:
        """How many workspaces this process follows at the moment."""
        return len(self._hub.channels)

    async def start(self) -> None:
        """Begin to listen, read and check."""
        self._relay.start()
        await self._broker.start(self._relay.hint)

    async def stop(self) -> None:
        """Stop, and close what is left of connections so that their clients connect elsewhere."""
        await self._relay.stop()
        await self._relay.close_all(SERVICE_RESTART, "Service restart")
        await self._broker.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def committed(self, tx: Tx) -> None:
        """Tell every process what a transaction wrote; belongs into `Database.after_commit`. Never raises.

        This process has the events at hand; the others are hinted at them.
        """
        for workspace_id, written in tx.events.items():
            self._relay.pass_on(workspace_id, written)
            position = written[-1].position
            try:
                await self._broker.publish(workspace_id, position)
            except Exception:
                log.exception("A hint could not be published", workspace_id=workspace_id, position=position)

    def refusal(self, connection: Connection) -> Json | None:
        """Why a connection may not be attached, if there are too many already on this node."""
        credential, limits = connection.credential, self.limits
        if len(self._hub.holders(credential)) >= limits.sockets_per_session:
            return too_many("sockets_per_session", limits.sockets_per_session)
        if self._hub.open_in(credential.workspace_id) >= limits.sockets_per_workspace:
            return too_many("sockets_per_workspace", limits.sockets_per_workspace)
        return None

    async def attach(self, connection: Connection) -> None:
        """Let a connection hear of its end: by event, by expiry, or because the database says so when asked.

        If it was revoked after its authentication, it ends now or soon.
        """
        identity = connection.identity
        known = identity.workspace_id in self._hub.channels
        passed = self._hub.attach(connection).position
        self._relay.plan_expiry(connection)
        if not known:
            self._relay.wake(identity.workspace_id)
        elif passed > identity.feed.position:
            await self._relay.reread(connection, passed)

    def detach(self, connection: Connection) -> None:
        """Forget a connection whose transport is gone, and all that it follows. Harmless when repeated."""
        self._hub.detach(connection)
        for subscription in connection.subscriptions.values():
            subscription.over(connection.why_over)
        connection.subscriptions.clear()

    async def retire(self, connection: Connection, reason: RevocationReason | None) -> None:
        """End a connection whose credential turned out not to work any more, after the event that says so, if any."""
        await self._relay.retire(connection, reason)

    def follow(
        self, connection: Connection, operation_id: str, following: Following, earlier: Subscription | None = None
    ) -> None:
        """Tell an operation every event of its topic after a position, once, in order: missed ones first.

        It goes on from an earlier subscription, if there is one. Nothing happens if the connection has ended.
        """
        if not connection.attached:
            return
        subscription = self._hub.subscribe(connection, operation_id, following)
        if earlier is not None:
            subscription.go_on_from(earlier)
        passed = self._hub.channels[connection.identity.workspace_id].position
        if passed > min(following.after, following.checked):
            subscription.fall_behind()
            subscription.catching_up = self._spawn(self._catch_up(subscription, following, passed))
            subscription.catching_up.add_done_callback(lambda _: connection.pay())

    def unfollow(self, connection: Connection, operation_id: str, why: str = Ending.COMPLETED) -> None:
        """Tell an operation nothing more. Harmless when repeated."""
        if (subscription := connection.subscriptions.pop(operation_id, None)) is not None:
            self._hub.unsubscribe(subscription)
            subscription.over(why)

    async def _catch_up(self, subscription: Subscription, following: Following, through: int) -> None:
        """Tell what lies between a cursor and where the channel stood, then what was committed meanwhile."""
        connection = subscription.connection
        start = min(following.after, following.checked)
        history = self._relay.history(connection.identity.workspace_id, start, through)
        try:
            async with aclosing(history) as missed:
                async for event in missed:
                    if event.position > following.checked and _changes_rights(event, subscription):
                        subscription.catching_up = None
                        self._renew_soon(subscription)
                        return
                    if subscription.topic in event.topics:
                        await self._tell(subscription, event)
            while (collected := subscription.next_behind()) is not None:
                await self._tell(subscription, collected)
        except Unauthorized as refusal:
            await self._relay.retire(connection, refusal.reason)
        except CursorExpired:
            self._fail(subscription, subscription.audience.answers.cursor_expired)
        except Exception:
            log.exception("A subscription could not catch up", position=subscription.position)
            self._fail(subscription, None)
        finally:
            subscription.catching_up = None

    async def _tell(self, subscription: Subscription, event: FeedEvent) -> None:
        if event.position > subscription.position:
            await subscription.connection.outlet.ready()
            subscription.tell(event, await subscription.audience.answer(event, subscription.connection))
            EVENTS.inc()

    def _renew_soon(self, subscription: Subscription) -> None:
        self._hub.unsubscribe(subscription)
        subscription.end()
        self._spawn(self._renew(subscription))

    async def _renew(self, subscription: Subscription) -> None:
        """Let an operation go on, after the last event that it was told, with the rights that its holder has now."""
        connection, answers = subscription.connection, subscription.audience.answers
        try:
            following = await answers.renew(connection, subscription.position)
        except Unauthorized as refusal:
            await self._relay.retire(connection, refusal.reason)
        except OperationFailed as failure:
            self._fail(subscription, failure.errors)
        except Exception:
            log.exception("The rights of a subscription could not be checked")
            self._fail(subscription, None)
        else:
            if _is_listening(subscription):
                self.follow(connection, subscription.id, following, subscription)

    def _fail(self, subscription: Subscription, errors: Sequence[Json] | None) -> None:
        if _is_listening(subscription):
            subscription.connection.outlet.fail(subscription.id, errors)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _is_listening(subscription: Subscription) -> bool:
    """Whether its operation is still the client's, and no later one with the same id."""
    return subscription.connection.subscriptions.get(subscription.id) is subscription


def _changes_rights(event: FeedEvent, subscription: Subscription) -> bool:
    user_id = None if subscription.topic.is_own else event.changes_rights_of
    return user_id is not None and user_id == subscription.connection.identity.user_id
