"""Brokers carry hints from the process that committed to the processes that hold sockets."""

from functools import partial

from offboard.feed.brokers.base import Broker, OnHint
from offboard.feed.brokers.memory import MemoryBroker
from offboard.feed.brokers.reconnecting import ReconnectingBroker

MEMORY = "memory:"
POSTGRESQL = "postgresql:"

__all__ = ["MEMORY", "POSTGRESQL", "Broker", "MemoryBroker", "OnHint", "open_broker"]


def open_broker(url: str, database_url: str) -> Broker:
    """The broker that a URL names: MEMORY, POSTGRESQL (on the database's own server), or a Redis as redis-py takes it.

    Nothing is connected before its start().
    """
    # A library is loaded only if its broker is used.
    if url == MEMORY:
        return MemoryBroker()
    if url == POSTGRESQL:
        from offboard.feed.brokers import postgresql

        return ReconnectingBroker("PostgreSQL", partial(postgresql.connect, database_url))
    from offboard.feed.brokers import redis

    return ReconnectingBroker("Redis", partial(redis.connect, url))
