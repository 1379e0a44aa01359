import asyncio
from collections.abc import Awaitable, Callable

import pytest
from httpx import Response

from offboard import health
from offboard.feed import MemoryBroker
from tests.api import Api


async def gone() -> None:
    raise ConnectionError("gone")


async def silent() -> None:
    await asyncio.Event().wait()


async def test_a_process_that_works(api: Api) -> None:
    assert (await api.client.get("/healthz")).json() == {"status": "ok"}
    answer = await api.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "broker": "ok"})


@pytest.mark.parametrize("ping", [gone, silent])
async def test_database_and_broker_are_told_apart(
    api: Api, monkeypatch: pytest.MonkeyPatch, ping: Callable[[], Awaitable[None]]
) -> None:
    """Without the broker a node still serves: it looks at the rows by itself. Red when a check has no end."""

    async def ready() -> Response:
        async with asyncio.timeout(20):
            return await api.client.get("/readyz")

    with monkeypatch.context() as broken:
        broken.setattr(health, "ANSWER_WITHIN", 0.5)
        broken.setattr(MemoryBroker, "ping", lambda _broker: ping())
        answer = await ready()
        assert (answer.status_code, answer.json()) == (200, {"database": "ok", "broker": "failing"})
        broken.setattr(api.database, "ping", ping)
        answer = await ready()
        assert (answer.status_code, answer.json()) == (503, {"database": "failing", "broker": "failing"})
    answer = await ready()
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "broker": "ok"})
