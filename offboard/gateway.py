"""What answers behind the sockets: signs clients in and runs their operations, as offboard.feed.api asks."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cached_property
from time import monotonic
from typing import Any, NamedTuple, cast
from weakref import WeakValueDictionary

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType

from models.events import FeedEvent
from offboard.batch import Batch
from offboard.documents import Prepared, RequestErrors
from offboard.execution import answer_event, describe, describe_request_error, run, source
from offboard.feed.api import Result, Scope
from offboard.feed.audience import Audience, Following
from offboard.feed.connection import Connection, Ending
from offboard.feed.errors import OperationFailed, Unauthorized, code_of
from offboard.feed.protocol import Json, Operation
from offboard.insight import Known, observed, tell_of_end
from offboard.limits import TimedOut
from offboard.logging import numbered
from offboard.service import Service
from offboard.trusted import document_id
from resolvers.anybody import Anybody
from resolvers.errors import CursorExpired, RequestError, Unauthenticated
from resolvers.viewer import Standing, Viewer, authenticate_many, recheck_many
from schema.context import Client, Context
from schema.subscription import Watched, position_after


class AudienceKey(NamedTuple):
    """What decides how events are answered: the operation, its variables but for the cursor, and what may be seen."""

    query: str | None
    operation_name: str | None
    variables: bytes
    standing: Standing


class Gateway:
    """Implements offboard.feed.api.Api with this application's schema.

    Clients that come at the same time are checked in one statement. Those of one standing that ask the same form one
    audience.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self._audiences: WeakValueDictionary[AudienceKey, Audience] = WeakValueDictionary()
        self._signing_in = Batch(self._authenticate)
        self._checking = Batch(self._recheck)

    async def authenticate(self, token: str | None) -> Viewer:
        """Who holds a bearer token; raises Unauthorized."""
        if token is None:
            raise Unauthorized
        return self._admit(await self._signing_in.ask(token))

    def web_token(self, scope: Scope) -> str | None:
        """See Api."""
        return self.service.web_sessions.read(scope).token

    async def check(self, connection: Connection) -> Viewer:
        """Who holds a connection, as the database has it now; raises Unauthorized."""
        return self._admit(await self._checking.ask(cast("Viewer", connection.identity)))

    async def execute(self, connection: Connection, operation: Operation, scope: Scope) -> Result:
        """Check the connection's session again, then run one operation; raises Unauthorized and OperationFailed."""
        query, prepared = self._prepared(operation)
        if prepared.kind is OperationType.SUBSCRIPTION:
            viewer = await self.check(connection)
            known = operation if query == operation.query else replace(operation, query=query)
            return await self.subscribe(known, prepared, viewer, connection)
        with self.service.spans.request("operation", _traceparent(operation)) as trace:
            with numbered(trace_id=trace.trace_id), observed() as seen:
                viewer = await self.check(connection)
                seen.is_run(prepared, query, viewer)
                return await self._run(prepared, operation, viewer, scope)

    def _prepared(self, operation: Operation) -> tuple[str, Prepared]:
        documents = self.service.documents
        try:
            query = documents.text(document_id(operation.document_id, operation.extensions), operation.query)
            return query, documents.prepare(query, operation.operation_name, operation.variables)
        except RequestErrors as errors:
            raise OperationFailed([describe(error) for error in errors.errors]) from None

    async def _run(self, prepared: Prepared, operation: Operation, viewer: Viewer, scope: Scope) -> Result:
        context = self.service.context(caller=viewer, client=_client(scope))
        try:
            return await run(prepared, context, operation.variables, within=self.service.operation_timeout)
        except TimedOut as error:
            raise OperationFailed([describe_request_error(error)]) from None
        finally:
            await self.service.leave(context)

    async def subscribe(
        self,
        operation: Operation,
        prepared: Prepared,
        viewer: Viewer,
        connection: Connection,
        position: int | None = None,
    ) -> Following | AsyncIterator[Json]:
        """Start a subscription for a viewer who was checked just now, at its cursor or else at a position.

        Raises OperationFailed.
        """
        variables = dict(operation.variables or {})
        after = variables.pop(prepared.cursor_variable, None) if prepared.cursor_variable else None
        key = AudienceKey(operation.query, operation.operation_name, _encoded(variables), viewer.standing)
        audience = self._audiences.get(key)
        is_valid = isinstance(after, str) or (after is None and not prepared.cursor_required)
        if audience is None or not is_valid:
            context = self.service.context(caller=viewer)
            stream = await source(prepared, context, operation.variables)
            if isinstance(stream, ExecutionResult):
                raise OperationFailed([describe(error) for error in stream.errors or ()])
            if not isinstance(stream, Watched):
                return _results(stream, prepared, context, operation, connection)
            answers = FeedAnswers(self, operation, prepared, viewer.standing, stream)
            audience = self._audiences[key] = Audience(answers)
        watched = cast("FeedAnswers", audience.answers).watched
        if position is None:
            try:
                position = position_after(viewer.feed, after if prepared.cursor_variable else watched.after)
            except RequestError as error:
                raise OperationFailed([describe_request_error(error)]) from None
        return Following(audience, watched.watch(viewer), position, viewer.feed.position)

    def _admit(self, found: Viewer | Unauthenticated) -> Viewer:
        if isinstance(found, Unauthenticated):
            raise Unauthorized(found.reason)
        self.service.sightings.note(found)
        return found

    async def _authenticate(self, tokens: Collection[str]) -> Mapping[str, Viewer | Unauthenticated]:
        async with self.service.database.read() as reader:
            return await authenticate_many(reader, tokens)

    async def _recheck(self, viewers: Collection[Viewer]) -> Mapping[Viewer, Viewer | Unauthenticated]:
        async with self.service.database.read() as reader:
            return await recheck_many(reader, viewers)


@dataclass
class FeedAnswers:
    """How one subscription operation answers events for viewers of one standing. Implements Answers.

    An event is executed through the eyes of Anybody. Once an answer depends on who asks (one's own `sessions`, which of
    them is `current`), the operation is executed for each subscriber by itself, after another look at who that is.
    """

    gateway: Gateway
    operation: Operation
    prepared: Prepared
    standing: Standing
    watched: Watched
    is_personal: bool = False

    async def for_all(self, event: FeedEvent) -> bytes | None:
        """See Answers."""
        if self.is_personal:
            return None
        anybody = Anybody(self.standing)
        answer = await self._answer(event, anybody)
        self.is_personal = anybody.asked_who
        return None if self.is_personal else answer

    async def for_one(self, event: FeedEvent, connection: Connection) -> bytes:
        """See Answers."""
        return await self._answer(event, await self.gateway.check(connection))

    async def renew(self, connection: Connection, position: int) -> Following:
        """See Answers."""
        viewer = await self.gateway.check(connection)
        renewed = await self.gateway.subscribe(self.operation, self.prepared, viewer, connection, position)
        assert isinstance(renewed, Following)
        return renewed

    def ended(self, connection: Connection, seconds: float, events: int, why: str) -> None:
        """See Answers."""
        tell_of_end(self._known, connection.identity.workspace_id, seconds, events, why)

    @cached_property
    def _known(self) -> Known:
        return _known(self.prepared, self.operation)

    @property
    def cursor_expired(self) -> Sequence[Json]:
        """See Answers."""
        return [describe_request_error(CursorExpired())]

    async def _answer(self, event: FeedEvent, viewer: Viewer) -> bytes:
        context = self.gateway.service.context(caller=viewer)
        try:
            with numbered():
                return orjson.dumps(await answer_event(self.prepared, context, self.operation.variables, event))
        finally:
            await context.reader.refresh()


async def _results(
    stream: AsyncIterator[Any], prepared: Prepared, context: Context, operation: Operation, connection: Connection
) -> AsyncGenerator[Json, None]:
    began, told = monotonic(), 0
    why: str | None = None
    try:
        async with aclosing(cast("AsyncGenerator[Any, None]", stream)):
            async for event in stream:
                told += 1
                with numbered():
                    yield await answer_event(prepared, context, operation.variables, event)
                await context.forget()
        why = Ending.COMPLETED
    except Unauthenticated as error:
        why = error.reason or error.code
        raise Unauthorized(error.reason) from None
    except RequestError as error:
        why = error.code
        raise OperationFailed([describe_request_error(error)]) from None
    except Exception:
        why = code_of(None)
        raise
    finally:
        workspace_id = connection.identity.workspace_id
        tell_of_end(_known(prepared, operation), workspace_id, monotonic() - began, told, why or connection.why_over)
        await context.reader.refresh()


def _known(prepared: Prepared, operation: Operation) -> Known:
    return Known.of(prepared, operation.query or "", is_signed_in=True)


def _encoded(variables: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise OperationFailed([describe(GraphQLError("The variables are nested too deeply."))]) from None


def _traceparent(operation: Operation) -> str | None:
    """The trace that a client names; a message has no headers, so it is in the extensions of the operation."""
    found = (operation.extensions or {}).get("traceparent")
    return found if isinstance(found, str) else None


def _client(scope: Any) -> Client:
    headers = dict(scope["headers"])
    agent = headers.get(b"user-agent")
    return Client(
        ip_address=scope["client"][0] if scope.get("client") else None,
        user_agent=agent.decode("latin-1") if agent else None,
    )
