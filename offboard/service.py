"""What a process consists of: database, feed, mailer, clock and runner, started and stopped together."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from models.database import Database, Reader
from models.enums import RevocationReason
from offboard.clock import Clock
from offboard.documents import Documents
from offboard.feed.brokers import open_broker
from offboard.feed.connection import Credential
from offboard.feed.feed import Feed
from offboard.insight import time_statements
from offboard.mail.mailer import Mailer
from offboard.mail.transports import open_transport
from offboard.runner import Runner
from offboard.settings import Environment, Settings
from offboard.sightings import Sightings
from offboard.tracing import open_spans
from offboard.trusted import Manifest, read_manifest
from offboard.web_session import WebSessions
from resolvers.attempts import Allowance, Attempts, open_storage
from resolvers.living import dead_sessions, dead_tokens
from resolvers.viewer import Viewer
from schema.context import Client, Context, Lifetimes, WebSession

LONGEST_LEAVE_S = 0.5

log = structlog.get_logger(__name__)


class Service:
    """One process of Offboard. All processes are equal; none keeps state that cannot be lost."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url)
        self.spans = open_spans(settings.traces_url)
        self.spans.watch(self.database)
        time_statements(self.database)
        self.broker = self.spans.around(open_broker(settings.broker_url, settings.database_url))
        self.feed = Feed(self.database, self.broker, still_alive, limits=settings.socket_limits)
        self.mailer = Mailer(
            self.database,
            open_transport(settings.mail_url),
            public_url=settings.public_url,
            sender=settings.mail_from,
        )
        self.documents = Documents(
            settings.document_limits,
            introspection=settings.environment is Environment.DEVELOPMENT,
            manifest=_manifest(settings),
        )
        self.web_sessions = WebSessions(settings.public_url)
        self.clock = Clock(self.database, retention=settings.event_retention)
        self.runner = Runner(self.database)
        self.sightings = Sightings(self.database)
        self.database.after_commit += [
            self.feed.committed,
            self.mailer.committed,
            self.clock.committed,
            self.runner.committed,
        ]
        self._lifetimes = Lifetimes(
            session=settings.session_lifetime,
            invitation=settings.invitation_lifetime,
            password_reset=settings.password_reset_lifetime,
            hash_cost=settings.password_hash_cost,
        )
        self._attempts = Attempts(
            open_storage(settings.rate_limit_url),
            sign_ins=Allowance(settings.failed_sign_ins_per_account, settings.failed_sign_ins_per_address),
            resets=Allowance(settings.resets_per_account, settings.resets_per_address),
        )
        self.operation_timeout = settings.operation_timeout

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the block ends."""
        await self.feed.start()
        loops = [asyncio.create_task(loop.run()) for loop in (self.mailer, self.clock, self.runner, self.sightings)]
        try:
            yield
        finally:
            await self.feed.stop()
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self.sightings.finish()
            await self._attempts.close()
            await self.database.close()
            await asyncio.to_thread(self.spans.close)

    def context(
        self, *, caller: Viewer | None = None, client: Client | None = None, web_session: WebSession | None = None
    ) -> Context:
        """The context of one operation; refresh its reader when the operation has ended."""
        return Context(
            self.database,
            self._lifetimes,
            caller=caller,
            client=client,
            web_session=web_session,
            attempts=self._attempts,
            span=self.spans.span,
        )

    async def leave(self, context: Context) -> None:
        """Let go what an operation held. A statement that outlives its operation is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_LEAVE_S):
                await context.reader.refresh()


async def still_alive(reader: Reader, credentials: Sequence[Credential]) -> Mapping[Credential, RevocationReason]:
    """Which of some sockets' credentials work no longer, and why; all are sessions, or all are access tokens."""
    sessions = {each.session_id: each for each in credentials if each.session_id is not None}
    if sessions:
        dead = await dead_sessions(reader, sessions)
        return {sessions[session_id]: reason for session_id, reason in dead.items()}
    tokens = {each.access_token_id: each for each in credentials if each.access_token_id is not None}
    return {tokens[token_id]: reason for token_id, reason in (await dead_tokens(reader, tokens)).items()}


def _manifest(settings: Settings) -> Manifest | None:
    if settings.trusted_documents is None:
        return None
    manifest, of_console = read_manifest(settings.trusted_documents), settings.console / "documents.json"
    return manifest | read_manifest(of_console) if of_console.is_file() else manifest
