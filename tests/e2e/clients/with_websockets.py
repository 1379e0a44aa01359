"""Following a subscription with websockets alone."""

import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

QUERY = "subscription($after: String) { userChanged(after: $after) { cursor kind userId } }"


class SignedOut(Exception):
    """The session has ended; the text is the RevocationReason."""


async def follow(url: str, token: str, after: str) -> AsyncIterator[dict[str, Any]]:
    """Every event after a cursor, once and in order; raises SignedOut at the end."""
    async for socket in connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]):
        try:
            async with socket:
                async for event in subscribe(socket, token, after):
                    after = event["cursor"]
                    yield event
        except ConnectionClosed as closed:
            if closed.rcvd and closed.rcvd.code == 4401:
                raise SignedOut(closed.rcvd.reason) from None


async def subscribe(socket: ClientConnection, token: str, after: str) -> AsyncIterator[dict[str, Any]]:
    """The events of one connection; raises ConnectionClosed at its end."""
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    while True:
        message = json.loads(await socket.recv())
        if message["type"] == "connection_ack":
            payload = {"query": QUERY, "variables": {"after": after}}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        elif message["type"] == "next":
            yield message["payload"]["data"]["userChanged"]
        elif message["type"] == "error":
            raise RuntimeError(message["payload"])  # CURSOR_EXPIRED: read everything anew
