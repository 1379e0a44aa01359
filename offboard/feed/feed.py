"""The feed of one process, as the rest of the application sees it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import structlog

from models import events
from models.database import Database, Tx
from models.enums import RevocationReason
from models.events import FeedEvent
from models.types import now
from offboard.feed.brokers import Broker
from offboard.feed.hub import QUEUE_LIMIT, Connection, Hub, Wanted
from offboard.feed.relay import Periods, Relay, StillAlive

SERVICE_RESTART = 1012
"""A close code after which clients connect again: the IANA WebSocket Close Code Number Registry, RFC 6455 11.7."""

log = structlog.get_logger(__name__)


class Feed:
    """Tells connections and subscriptions what was committed, on whatever process.

    `still_alive` is asked about every open connection each `periods.check` seconds; `queue_limit` is how many events
    may wait for one subscription.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        still_alive: StillAlive,
        *,
        periods: Periods = Periods(),
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._database = database
        self._broker = broker
        self._periods = periods
        self._hub = Hub(queue_limit)
        self._relay = Relay(database, self._hub, still_alive, periods)
        self._expiring: set[asyncio.Task[None]] = set()

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
        await self._broker.stop()
        await self._relay.stop()
        for task in self._expiring:
            task.cancel()
        await asyncio.gather(*self._expiring, return_exceptions=True)
        for connection in self._hub.connections():
            self._hub.close(connection, SERVICE_RESTART, "Service restart")
        self._hub.finish()

    async def committed(self, tx: Tx) -> None:
        """Hint every process at what a transaction wrote; belongs into `Database.after_commit`. Never raises."""
        for workspace_id, position in tx.positions.items():
            try:
                await self._broker.publish(workspace_id, position)
            except Exception:
                log.exception("A hint could not be published", workspace_id=workspace_id, position=position)

    async def attach(self, connection: Connection) -> None:
        """Let a connection hear of its end: by event, by expiry, or because the database says so when asked.

        If it was revoked after its authentication, it ends now or soon.
        """
        identity = connection.identity
        known = identity.workspace_id in self._hub.channels
        passed = self._hub.attach(connection).position
        self._plan_expiry(connection)
        if not known:
            self._relay.wake(identity.workspace_id)
        elif passed > identity.feed.position:
            await self._relay.reread(connection, passed)

    def detach(self, connection: Connection) -> None:
        """Forget a connection whose transport is gone. Harmless when repeated."""
        self._hub.detach(connection)

    async def retire(self, connection: Connection, reason: RevocationReason | None) -> None:
        """End a connection whose credential turned out not to work any more, after the event that says so, if any."""
        await self._relay.retire(connection, reason)

    async def follow(
        self, connection: Connection | None, workspace_id: UUID, after: int, wanted: Wanted
    ) -> AsyncGenerator[FeedEvent, None]:
        """The wanted events of a workspace after a position, each once, in order: first the rows, then as they come.

        Ends with its connection, after the event that ended that. A consumer that is too slow has its connection
        aborted; one without a connection gets Overflow. `wanted` must be cheap and without side effects.
        """
        if connection is None:
            await self._open(workspace_id)
        elif not connection.attached:
            return
        subscription = self._hub.subscribe(connection, workspace_id, wanted)
        try:
            async with aclosing(self._relay.history(workspace_id, after, subscription.start)) as missed:
                async for event in missed:
                    if wanted(event):
                        yield event
            while (live := await subscription.next()) is not None:
                if live.position > after:
                    yield live
        finally:
            self._hub.unsubscribe(workspace_id, subscription)

    async def _open(self, workspace_id: UUID) -> None:
        if workspace_id not in self._hub.channels:
            async with self._database.read() as reader:
                state = await events.state(reader, workspace_id)
            self._hub.open(workspace_id, state.position)
            self._relay.wake(workspace_id)

    def _plan_expiry(self, connection: Connection) -> None:
        identity = connection.identity
        if identity.expires_at is not None:
            delay = (identity.expires_at - now()).total_seconds()
            if identity.session_id is not None:
                delay += self._periods.expiry
            connection.expiry = asyncio.get_running_loop().call_later(delay, self._expire, connection)

    def _expire(self, connection: Connection) -> None:
        task = asyncio.create_task(self._relay.retire(connection, RevocationReason.EXPIRED))
        self._expiring.add(task)
        task.add_done_callback(self._expiring.discard)
