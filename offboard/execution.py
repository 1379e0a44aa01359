"""Executing operations, and saying what went wrong: codes for what clients can act on, a request id for the rest."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from inspect import isawaitable
from typing import Any, cast

import structlog
from graphql import ExecutionResult, Executor, GraphQLError, create_source_event_stream, execute

from offboard.documents import GRAPHQL, MOST_ERRORS, Prepared
from offboard.insight import FAILURES
from offboard.limits import LimitExceeded, TimedOut
from resolvers.errors import Refused, RequestError, Unauthenticated
from schema.context import Context
from schema.subscription import Watched

PUBLIC_MUTATIONS = frozenset({"signIn", "acceptInvitation", "requestPasswordReset", "resetPassword"})
OPEN_FIELDS = PUBLIC_MUTATIONS | {"__typename", "__schema", "__type"}

log = structlog.get_logger(__name__)


async def run(
    prepared: Prepared, context: Context, variables: Mapping[str, Any] | None, *, within: timedelta
) -> dict[str, Any]:
    """Execute a query or mutation; the response map of the GraphQL specification, section 7.1.

    Whatever is not done `within` a time is cancelled, but for a transaction, which ends: raises TimedOut.
    """
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await answer_event(prepared, context, variables, None)
    except TimeoutError:
        raise TimedOut from None


async def answer_event(
    prepared: Prepared, context: Context, variables: Mapping[str, Any] | None, event: object
) -> dict[str, Any]:
    """Execute a subscription for one event of its source, the root value; the response map as of run()."""
    try:
        result = execute(GRAPHQL, prepared.document, event, **_arguments(prepared, context, variables))
        return shown(await result if isawaitable(result) else result)
    except RecursionError as error:
        log.warning("An operation was nested too deeply")
        return {"errors": [describe(GraphQLError("The operation is nested too deeply.", original_error=error))]}


async def source(
    prepared: Prepared, context: Context, variables: Mapping[str, Any] | None
) -> AsyncIterator[Any] | Watched | ExecutionResult:
    """Where a subscription gets its events from, or one result with the errors that keep it from starting.

    GraphQL specification, section 6.2.3.1, CreateSourceEventStream.
    """
    arguments = _arguments(prepared, context, variables)
    executor = Executor.build(
        GRAPHQL,
        prepared.document,
        raw_variable_values=arguments.pop("variable_values"),
        **arguments,
    )
    if isinstance(executor, list):
        return ExecutionResult(None, errors=executor)
    stream = create_source_event_stream(executor)
    result = await stream if isawaitable(stream) else stream
    return result if isinstance(result, ExecutionResult | Watched) else cast("AsyncIterator[Any]", result)


def _arguments(prepared: Prepared, context: Context, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    name = prepared.operation.name
    return {
        "context_value": context,
        "variable_values": dict(variables or {}),
        "operation_name": name.value if name else None,
        "max_coercion_errors": MOST_ERRORS,
        "hide_suggestions": prepared.hide_suggestions,
    }


def shown(result: ExecutionResult) -> dict[str, Any]:
    """A result as it is sent; a request error has no `data`."""
    answer: dict[str, Any] = {}
    if result.errors:
        answer["errors"] = [describe(error) for error in result.errors]
    if result.data is not None or not result.errors or any(error.path for error in result.errors):
        answer["data"] = result.data
    return answer


def describe(error: GraphQLError) -> dict[str, Any]:
    """An error as it is sent, with `extensions.code`. What was not foreseen is logged and masked as INTERNAL."""
    formatted: dict[str, Any] = {**error.formatted}
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, RequestError):
        formatted["extensions"] = extensions_of(cause)
    elif isinstance(cause, Refused):
        formatted["extensions"] = {"code": str(cause.refusals[0].code)}
    elif cause is None or isinstance(cause, GraphQLError) or error.path is None:
        formatted["extensions"] = {**(error.extensions or {}), "code": "INVALID_INPUT"}
    else:
        log.error("An operation failed", exc_info=cause, path=error.path)
        formatted |= masked_error()
    return formatted


def masked_error() -> dict[str, Any]:
    """What a client is told of a failure that was not foreseen: the id under which it was logged."""
    FAILURES.inc()
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return {
        "message": f"Something went wrong on our side. Quote request {request_id} when you report it.",
        "extensions": {"code": "INTERNAL", "requestId": request_id},
    }


def describe_request_error(error: RequestError) -> dict[str, Any]:
    """An error of the request as a whole, as it is sent."""
    return {"message": str(error), "extensions": extensions_of(error)}


def extensions_of(error: RequestError) -> dict[str, Any]:
    """The code; for a session or token that ended the reason, for what was too much the limit."""
    extensions: dict[str, Any] = {"code": error.code}
    if isinstance(error, LimitExceeded):
        extensions |= {"limit": error.limit, "maximum": error.maximum}
    if isinstance(error, Unauthenticated) and error.reason is not None:
        extensions["reason"] = str(error.reason)
    return extensions
