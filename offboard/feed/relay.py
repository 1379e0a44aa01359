"""The relay: moves the channels of this process along the rows, and keeps every connection's credential checked."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from models import events
from models.database import Database, Reader
from models.enums import RevocationReason
from models.events import CursorExpired, FeedEvent
from models.types import now
from offboard.feed.connection import Connection, Credential
from offboard.feed.hub import Channel, Hub, revoked_credential

CHECK_PAGE = 100
SPREAD = 0.8
"""The part of a period over which its checks are spread."""

AHEAD = 10
"""Turns of the event loop in which whoever is signed out is told so and closed, before thousands of others are told."""

CLOSED_AT_ONCE = 100
READERS_OF_HISTORY = 4
"""How many clients may read what they missed at the same time: the others of a storm wait, and nobody else does."""

TRY_AGAIN_LATER = 1013
"""A close code after which clients connect again: the IANA WebSocket Close Code Number Registry, RFC 6455 11.7."""

StillAlive = Callable[[Reader, Sequence[Credential]], Awaitable[Mapping[Credential, RevocationReason]]]
"""Says in one statement which of at most CHECK_PAGE credentials do not work any more, and why. One that the database
does not know counts as dead. All are of one workspace and of one kind: sessions, or access tokens."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Periods:
    """When a feed acts by itself, in seconds.

    `poll`: how often it looks for missed hints. `check`: how often it goes through all credentials, so that each is
    checked within twice that time. `blind`: after how long without a check it closes everything. `expiry`: how long a
    session that has expired waits for the event that says so, which is to come before the close.
    """

    poll: float = 2.0
    check: float = 2.5
    blind: float = 15.0
    expiry: float = 1.0


class Relay:
    """Reads the rows for the channels of one hub, woken by hints and by itself."""

    def __init__(self, database: Database, hub: Hub, still_alive: StillAlive, periods: Periods) -> None:
        self._database = database
        self._hub = hub
        self._still_alive = still_alive
        self._periods = periods
        self._behind: dict[UUID, int] = {}
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._working: set[asyncio.Task[None]] = set()
        self._blind: asyncio.TimerHandle | None = None
        self._resuming = asyncio.Semaphore(READERS_OF_HISTORY)

    def start(self) -> None:
        """Begin to read, poll and check."""
        self._tasks = [asyncio.create_task(loop()) for loop in (self._follow_hints, self._poll, self._watch)]
        self._seen_now()

    async def stop(self) -> None:
        """Stop reading, polling and checking."""
        if self._blind is not None:
            self._blind.cancel()
        tasks = [*self._tasks, *self._working]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def hint(self, workspace_id: UUID, position: int) -> None:
        """Read on if a workspace's channel has not come to a position yet."""
        channel = self._hub.channels.get(workspace_id)
        if channel is not None and channel.position < position:
            self._behind[workspace_id] = max(position, self._behind.get(workspace_id, 0))
            self._woken.set()

    def pass_on(self, workspace_id: UUID, written: Sequence[FeedEvent]) -> None:
        """Deliver what this process has just committed, if a workspace's channel stands right before it.

        Whoever is to be signed out need not wait until the rows are read again. Otherwise that is done.
        """
        channel = self._hub.channels.get(workspace_id)
        if channel is not None and channel.position == written[0].position - 1 and not channel.turn.locked():
            self._spawn(self._pass_on(channel, written))
        else:
            self.hint(workspace_id, written[-1].position)

    async def _pass_on(self, channel: Channel, written: Sequence[FeedEvent]) -> None:
        async with channel.turn:
            await self._deliver(channel, [event for event in written if event.position > channel.position])

    async def _deliver(self, channel: Channel, page: Sequence[FeedEvent]) -> None:
        for event in page:
            if self._hub.end_first(channel, event):
                for _ in range(AHEAD):
                    await asyncio.sleep(0)
            self._hub.deliver(channel, event)
            await asyncio.sleep(0)  # lets audiences empty their queues, and the rest of the process live

    def wake(self, workspace_id: UUID) -> None:
        """Read on soon, wherever the channel stands then."""
        self._behind[workspace_id] = sys.maxsize
        self._woken.set()

    async def catch_up(self, workspace_id: UUID, wanted: int = sys.maxsize) -> None:
        """Move a workspace's channel to the last row committed by now, unless it has come to the position wanted."""
        channel = self._hub.channels.get(workspace_id)
        if channel is None:
            return
        async with channel.turn:
            page_is_full = channel.position < wanted
            while page_is_full:
                async with self._database.read() as reader:
                    page = await events.read_after(reader, workspace_id, channel.position)
                page_is_full = len(page) == events.BATCH
                await self._deliver(channel, page)

    async def history(self, workspace_id: UUID, after: int, through: int) -> AsyncGenerator[FeedEvent, None]:
        """The rows after a position up to another one, read page by page; raises CursorExpired if some were pruned."""
        while after < through:
            async with self._resuming, self._database.read() as reader:
                page = await events.read_after(reader, workspace_id, after)
            for event in page:
                if event.position != after + 1:
                    raise CursorExpired
                after = event.position
                yield event
                if after == through:
                    return
            if len(page) < events.BATCH:
                raise CursorExpired

    async def reread(self, connection: Connection, through: int) -> None:
        """End a connection whose revocation lies between its authentication and a position passed before it came."""
        identity = connection.identity
        async with aclosing(self.history(identity.workspace_id, identity.feed.position, through)) as missed:
            async for event in missed:
                if revoked_credential(event) == connection.credential:
                    self._hub.sign_out(connection, event.reason)
                    return

    async def retire(self, connection: Connection, reason: RevocationReason | None) -> None:
        """End a connection whose credential works no longer; the event that says so comes first if there is one."""
        try:
            await self.catch_up(connection.identity.workspace_id)
        except Exception:
            log.exception("Reading the feed failed")
        self._hub.sign_out(connection, reason)

    async def _follow_hints(self) -> None:
        while await self._woken.wait():
            self._woken.clear()
            while self._behind:
                workspace_id, wanted = self._behind.popitem()
                try:
                    await self.catch_up(workspace_id, wanted)
                except Exception:
                    log.exception("Reading the feed failed", workspace_id=workspace_id)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._periods.poll)
            if not self._hub.channels:
                continue
            try:
                async with self._database.read() as reader:
                    positions = await events.positions(reader, list(self._hub.channels))
            except Exception:
                log.exception("Asking for the positions of the feed failed")
            else:
                for workspace_id, position in positions.items():
                    self.hint(workspace_id, position)

    def plan_expiry(self, connection: Connection) -> None:
        """End a connection when its session or access token expires, if that is before the next checks."""
        expires_at, identity = connection.identity.expires_at, connection.identity
        if expires_at is None or connection.expiry is not None:
            return
        delay = (expires_at - now()).total_seconds()
        if delay < 2 * self._periods.check:
            if identity.session_id is not None:
                delay += self._periods.expiry
            connection.expiry = asyncio.get_running_loop().call_later(delay, self._expire, connection)

    def _expire(self, connection: Connection) -> None:
        self._spawn(self.retire(connection, RevocationReason.EXPIRED))

    async def close_all(self, code: int, reason: str) -> None:
        """Close every connection so that its client connects again; the event loop gets on with the rest in between."""
        for number, connection in enumerate(self._hub.connections()):
            self._hub.close(connection, code, reason)
            if number % CLOSED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._periods.check * (1 - SPREAD))
            try:
                async with asyncio.timeout(self._periods.blind):
                    await self._check_all()
            except Exception:
                log.exception("Checking the connections failed")
            else:
                self._seen_now()

    async def _check_all(self) -> None:
        pages = list(self._pages())
        failure: Exception | None = None
        for page in pages:
            # Not in one go: whoever is signed out, or asks something, meanwhile is not to wait for thousands of others.
            await asyncio.sleep(self._periods.check * SPREAD / len(pages))
            try:
                await self._check(page)
            except Exception as error:  # noqa: BLE001 (raised when every page has had its turn)
                failure = error
        if failure is not None:
            raise failure

    async def _check(self, page: Sequence[Credential]) -> None:
        for credential in page:
            for connection in self._hub.holders(credential):
                self.plan_expiry(connection)
        async with self._database.read() as reader:
            dead = await self._still_alive(reader, page)
        for credential, reason in dead.items():
            if reason is RevocationReason.EXPIRED:
                continue  # its own timer ends it, and lets the event that says so come first
            for connection in self._hub.holders(credential):
                await self.retire(connection, reason)

    def _pages(self) -> Iterator[list[Credential]]:
        for channel in self._hub.channels.values():
            sessions = [credential for credential in channel.holders if credential.session_id is not None]
            tokens = [credential for credential in channel.holders if credential.session_id is None]
            for kind in (sessions, tokens):
                for first in range(0, len(kind), CHECK_PAGE):
                    yield kind[first : first + CHECK_PAGE]

    def _seen_now(self) -> None:
        if self._blind is not None:
            self._blind.cancel()
        self._blind = asyncio.get_running_loop().call_later(self._periods.blind, self._go_blind)

    def _go_blind(self) -> None:
        if self._hub.channels:
            log.error("The connections could not be checked in time: closing them")
        self._spawn(self.close_all(TRY_AGAIN_LATER, "Try again later"))
        self._seen_now()
