"""Noting when sessions and access tokens were used last."""

import asyncio
from datetime import timedelta
from itertools import islice
from uuid import UUID

import structlog

from models.database import Database
from models.types import now
from resolvers.sessions import touch
from resolvers.viewer import Viewer

SEEN_EVERY = timedelta(minutes=1)

LATER_S = 1.0
"""Seconds from seeing somebody to writing it down, with whoever is seen meanwhile: no request finds the lock taken by
what it caused itself."""

AT_ONCE, PAUSE_S = 100, 0.05
"""How many are written down in one transaction, and the seconds until the next: thousands who come at once are not to
hold up whoever needs the lock."""

log = structlog.get_logger(__name__)


class Sightings:
    """Writes down in the background who was seen, each at most once a minute. A power cut may undo the last ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[UUID | None, Viewer] = {}
        self._anybody = asyncio.Event()

    def note(self, viewer: Viewer) -> None:
        """A session or access token was used just now."""
        if viewer.last_seen_at is None or now() - viewer.last_seen_at >= SEEN_EVERY:
            self._seen[viewer.session_id or viewer.access_token_id] = viewer
            self._anybody.set()

    async def run(self) -> None:
        """Write down who is seen, some at a time, until cancelled."""
        while await self._anybody.wait():
            await asyncio.sleep(LATER_S)
            while self._seen:
                await self._write()
                await asyncio.sleep(PAUSE_S)
            self._anybody.clear()

    async def finish(self) -> None:
        """Write down who has not been yet."""
        while self._seen:
            await self._write()

    async def _write(self) -> None:
        some = dict(islice(self._seen.items(), AT_ONCE))
        for key in some:
            del self._seen[key]
        try:
            await self._database.transact(lambda tx: touch(tx, some.values()), durable=False)
        except Exception:
            log.exception("The time of use could not be noted")
