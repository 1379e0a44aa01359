"""The ASGI application: its routes, and the request id that every log line and every masked error carries."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offboard.console import console_routes
from offboard.feed.socket import Endpoint as SocketEndpoint
from offboard.gateway import Gateway
from offboard.graphiql import graphiql_routes
from offboard.headers import SecurityHeaders
from offboard.health import Ready, healthy
from offboard.http import Endpoint as HttpEndpoint
from offboard.metrics import CountAnswers, metrics
from offboard.service import Service
from offboard.settings import Environment, Settings
from offboard.tracing import Spans

PATH = "/graphql"
REQUEST_ID = "X-Request-Id"


def create_app(settings: Settings) -> Starlette:
    """The application on the database that the settings name, which must be migrated."""
    service = Service(settings)
    gateway = Gateway(service)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    routes: list[BaseRoute] = [
        Route(PATH, HttpEndpoint(service, gateway)),
        Route("/healthz", healthy),
        Route("/readyz", Ready(service).__call__),
        Route("/metrics", metrics),
        *console_routes(settings.console),
    ]
    if settings.environment is Environment.DEVELOPMENT:
        routes += graphiql_routes(settings.console)
    middleware = [Middleware(RequestId, spans=service.spans), Middleware(CountAnswers)]
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
    app = Application(routes=routes, middleware=middleware, lifespan=lifespan)
    app.sockets = SocketEndpoint(gateway, service.feed)
    app.requests = SecurityHeaders(super(Application, app).__call__, https=settings.public_url.startswith("https:"))
    app.state.service = service
    app.router.redirect_slashes = False
    return app


class Application(Starlette):
    """Starlette for requests. A socket goes straight to its endpoint, which numbers the operations on it by itself."""

    sockets: SocketEndpoint
    requests: SecurityHeaders

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one request or socket."""
        if scope["type"] == "websocket" and scope["path"] == PATH:
            return self.sockets(scope, receive, send)
        return self.requests(scope, receive, send)


class RequestId:
    """Gives every request an id: in the log's context, and as X-Request-Id in the answer.

    So with its place in a trace: as trace_id in the log, and as `traceresponse` in the answer.
    """

    def __init__(self, app: ASGIApp, spans: Spans) -> None:
        self._app = app
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers["traceresponse"] = str(trace)
            await send(message)

        with self._spans.request(scope["method"], Headers(scope=scope).get("traceparent")) as trace:
            with structlog.contextvars.bound_contextvars(request_id=request_id, trace_id=trace.trace_id):
                await self._app(scope, receive, tell)
