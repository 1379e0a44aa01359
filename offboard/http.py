"""GraphQL over HTTP: `POST /graphql` with JSON, `GET /graphql` for queries; subscriptions as event streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from graphql import OperationType
from starlette.requests import ClientDisconnect
from starlette.requests import Request as AnyRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from offboard.documents import Prepared, RequestErrors
from offboard.execution import OPEN_FIELDS, PUBLIC_MUTATIONS, describe, describe_request_error, masked_error, run
from offboard.feed import sse
from offboard.feed.errors import OperationFailed
from offboard.feed.protocol import Json, Operation
from offboard.feed.sse import EventStream
from offboard.gateway import Gateway
from offboard.insight import Seen, observed
from offboard.limits import LimitExceeded, TimedOut
from offboard.media import JSON, RESPONSE_TYPE, STREAM, Accepted
from offboard.service import Service
from offboard.trusted import document_id
from offboard.web_session import HEADER, WebSessions
from resolvers.errors import RequestError, Unauthenticated
from resolvers.viewer import Viewer, authenticate
from schema.context import Client, Context, WebSession

METHODS = "GET, HEAD, POST"
JSON_PARAMETERS = ("variables", "extensions")

log = structlog.get_logger(__name__)


class HttpError(RequestError):
    """A request that is not GraphQL over HTTP."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class BodyTooLarge(LimitExceeded):
    """A request with more than it may have."""

    def __init__(self, most: int) -> None:
        super().__init__("body", most, f"The request's body has more than {most:,} bytes.")


class ForeignPage(HttpError):
    """A cookie came without the proof that a page of this server sent it."""

    code = "FORBIDDEN"

    def __init__(self) -> None:
        super().__init__(
            403,
            f"A session cookie counts only for pages of this server: with its Origin and the header {HEADER} for POST, "
            "with Sec-Fetch-Site: same-origin for GET. Other clients send Authorization: Bearer.",
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request asks for."""

    query: str | None
    document_id: str | None
    operation_name: str | None
    variables: dict[str, Any] | None


class Request(AnyRequest):
    """A request, and what its headers say, read once: which answers are accepted, and a browser's session."""

    def __init__(self, scope: Scope, receive: Receive, web_sessions: WebSessions) -> None:
        super().__init__(scope, receive)
        self.accepted = Accepted(self.headers.get("accept"))
        self.browser = web_sessions.read(scope)


class Endpoint:
    """Answers requests to /graphql."""

    def __init__(self, service: Service, gateway: Gateway) -> None:
        self._service = service
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application: one request of any method, one answer, in JSON but for subscriptions."""
        request = Request(scope, receive, self._service.web_sessions)
        web_session = WebSession(request.browser.token) if request.browser.is_wanted else None
        context = self._service.context(client=_client(request), web_session=web_session)
        with observed() as seen:
            response = await self._answered(request, context, seen)
        if isinstance(response, Response):
            _keep_session(request, context, response)
        await response(scope, receive, send)

    async def _answered(self, request: Request, context: Context, seen: Seen) -> Response | EventStream:
        try:
            return await self._respond(request, context, seen)
        except Unauthenticated as error:
            return _answer(request, 401, {"errors": [describe_request_error(error)]})
        except HttpError as error:
            return _answer(request, error.status, {"errors": [describe_request_error(error)]}, error.headers)
        except BodyTooLarge as error:
            # The rest of the body is not read: the connection cannot be used again.
            return _answer(request, 413, {"errors": [describe_request_error(error)]}, {"Connection": "close"})
        except TimedOut as error:
            return _answer(request, 503, {"errors": [describe_request_error(error)]})
        except ClientDisconnect:
            return Response()
        except RequestErrors as errors:
            return _failure(request, [describe(error) for error in errors.errors])
        except OperationFailed as failed:
            return _failure(request, failed.errors)
        except Exception:
            log.exception("A request failed")
            return _answer(request, 500, {"errors": [masked_error()]})
        finally:
            await self._service.leave(context)

    async def _respond(self, request: Request, context: Context, seen: Seen) -> Response | EventStream:
        try:
            _check_form(request)
            parameters = await _parameters(request, self._service.settings.max_body_bytes)
            query = self._service.documents.text(parameters.document_id, parameters.query)
            prepared = self._service.documents.prepare(query, parameters.operation_name, parameters.variables)
            _check_method(request, prepared)
        except (HttpError, BodyTooLarge, RequestErrors):
            await self._caller(request, context)
            raise
        if not prepared.root_fields <= PUBLIC_MUTATIONS:
            viewer = await self._caller(request, context)
            if viewer is not None:
                context.sign_in(viewer)
            elif not prepared.root_fields <= OPEN_FIELDS:
                raise ForeignPage if request.browser.is_unproven else Unauthenticated
        if prepared.kind is OperationType.SUBSCRIPTION:
            operation = Operation(query, parameters.operation_name, parameters.variables)
            stream = EventStream(self._service.feed, context.viewer)
            return stream.of(await self._gateway.subscribe(operation, prepared, context.viewer, stream.connection))
        seen.is_run(prepared, query, context.caller)
        answer = await run(prepared, context, parameters.variables, within=self._service.operation_timeout)
        return _answer(request, 401 if _is_unauthenticated(answer) else None, answer)

    async def _caller(self, request: Request, context: Context) -> Viewer | None:
        """Who calls, None for nobody; raises Unauthenticated for a credential that is bad or works no longer."""
        token = _token(request)
        if token is None:
            return None
        viewer = await authenticate(context.reader, token)
        structlog.contextvars.bind_contextvars(workspace_id=str(viewer.workspace_id))
        self._service.sightings.note(viewer)
        return viewer


def _token(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return request.browser.token
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    return token.strip()


def _keep_session(request: Request, context: Context, response: Response) -> None:
    """Set the browser's cookie for a session that was opened; clear it for one that was left.

    A 401 clears nothing: it may come after the answer of another tab, in which somebody has just signed in.
    """
    kept = context.web_session
    if kept is None:
        return
    if kept.token is not None and kept.expires_at is not None:
        request.browser.keep(response, kept.token, kept.expires_at)
    elif kept.is_over:
        request.browser.drop(response)


def _check_form(request: Request) -> None:
    if request.method not in METHODS.split(", "):
        raise HttpError(405, "Send queries with GET, and all operations with POST.", {"Allow": METHODS})
    if request.accepted.form is None and not request.accepted.streams:
        raise HttpError(406, f"Answers are {RESPONSE_TYPE} or {JSON}; subscriptions are {STREAM}.")


async def _parameters(request: Request, most: int) -> Parameters:
    if request.method != "POST":
        sent = request.query_params
        raw: Any = {**sent, **{name: _json(text) if (text := sent.get(name)) else None for name in JSON_PARAMETERS}}
    else:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise HttpError(415, f"Send the request as {JSON}.")
        raw = _json(await _body(request, most))
    if not isinstance(raw, dict):
        raise HttpError(400, "Send one JSON object with the operation in `query`.")
    query, name, variables = raw.get("query"), raw.get("operationName"), raw.get("variables")
    if not isinstance(raw.get("extensions"), dict | None):
        raise HttpError(400, "`extensions` must be an object or null.")
    named = document_id(raw.get("documentId"), raw.get("extensions"))
    if not query and named is not None:
        query = None
    elif not isinstance(query, str) or not query:
        raise HttpError(400, "`query` must be a string with the GraphQL document.")
    if not isinstance(name, str | None):
        raise HttpError(400, "`operationName` must be a string or null.")
    if not isinstance(variables, dict | None):
        raise HttpError(400, "`variables` must be an object or null.")
    return Parameters(query, named, name or None, variables)


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLarge(most)
    return bytes(body)


def _json(text: bytes | str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise HttpError(400, "The request is not valid JSON.") from None


def _check_method(request: Request, prepared: Prepared) -> None:
    if prepared.kind is OperationType.SUBSCRIPTION:
        if not request.accepted.streams:
            raise HttpError(
                400,
                "Subscriptions need a WebSocket to this URL with the graphql-transport-ws protocol, "
                f"or a request with the header Accept: {STREAM}.",
            )
    elif request.method != "POST" and prepared.kind is not OperationType.QUERY:
        raise HttpError(405, "GET is for queries only. Send mutations with POST.", {"Allow": "POST"})


def _client(request: Request) -> Client:
    return Client(
        ip_address=request.client.host if request.client else None, user_agent=request.headers.get("user-agent")
    )


def _is_unauthenticated(answer: Mapping[str, Any]) -> bool:
    return any(error["extensions"]["code"] == Unauthenticated.code for error in answer.get("errors", ()))


def _failure(request: Request, errors: Sequence[Json]) -> Response:
    """What keeps an operation from running: to a client that takes nothing but event streams, as one."""
    if request.accepted.only_streams:
        return Response(sse.failure(errors), headers=sse.HEADERS)
    return _answer(request, None, {"errors": errors})


def _answer(
    request: Request, status: int | None, answer: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Without a status of its own, a request error is 400 as graphql-response+json, and 200 as plain JSON."""
    media_type = request.accepted.form or JSON
    if status is None:
        status = 400 if media_type == RESPONSE_TYPE and "data" not in answer else 200
    sent = {**(headers or {}), "Cache-Control": "no-store"}
    if status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(answer), status, sent, f"{media_type}; charset=utf-8")
