"""The ASGI application: its routes, and the request id that every log line and every masked error carries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offboard.feed.socket import Endpoint as SocketEndpoint
from offboard.gateway import Gateway
from offboard.health import Ready, healthy
from offboard.http import Endpoint as HttpEndpoint
from offboard.metrics import CountAnswers, metrics
from offboard.service import Service
from offboard.settings import Settings

REQUEST_ID = "X-Request-Id"


def create_app(settings: Settings) -> Starlette:
    """The application on the database that the settings name, which must be migrated."""
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    routes: list[BaseRoute] = [
        Route("/graphql", HttpEndpoint(service).__call__, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", SocketEndpoint(Gateway(service), service.feed)),
        Route("/healthz", healthy),
        Route("/readyz", Ready(service).__call__),
        Route("/metrics", metrics),
    ]
    middleware = [Middleware(RequestId), Middleware(CountAnswers)]
    if settings.allowed_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
                expose_headers=[REQUEST_ID],
                max_age=600,
            )
        )
    app = Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
    app.state.service = service
    app.router.redirect_slashes = False
    return app


class RequestId:
    """Gives every request and socket an id: in the log's context, and as X-Request-Id in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, tell)
