"""A client for `graphql-transport-ws` without any GraphQL library: what the server really sends."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.callers import Caller
from tests.waiting import LIMIT

SESSION_REVOKED = """subscription($scope: RevocationScope!, $after: String) {
  sessionRevoked(scope: $scope, after: $after) { cursor sessionId userId reason }
}"""
USER_CHANGED = "subscription($after: String) { userChanged(after: $after) { cursor kind userId user { name } } }"


class Socket:
    """An open socket. Everything that waits gives up after LIMIT seconds."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self._heard: deque[dict[str, Any]] = deque()
        self._numbers = count(1)

    async def say(self, **message: Any) -> None:
        await self.websocket.send(json.dumps(message))

    async def introduce(self, token: str | None) -> None:
        """Send connection_init; the server acknowledges it."""
        await self.say(type="connection_init", payload={"authorization": f"Bearer {token}"} if token else None)
        assert await self.hear() == {"type": "connection_ack"}

    async def subscribe(self, query: str, id: str = "1", **variables: Any) -> None:
        await self.say(id=id, type="subscribe", payload={"query": query, "variables": variables})

    async def watch(self, scope: str = "CURRENT_SESSION", after: str | None = None, id: str = "1") -> None:
        """Subscribe to sessionRevoked."""
        await self.subscribe(SESSION_REVOKED, id, scope=scope, after=after)

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        return self._heard.popleft() if self._heard else await self._receive()

    async def event(self, id: str = "1") -> dict[str, Any]:
        """The next event of a subscription."""
        message = await self.hear()
        assert (message["type"], message["id"]) == ("next", id), message
        assert "errors" not in message["payload"], message
        (event,) = message["payload"]["data"].values()
        return dict(event)

    async def refusal(self, id: str = "1") -> str:
        """The code with which a subscription ends."""
        message = await self.hear()
        assert (message["type"], message["id"]) == ("error", id), message
        return str(message["payload"][0]["extensions"]["code"])

    async def settle(self) -> None:
        """Wait until the subscriptions stand: a query that was sent after them is answered."""
        asked = f"settle-{next(self._numbers)}"
        await self.subscribe("{ __typename }", asked)
        while (message := await self._receive()).get("id") != asked:
            self._heard.append(message)
        assert message["type"] == "next", message
        assert await self._receive() == {"id": asked, "type": "complete"}

    async def closing(self) -> tuple[int, str]:
        """How the server closes; nothing else may come before."""
        assert not self._heard
        with pytest.raises(ConnectionClosed) as closed:
            pytest.fail(f"Not closed, but heard: {await self._receive()}")
        assert closed.value.rcvd is not None, closed.value
        return closed.value.rcvd.code, closed.value.rcvd.reason

    async def _receive(self) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT):
            return dict(json.loads(await self.websocket.recv()))


@asynccontextmanager
async def open_socket(url: str, **options: Any) -> AsyncIterator[Socket]:
    """A socket on which nothing was said yet."""
    options.setdefault("subprotocols", ["graphql-transport-ws"])
    async with connect(url.replace("http", "ws", 1), **options) as websocket:
        yield Socket(websocket)


@asynccontextmanager
async def socket_of(caller: Caller) -> AsyncIterator[Socket]:
    """A socket of somebody."""
    async with open_socket(caller.url) as socket:
        await socket.introduce(caller.token)
        yield socket


async def closing_of(caller: Caller) -> tuple[int, str]:
    """How the server closes a new socket of somebody who may not come in."""
    async with open_socket(caller.url) as socket:
        await socket.say(type="connection_init", payload={"authorization": f"Bearer {caller.token}"})
        return await socket.closing()
