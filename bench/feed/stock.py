"""The other peer: this project's types and sign-in check on Strawberry's own ASGI handler, with a plain pub/sub.

Every subscription is an async generator with a queue of its own. `POST /publish` tells every subscriber of one event.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.config import StrawberryConfig

from models import events
from models.database import Database
from models.enums import RevocationReason
from models.events import FeedEvent
from models.types import new_id, now
from resolvers.errors import Unauthenticated
from resolvers.viewer import authenticate
from resolvers.watching import RevocationScope
from schema import enums as _enums  # noqa: F401  (names the enumerations)
from schema.log import SessionRevocation
from schema.scalars import DateTime

_subscribers: set["asyncio.Queue[FeedEvent]"] = set()
_database = Database(os.environ["OFFBOARD_DATABASE_URL"])


@strawberry.type
class Query:
    """GraphQL requires one."""

    ok: bool = True


@strawberry.type
class Subscription:
    """The subscription that is measured."""

    @strawberry.subscription
    async def session_revoked(
        self, scope: RevocationScope = RevocationScope.CURRENT_SESSION, after: str | None = None
    ) -> AsyncGenerator[SessionRevocation, None]:
        """Every event that is published."""
        queue: asyncio.Queue[FeedEvent] = asyncio.Queue()
        _subscribers.add(queue)
        try:
            while True:
                yield await queue.get()  # type: ignore[misc]
        finally:
            _subscribers.discard(queue)


class Stock(GraphQL[Any, Any]):
    """Strawberry's handler; each connect is checked against the database."""

    async def on_ws_connect(self, context: Any) -> Any:
        """Raises ConnectionRejectionError unless the token is a live session's."""
        token = context["connection_params"]["authorization"].removeprefix("Bearer ")
        try:
            async with _database.read() as reader:
                context["viewer"] = await authenticate(reader, token)
        except Unauthenticated:
            raise ConnectionRejectionError from None
        return await super().on_ws_connect(context)


_position = 0
_generation = events.new_generation()


async def publish(_request: Request) -> Response:
    """Tell every subscriber of one event."""
    global _position
    _position += 1
    event = events.session_revoked(new_id(), new_id(), RevocationReason.SIGNED_OUT)
    told = FeedEvent(
        event.kind,
        user_id=event.user_id,
        session_id=event.session_id,
        reason=event.reason,
        position=_position,
        generation=_generation,
        occurred_at=now(),
    )
    for queue in _subscribers:
        queue.put_nowait(told)
    return PlainTextResponse("done")


class _Server(uvicorn.Server):
    async def startup(self, *args: Any, **kwargs: Any) -> None:
        await super().startup(*args, **kwargs)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"stock Strawberry is serving on http://127.0.0.1:{port}/graphql", flush=True)


def main() -> None:
    """Serve until a signal."""
    schema = strawberry.Schema(
        query=Query, subscription=Subscription, config=StrawberryConfig(scalar_map={datetime: DateTime})
    )
    app = Starlette(routes=[Route("/publish", publish, methods=["POST"]), WebSocketRoute("/graphql", Stock(schema))])
    config = uvicorn.Config(
        app,
        port=0,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=65_536,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    _Server(config).run()


if __name__ == "__main__":
    main()
