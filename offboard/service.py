"""What a process consists of: the database, the feed, the mailer and the clock, started and stopped together."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog

from models.database import Database, Reader
from models.enums import RevocationReason
from models.types import now
from offboard.clock import Clock
from offboard.feed.brokers import open_broker
from offboard.feed.feed import Feed
from offboard.feed.hub import Connection, Credential
from offboard.mail.mailer import Mailer
from offboard.mail.transports import open_transport
from offboard.settings import Settings
from resolvers.sessions import touch
from resolvers.viewer import Viewer, dead_sessions, dead_tokens
from schema.context import Client, Context, Lifetimes

SEEN_EVERY = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Service:
    """One process of Offboard. All processes are equal; none keeps state that cannot be lost."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self.broker = open_broker(settings.broker_url, settings.database_url)
        self.feed = Feed(self.database, self.broker, still_alive)
        self.mailer = Mailer(
            self.database,
            open_transport(settings.mail_url),
            public_url=settings.public_url,
            sender=settings.mail_from,
        )
        self.clock = Clock(self.database, retention=settings.event_retention)
        self.database.after_commit += [self.feed.committed, self.mailer.committed, self.clock.committed]
        self._lifetimes = Lifetimes(
            session=settings.session_lifetime,
            invitation=settings.invitation_lifetime,
            password_reset=settings.password_reset_lifetime,
            hash_cost=settings.password_hash_cost,
        )
        self._noting: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the block ends."""
        await self.feed.start()
        loops = [asyncio.create_task(loop.run()) for loop in (self.mailer, self.clock)]
        try:
            yield
        finally:
            await self.feed.stop()
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, *self._tasks, return_exceptions=True)
            await self.database.close()

    def context(
        self, *, caller: Viewer | None = None, client: Client | None = None, connection: Connection | None = None
    ) -> Context:
        """The context of one operation; refresh its reader when the operation has ended."""
        return Context(self.database, self.feed, self._lifetimes, caller=caller, client=client, connection=connection)

    def seen(self, viewer: Viewer) -> None:
        """Note in the background that a session or access token was used, at most once a minute."""
        credential = viewer.session_id or viewer.access_token_id
        if credential is None or credential in self._noting:
            return
        if viewer.last_seen_at is not None and now() - viewer.last_seen_at < SEEN_EVERY:
            return
        self._noting.add(credential)
        task = asyncio.create_task(self._note(viewer, credential))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _note(self, viewer: Viewer, credential: UUID) -> None:
        try:
            await self.database.transact(lambda tx: touch(tx, viewer))
        except Exception:
            log.exception("The time of use could not be noted")
        finally:
            self._noting.discard(credential)


async def still_alive(reader: Reader, credentials: Sequence[Credential]) -> Mapping[Credential, RevocationReason]:
    """Which of some sockets' credentials work no longer, and why; all are sessions, or all are access tokens."""
    sessions = {each.session_id: each for each in credentials if each.session_id is not None}
    if sessions:
        dead = await dead_sessions(reader, sessions)
        return {sessions[session_id]: reason for session_id, reason in dead.items()}
    tokens = {each.access_token_id: each for each in credentials if each.access_token_id is not None}
    return {tokens[token_id]: reason for token_id, reason in (await dead_tokens(reader, tokens)).items()}
