"""What probes ask: does the process live, and can it do its work?"""

import asyncio

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from offboard.service import Service

ANSWER_WITHIN = 1.5
"""Seconds after which silence counts as failing: a probe that has to wait for long sees nothing."""

log = structlog.get_logger(__name__)


async def healthy(_request: Request) -> Response:
    """The process lives."""
    return JSONResponse({"status": "ok"})


class Ready:
    """Tells database and broker apart.

    Without the database nothing works: 503. Without the broker everything does, only events from other processes are
    late by the time between two looks at the rows: 200. If that were 503 too, one failing Redis would take every node
    from behind its proxy at once.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, _request: Request) -> Response:
        """Ask both."""
        database, broker = await asyncio.gather(self._database(), self._broker())
        return JSONResponse({"database": _shown(database), "broker": _shown(broker)}, 200 if database else 503)

    async def _database(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._service.database.ping()
        except Exception:
            log.exception("The database does not answer")
            return False
        return True

    async def _broker(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._service.broker.ping()
        except (ConnectionError, TimeoutError):
            return False  # the broker has logged why
        return True


def _shown(works: bool) -> str:
    return "ok" if works else "failing"
