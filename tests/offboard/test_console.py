"""The console's files: what is served, and with which headers."""

from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from offboard.app import create_app
from offboard.settings import Settings

INDEX = "<!doctype html><title>Offboard</title>"


@pytest.fixture
def client(bare_url: str, tmp_path: Path) -> AsyncClient:
    """A client of an application whose console is in the test's folder."""
    settings = Settings(database_url=bare_url, console_dir=tmp_path)
    return AsyncClient(transport=ASGITransport(create_app(settings)), base_url="http://test")


@pytest.mark.only_on("sqlite")
async def test_without_a_console_the_page_says_how_to_get_it(client: AsyncClient) -> None:
    async with client:
        page = await client.get("/")
        assert page.headers["content-type"].startswith("text/plain")
        assert "make console" in page.text
        assert (await client.get("/assets/index-1.js")).status_code == 404
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.only_on("sqlite")
async def test_a_page_for_each_address_and_for_no_other(client: AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(INDEX)
    async with client:
        for path in ("/", "/sign-in", "/invitation?token=x", "/reset-password", "/users", "/users/VXNlcg", "/settings"):
            page = await client.get(path)
            assert (page.status_code, page.text) == (200, INDEX), path
            assert page.headers["cache-control"] == "no-cache"
        for path in ("/nothing", "/users/1/2", "/index.html", "/assets/", "/assets/../index.html"):
            assert (await client.get(path)).status_code == 404, path
        assert (await client.post("/users")).status_code == 405


@pytest.mark.only_on("sqlite")
async def test_assets_are_kept_for_ever_and_pages_run_nothing_foreign(client: AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-1a2b.js").write_text("'use strict';" * 1_000)
    async with client:
        asset = await client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"})
        page = await client.get("/")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-encoding"] == "gzip"
    assert asset.text == "'use strict';" * 1_000
    for answer in (asset, page):
        policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
        assert {policy[each] for each in ("script-src", "style-src", "connect-src")} == {"'self'"}
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
