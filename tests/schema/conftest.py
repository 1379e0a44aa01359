"""The whole application in this process, asked over ASGI."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from models.database import Database
from offboard.app import create_app
from offboard.settings import Settings
from tests.workshop import Person, Workshop


@dataclass
class Api:
    """A client of the application, and the database behind it."""

    client: AsyncClient
    database: Database

    async def post(self, query: str, person: Person | None = None, **variables: Any) -> Response:
        """One request, as somebody or as nobody."""
        headers = {"Authorization": f"Bearer {person.token}"} if person else {}
        return await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)

    async def data(self, query: str, person: Person | None = None, **variables: Any) -> Any:
        """The data of an answer that has no errors."""
        answer = (await self.post(query, person, **variables)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def errors(self, query: str, person: Person | None = None, **variables: Any) -> list[str]:
        """The codes of an answer's errors."""
        answer = (await self.post(query, person, **variables)).json()
        return [error["extensions"]["code"] for error in answer.get("errors", [])]


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    app = create_app(Settings(database_url=database_url, mail_url=f"file:{tmp_path}/mail", password_hash_cost=1))
    async with app.router.lifespan_context(app):
        async with AsyncClient(
            transport=ASGITransport(app, raise_app_exceptions=True), base_url="http://test"
        ) as client:
            yield Api(client, app.state.service.database)


@pytest.fixture
async def workshop(api: Api) -> Workshop:
    """A workspace `acme` with the owner Olivia, in the application's own database."""
    return await Workshop.open(api.database)
