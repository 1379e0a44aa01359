"""People and programs that call the API over HTTP."""

from dataclasses import dataclass, replace
from typing import Any

import httpx

from tests.waiting import LIMIT

SIGN_IN = """mutation($input: SignInInput!) { signIn(input: $input) {
  token session { id } user { id name } errors { code message field }
} }"""

DEACTIVATE = "mutation($id: ID!) { deactivateUser(input: {userId: $id}) { revokedSessions errors { code message } } }"


def open_client(**options: Any) -> httpx.AsyncClient:
    """A client that does not read the system's certificates, which would take longer than many a test."""
    return httpx.AsyncClient(timeout=LIMIT, verify=False, **options)


@dataclass
class Caller:
    """Calls one server with one credential, or with none."""

    http: httpx.AsyncClient
    url: str
    token: str | None = None

    async def post(self, query: str, **variables: Any) -> httpx.Response:
        """The raw answer to an operation."""
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return await self.http.post(self.url, json={"query": query, "variables": variables}, headers=headers)

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors; of a single root field, its value."""
        response = await self.post(query, **variables)
        answer = response.json()
        assert response.status_code == 200, answer
        assert "errors" not in answer, answer
        values = list(answer["data"].values())
        return values[0] if len(values) == 1 else answer["data"]

    async def do(self, query: str, **variables: Any) -> Any:
        """The payload of a mutation that is not refused."""
        payload = await self.ask(query, **variables)
        assert payload["errors"] == [], payload
        return payload

    async def sign_in(self, workspace: str, email: str, password: str, **device: Any) -> "Person":
        """Sign in for good."""
        device = {"workspace": workspace, "email": email, "password": password, **device}
        payload = await self.do(SIGN_IN, input=device)
        return Person(
            self.http,
            self.url,
            payload["token"],
            id=payload["user"]["id"],
            session_id=payload["session"]["id"],
            email=email,
            workspace=workspace,
            password=password,
        )

    async def feed_position(self) -> str:
        """The cursor of this moment."""
        return str(await self.ask("{ feedPosition }"))

    async def why_out(self) -> str | None:
        """The reason with which this caller's token is refused; fails if it still works."""
        response = await self.post("{ __typename }")
        assert response.status_code == 401, response.text
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        reason: str | None = error["extensions"].get("reason")
        return reason


@dataclass
class Person(Caller):
    """Somebody with a session."""

    id: str = ""
    session_id: str = ""
    email: str = ""
    workspace: str = ""
    password: str = ""

    async def another(self, **device: Any) -> "Person":
        """The same person on another device."""
        return await Caller(self.http, self.url).sign_in(self.workspace, self.email, self.password, **device)

    def at(self, url: str) -> "Person":
        """The same person, who calls another node."""
        return replace(self, url=url)

    async def works(self) -> bool:
        """The token is accepted."""
        return bool((await self.post("{ viewer { id } }")).json().get("data", {}).get("viewer") == {"id": self.id})


async def deactivate(who: Caller, user_id: str) -> Any:
    """Let somebody deactivate a user."""
    return await who.do(DEACTIVATE, id=user_id)
