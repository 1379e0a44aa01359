"""Following a subscription with gql."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed

QUERY = "subscription($after: String) { userChanged(after: $after) { cursor kind userId } }"


async def follow(url: str, token: str, after: str) -> AsyncIterator[dict[str, Any]]:
    """Every event after a cursor, once and in order; ends when the server signs the session out."""
    while True:
        transport = WebsocketsTransport(
            url, init_payload={"authorization": f"Bearer {token}"}, subprotocols=["graphql-transport-ws"]
        )
        try:
            async with Client(transport=transport) as session:
                request = GraphQLRequest(QUERY, variable_values={"after": after})
                async for data in session.subscribe(request):
                    after = data["userChanged"]["cursor"]
                    yield data["userChanged"]
            return  # completed by the server: the session has ended
        except TransportConnectionFailed as lost:
            closed = lost.__cause__
            if isinstance(closed, ConnectionClosed) and closed.rcvd and closed.rcvd.code == 4401:
                return  # closed.rcvd.reason says why
            await asyncio.sleep(1)
