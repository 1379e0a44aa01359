"""The application behind its sockets."""

from collections.abc import AsyncIterator

import pytest

from offboard.gateway import Gateway
from offboard.service import Service
from offboard.settings import Settings


@pytest.fixture
async def gateway(database_url: str) -> AsyncIterator[Gateway]:
    """What answers, without clock and mailer, on a database that others may write to as well."""
    service = Service(Settings(database_url=database_url, password_hash_cost=1))
    await service.feed.start()
    yield Gateway(service)
    await service.feed.stop()
    await service.database.close()
