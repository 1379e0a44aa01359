"""GraphiQL's page: where it is served, and what the browser lets it do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from offboard.app import create_app
from offboard.settings import Environment, Settings

pytestmark = pytest.mark.only_on("sqlite")  # nothing of it asks the database

INDEX = "<!doctype html><title>GraphiQL</title>"
Visit = Callable[[Environment], AsyncClient]


@pytest.fixture
def visit(bare_url: str, tmp_path: Path) -> Visit:
    """Makes a client of an application whose console is in the test's folder."""

    def client(environment: Environment) -> AsyncClient:
        app = create_app(Settings(database_url=bare_url, console_dir=tmp_path, environment=environment))
        return AsyncClient(transport=ASGITransport(app), base_url="http://test")

    return client


@pytest.fixture
def built(tmp_path: Path) -> None:
    (tmp_path / "graphiql" / "assets").mkdir(parents=True)
    (tmp_path / "graphiql" / "index.html").write_text(INDEX)
    (tmp_path / "graphiql" / "assets" / "worker-1a2b.js").write_text("'use strict';")


async def test_while_it_is_not_built_the_page_says_how_to_get_it(visit: Visit) -> None:
    async with visit(Environment.DEVELOPMENT) as client:
        page = await client.get("/graphiql")
        assert page.headers["content-type"].startswith("text/plain")
        assert "make console" in page.text
        assert (await client.get("/graphiql/assets/worker-1a2b.js")).status_code == 404


async def test_page_and_workers_run_scripts_of_this_server_alone(visit: Visit, built: None) -> None:
    async with visit(Environment.DEVELOPMENT) as client:
        page = await client.get("/graphiql")
        worker = await client.get("/graphiql/assets/worker-1a2b.js")
    assert (page.text, page.headers["cache-control"]) == (INDEX, "no-cache")
    assert worker.headers["cache-control"] == "public, max-age=31536000, immutable"
    for answer in (page, worker):
        policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
        assert {policy[each] for each in ("script-src", "worker-src", "connect-src")} == {"'self'"}
        assert set(" ".join(policy.values()).split()) == {"'none'", "'self'", "'unsafe-inline'", "data:"}
        assert [each for each, value in policy.items() if "unsafe" in value] == ["style-src"]


async def test_in_production_there_is_none(visit: Visit, built: None) -> None:
    async with visit(Environment.PRODUCTION) as client:
        for path in ("/graphiql", "/graphiql/", "/graphiql/index.html", "/graphiql/assets/worker-1a2b.js"):
            answer = await client.get(path, headers={"Accept": "text/html"})
            assert (answer.status_code, "GraphiQL" in answer.text) == (404, False)
