"""A client of the whole application, which runs in this process and is asked over ASGI."""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from httpx import AsyncClient, Response

from models.database import Database
from tests.workshop import Person


class Postbox:
    """A mail transport whose mails can be awaited."""

    def __init__(self) -> None:
        self._mails: asyncio.Queue[EmailMessage] = asyncio.Queue()

    async def send(self, message: EmailMessage) -> None:
        await self._mails.put(message)

    async def token(self) -> str:
        """The token of the next mail's link."""
        plain = (await self._mails.get()).get_body(("plain",))
        assert isinstance(plain, EmailMessage)
        return str(plain.get_content().partition("token=")[2].split()[0])


@dataclass
class Api:
    """A client of the application, and the database behind it."""

    client: AsyncClient
    database: Database
    postbox: Postbox

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
