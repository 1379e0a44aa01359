"""The time that an operation may take."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from models.database import Tx
from models.enums import Role, UserStatus
from models.people import User
from offboard.app import create_app
from offboard.gateway import Gateway
from offboard.service import Service
from offboard.settings import Settings
from resolvers import lifecycle, users
from schema import ids
from tests.api import Api, Postbox
from tests.offboard.watchers import connect, refusal
from tests.statements import watched
from tests.workshop import Workshop

DEACTIVATE = "mutation($id: ID!) { deactivateUser(input: {userId: $id}) { revokedSessions errors { code } } }"


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[tuple[Api, Service]]:
    """The application with little patience, and what it consists of."""
    app = create_app(Settings(database_url=database_url, password_hash_cost=1))
    service: Service = app.state.service
    service.operation_timeout = timedelta(seconds=0.1)
    async with app.router.lifespan_context(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            yield Api(client, service.database, Postbox()), service


async def test_what_takes_too_long_is_cancelled(
    hasty: tuple[Api, Service], workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, _ = hasty
    ended = asyncio.Event()
    users_page = users.users_page

    async def slow(*arguments: Any) -> Any:
        try:
            await asyncio.sleep(5)
        finally:
            ended.set()
        return await users_page(*arguments)

    monkeypatch.setattr(users, "users_page", slow)
    with watched(api.database) as seen:
        answer = await api.post("{ users { edges { node { id teams { id } } } } }", workshop.olivia)
    assert answer.status_code == 503
    assert [error["extensions"] for error in answer.json()["errors"]] == [{"code": "TIMED_OUT"}]
    assert "data" not in answer.json()
    assert ended.is_set()
    assert len(seen) == 1  # who asks
    assert await api.data("{ viewer { name } }", workshop.olivia) == {"viewer": {"name": "Olivia Owens"}}


async def test_over_a_socket_only_the_operation_ends(
    gateway: Gateway, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: Any) -> Any:
        await asyncio.sleep(5)

    gateway.service.operation_timeout = timedelta(seconds=0.1)
    client = await connect(gateway, workshop.olivia)
    monkeypatch.setattr(users, "users_page", slow)
    assert await refusal(gateway, client, "{ users { totalCount } }") == "TIMED_OUT"
    assert client.connection.attached


async def test_a_transaction_ends_whatever_the_time(
    hasty: tuple[Api, Service], workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when a deadline cancels between lock and hint: the work would be lost, or done and never told."""
    api, service = hasty
    ana = await workshop.person("Ana", Role.AGENT)
    told = asyncio.Event()
    find_member = lifecycle.find_member

    async def slow(*arguments: Any) -> Any:
        await asyncio.sleep(0.3)
        return await find_member(*arguments)

    async def committed(tx: Tx) -> None:
        if tx.events:
            told.set()

    monkeypatch.setattr(lifecycle, "find_member", slow)
    service.database.after_commit.append(committed)
    answer = await api.post(DEACTIVATE, workshop.olivia, id=ids.encode("User", ana.id))
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["TIMED_OUT"]
    async with asyncio.timeout(5):
        await told.wait()
    assert (await workshop.load(User, id=ana.id)).status is UserStatus.INACTIVE
