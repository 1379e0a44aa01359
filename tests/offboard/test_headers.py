"""What every answer says to a browser, whatever was asked and whatever went wrong."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from offboard import metrics
from offboard.app import create_app
from offboard.headers import ALWAYS
from offboard.settings import Settings

pytestmark = pytest.mark.only_on("sqlite")  # nothing of it asks the database

Visit = Callable[..., AbstractAsyncContextManager[AsyncClient]]
HSTS = "strict-transport-security"


@pytest.fixture
def visit(database_url: str) -> Visit:
    """Opens a client of an application with some settings."""

    @asynccontextmanager
    async def open_client(**settings: Any) -> AsyncIterator[AsyncClient]:
        app = create_app(Settings(database_url=database_url, **settings))
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            yield client
        await app.state.service.database.close()

    return open_client


async def answers(client: AsyncClient) -> list[Response]:
    """One answer of each kind: of every route, and of every way to be refused."""
    query = {"query": "{ __typename }"}
    asked = [
        await client.get(path)
        for path in ("/", "/users/x", "/healthz", "/readyz", "/metrics", "/assets/none.js", "/nowhere", "/graphql")
    ]
    return [
        *asked,
        await client.post("/graphql", json=query),
        await client.post("/graphql", json={"query": "{ viewer { id } }"}),
        await client.post("/graphql", content=b"x"),
        await client.put("/graphql"),
        await client.request("OPTIONS", "/graphql"),
        await client.post("/healthz"),
    ]


async def test_every_answer_is_closed_to_other_pages(visit: Visit) -> None:
    async with visit() as client:
        found = await answers(client)
    assert {each.status_code for each in found} >= {200, 400, 401, 404, 405, 415}
    for each in found:
        for name, value in ALWAYS.items():
            policy = each.headers[name]
            assert policy == value or (name.startswith("Content-Security") and "default-src 'none'" in policy), each
        assert "server" not in each.headers
        assert "set-cookie" not in each.headers
        assert HSTS not in each.headers


async def test_so_is_a_failure_that_was_not_foreseen(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_registry", lambda: 1 / 0)
    async with visit() as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 500
    assert answer.headers.items() >= {name.lower(): value for name, value in ALWAYS.items()}.items()
    assert "ZeroDivision" not in answer.text


async def test_where_people_come_over_https_they_come_no_other_way(visit: Visit) -> None:
    async with visit(public_url="https://inbox.example.com") as client:
        for each in await answers(client):
            assert each.headers[HSTS] == "max-age=31536000"


FOREIGN = {"Origin": "https://evil.test"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


async def test_no_other_origin_is_let_in_unless_it_is_named(visit: Visit) -> None:
    async with visit() as client:
        for each in (
            await client.request("OPTIONS", "/graphql", headers=FOREIGN | PREFLIGHT),
            await client.post("/graphql", json={"query": "{ __typename }"}, headers=FOREIGN),
        ):
            assert not [name for name in each.headers if name.startswith("access-control")]
    async with visit(allowed_origins=("https://ours.test",)) as client:
        ours = await client.request("OPTIONS", "/graphql", headers=PREFLIGHT | {"Origin": "https://ours.test"})
        assert ours.headers["access-control-allow-origin"] == "https://ours.test"
        assert "access-control-allow-credentials" not in ours.headers
        evil = await client.request("OPTIONS", "/graphql", headers=PREFLIGHT | FOREIGN)
        assert "access-control-allow-origin" not in evil.headers
