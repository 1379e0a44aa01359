"""Plain publish and subscribe of Redis, or of any server that speaks its protocol."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.connection import parse_url

from offboard.feed.brokers.reconnecting import CHECK_EVERY, PATIENCE, Received

CHANNEL = "offboard"

_OPTIONS: dict[str, Any] = {
    "decode_responses": True,
    "protocol": 2,  # suffices for publishing and subscribing, and every server and proxy speaks it
    "socket_connect_timeout": PATIENCE,
    "socket_timeout": None,  # else it sends under asyncio.wait_for, which before Python 3.12 may lose a cancellation
    "health_check_interval": 0,
}
"""Stronger than what the URL says: ReconnectingBroker alone decides about time and about trying again."""


@asynccontextmanager
async def connect(url: str, received: Received) -> AsyncIterator["RedisLink"]:
    """A link to the server that a URL of redis-py names, see reconnecting.Connect."""
    client = Redis.from_pool(ConnectionPool(**{**parse_url(url), **_OPTIONS}))
    subscriber = client.pubsub()
    try:
        async with asyncio.timeout(PATIENCE):
            link = RedisLink(client, subscriber, received)
            await subscriber.subscribe(CHANNEL)
            await subscriber.get_message(timeout=None)  # the answer to that
            await link.check()
        yield link
    finally:
        with suppress(Exception):
            await subscriber.aclose()  # type: ignore[no-untyped-call]
            await client.aclose()


class RedisLink:
    """Implements reconnecting.Link."""

    def __init__(self, client: Redis, subscriber: PubSub, received: Received) -> None:
        self._client = client
        self._subscriber = subscriber
        self._received = received

    async def listen(self) -> None:
        """Pass every message on, see Link."""
        while True:
            message = await self._subscriber.get_message(timeout=CHECK_EVERY)
            if message is None:
                await self._subscriber.ping()
                message = await self._subscriber.get_message(timeout=PATIENCE)
                if message is None:
                    raise ConnectionError("No answer to a ping.")
            if message["type"] == "message":
                self._received(message["data"])

    async def publish(self, messages: Sequence[str]) -> None:
        """Publish in one round trip."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.publish(CHANNEL, message)
            await pipeline.execute()

    async def check(self) -> None:
        """Ask for an answer, see Link."""
        await self._client.ping()
