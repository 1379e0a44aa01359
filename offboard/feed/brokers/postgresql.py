"""LISTEN and NOTIFY on the database's own server, on connections apart from those of requests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg
from sqlalchemy import make_url

from offboard.feed.brokers.reconnecting import CHECK_EVERY, PATIENCE, Received

CHANNEL = "offboard"
APPLICATION = "offboard broker"
CLOSING = 0.5
"""Seconds that the server has for a goodbye."""


@asynccontextmanager
async def connect(database_url: str, received: Received) -> AsyncIterator["PostgresqlLink"]:
    """A link to the server that a database URL of SQLAlchemy names, see reconnecting.Connect."""
    options = _options(database_url)
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(PATIENCE):
            listener = await stack.enter_async_context(_connection(options))
            publisher = await stack.enter_async_context(_connection(options))
            link = PostgresqlLink(listener, publisher)
            await listener.add_listener(CHANNEL, lambda *notification: received(notification[-1]))
        yield link


class PostgresqlLink:
    """Implements reconnecting.Link."""

    def __init__(self, listener: asyncpg.Connection, publisher: asyncpg.Connection) -> None:
        self._listener = listener
        self._publisher = publisher
        self._ended = asyncio.Event()
        listener.add_termination_listener(lambda _connection: self._ended.set())

    async def listen(self) -> None:
        """Wait for the end of the listening connection, see Link."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY):
                    await self._ended.wait()
            async with asyncio.timeout(PATIENCE):
                await self._listener.execute("SELECT 1")

    async def publish(self, messages: Sequence[str]) -> None:
        """Notify in one statement, which commits by itself."""
        await self._publisher.execute(
            "SELECT pg_notify($1, message) FROM unnest($2::text[]) message", CHANNEL, messages
        )

    async def check(self) -> None:
        """Ask for an answer, see Link."""
        await self._publisher.execute("SELECT 1")


@asynccontextmanager
async def _connection(options: dict[str, Any]) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**options)
    try:
        yield connection
    finally:
        with suppress(Exception):
            await connection.close(timeout=CLOSING)


def _options(database_url: str) -> dict[str, Any]:
    """What asyncpg needs to connect as the database's engine does."""
    url = make_url(database_url)
    _, options = url.get_dialect()().create_connect_args(url)
    return {**options, "server_settings": {"application_name": APPLICATION}}
