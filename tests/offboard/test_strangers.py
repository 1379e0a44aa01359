"""What graphql-cop looks for in production, asked by ourselves: on PyPI there is nothing under its name but the name.

https://github.com/dolevf/graphql-cop lists what it asks. One of its questions above LOW finds what is wanted here: GET
for queries is part of GraphQL over HTTP, and test_web_session.py shows that no other page gets anything by it. Where
trusted documents alone are run it finds nothing, as test_trusted.py shows.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from offboard.app import create_app
from offboard.settings import Environment, Settings

pytestmark = pytest.mark.only_on("sqlite")  # nothing of it asks the database

INTROSPECTION = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"


@pytest.fixture
async def stranger(database_url: str) -> AsyncIterator[AsyncClient]:
    app = create_app(Settings(database_url=database_url, environment=Environment.PRODUCTION))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client


async def ask(stranger: AsyncClient, query: str, **more: Any) -> Response:
    return await stranger.post("/graphql", json={"query": query, **more})


def refused(answer: Response) -> bool:
    """Nothing was done."""
    return answer.status_code < 500 and not answer.json().get("data")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ " + " ".join(f"alias{number}: __typename" for number in range(101)) + " }", id="aliases"),
        pytest.param(
            "{ __schema { ...A } } fragment A on __Schema { ...B } fragment B on __Schema { ...A }", id="cycle"
        ),
        pytest.param("{ " + "__typename " * 500 + "}", id="repeated fields"),
        pytest.param(INTROSPECTION, id="circular introspection"),
        pytest.param("{ __typename " + "@include(if: true) " * 51 + "}", id="directives"),
    ],
)
async def test_what_is_too_much_is_refused(stranger: AsyncClient, query: str) -> None:
    assert refused(await ask(stranger, query))


async def test_directives_are_not_complained_of_one_by_one(stranger: AsyncClient) -> None:
    answer = await ask(stranger, "{ __typename " + "@aa" * 10 + " }")
    assert len(answer.json()["errors"]) < 10


@pytest.mark.parametrize("query", ["{ __schema { types { name } } }", '{ __type(name: "User") { name } }'])
async def test_the_schema_is_kept_to_itself(stranger: AsyncClient, query: str) -> None:
    assert refused(await ask(stranger, query))


async def test_nothing_is_suggested(stranger: AsyncClient) -> None:
    assert "did you mean" not in (await ask(stranger, "{ __schema { directive } }")).text.lower()
    assert "did you mean" not in (await ask(stranger, "{ viewr }")).text.lower()


async def test_no_batches(stranger: AsyncClient) -> None:
    assert refused(await stranger.post("/graphql", json=[{"query": "{ __typename }"}] * 10))


async def test_nothing_is_asked_by_a_form(stranger: AsyncClient) -> None:
    assert refused(await stranger.post("/graphql", params={"query": "{ __typename }"}))
    assert refused(await stranger.post("/graphql", data={"query": "{ __typename }"}))


async def test_nothing_is_done_by_get(stranger: AsyncClient) -> None:
    answer = await stranger.get("/graphql", params={"query": "mutation { __typename }"})
    assert answer.status_code == 405


async def test_errors_tell_nothing_of_the_program(stranger: AsyncClient) -> None:
    answer = (await ask(stranger, "qwerty cop { abc }")).json()
    assert all(error["extensions"].keys() <= {"code"} for error in answer["errors"])
    assert "tracing" not in answer.get("extensions", {})


@pytest.mark.parametrize("path", ["/", "/graphiql", "/playground", "/console", "/graphql", "/v1/graphql"])
async def test_no_ide_is_served(stranger: AsyncClient, path: str) -> None:
    page = (await stranger.get(path, headers={"Accept": "text/html"})).text.lower()
    for name in ("graphiql", "graphql playground", "apollo", "altair"):
        assert name not in page
