"""What answers behind the sockets: signs clients in and runs their operations, as offboard.feed.api asks."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from graphql import ExecutionResult, OperationType

from offboard.documents import RequestErrors, prepare
from offboard.execution import describe, describe_request_error, run, shown, start
from offboard.feed.api import OperationFailed, Result, Scope, Unauthorized
from offboard.feed.hub import Connection
from offboard.feed.protocol import Json, Operation
from offboard.service import Service
from resolvers.errors import RequestError, Unauthenticated
from resolvers.viewer import Viewer, authenticate, recheck
from schema.context import Client, Context


class Gateway:
    """Implements offboard.feed.api.Api with this application's schema."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def authenticate(self, token: str | None, scope: Scope) -> Viewer:
        """Who holds a bearer token; raises Unauthorized."""
        if token is None:
            raise Unauthorized
        try:
            async with self._service.database.read() as reader:
                viewer = await authenticate(reader, token)
        except Unauthenticated as error:
            raise Unauthorized(error.reason) from None
        self._service.seen(viewer)
        return viewer

    async def execute(self, connection: Connection, operation: Operation) -> Result:
        """Check the connection's session again, then run one operation; raises Unauthorized and OperationFailed."""
        try:
            prepared = prepare(operation.query, operation.operation_name)
        except RequestErrors as errors:
            raise OperationFailed([describe(error) for error in errors.errors]) from None
        context = self._service.context(client=_client(connection.scope), connection=connection)
        try:
            viewer = await recheck(context.reader, cast("Viewer", connection.identity))
            context.sign_in(viewer)
            self._service.seen(viewer)
            if prepared.kind is not OperationType.SUBSCRIPTION:
                return await run(prepared, context, operation.variables)
            stream = await start(prepared, context, operation.variables)
        except Unauthenticated as error:
            raise Unauthorized(error.reason) from None
        finally:
            await context.reader.refresh()
        if isinstance(stream, ExecutionResult):
            raise OperationFailed([describe(error) for error in stream.errors or ()])
        return _results(stream, context)


async def _results(stream: AsyncIterator[ExecutionResult], context: Context) -> AsyncGenerator[Json, None]:
    try:
        async with aclosing(cast("AsyncGenerator[ExecutionResult, None]", stream)):
            async for result in stream:
                await context.reader.refresh()
                yield shown(result)
    except Unauthenticated as error:
        raise Unauthorized(error.reason) from None
    except RequestError as error:
        raise OperationFailed([describe_request_error(error)]) from None
    finally:
        await context.reader.refresh()


def _client(scope: Any) -> Client:
    headers = dict(scope["headers"])
    agent = headers.get(b"user-agent")
    return Client(
        ip_address=scope["client"][0] if scope.get("client") else None,
        user_agent=agent.decode("latin-1") if agent else None,
    )
