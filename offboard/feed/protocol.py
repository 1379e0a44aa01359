"""The messages of `graphql-transport-ws` and its close codes, as PROTOCOL.md of enisdenjo/graphql-ws has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

import orjson

SUBPROTOCOL = "graphql-transport-ws"

LONGEST_REASON = 123
"""Bytes that a close frame has for its reason: 125 for a control frame's payload less 2 for the code, RFC 6455 5.5."""

Json: TypeAlias = Mapping[str, Any]


MASKED: Json = {"message": "Something went wrong on the server.", "extensions": {"code": "INTERNAL"}}
"""The error of an operation whose failure is in the log only."""


class CloseCode(IntEnum):
    """Why the server closes; each from the section of PROTOCOL.md that its comment names."""

    INVALID_MESSAGE = 4400  # Invalid message
    UNAUTHORIZED = 4401  # Subscribe
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406  # Communication; the code is that of the reference server
    INIT_TIMEOUT = 4408  # ConnectionInit
    SUBSCRIBER_EXISTS = 4409  # Subscribe
    TOO_MANY_INITS = 4429  # ConnectionInit


class InvalidMessage(Exception):
    """A message of a type or format that PROTOCOL.md does not specify; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ConnectionInit:
    """The client introduces itself."""

    payload: Json | None


@dataclass(frozen=True, slots=True)
class Ping:
    """The client wants a pong with the same payload."""

    payload: Json | None


@dataclass(frozen=True, slots=True)
class Pong:
    """A heartbeat; needs no answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a subscribe message asks to be executed: a document, or one that both sides know by its id."""

    query: str | None
    operation_name: str | None = None
    variables: Json | None = None
    extensions: Json | None = None
    document_id: str | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The client requests an operation under an id of its own choice."""

    id: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Complete:
    """The client has stopped listening to an operation."""

    id: str


Message: TypeAlias = ConnectionInit | Ping | Pong | Subscribe | Complete


def read(text: str) -> Message:
    """The message that a client sent; raises InvalidMessage."""
    try:
        message = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise InvalidMessage("A message must be JSON") from None
    if not isinstance(message, dict):
        raise InvalidMessage("A message must be a JSON object")
    match message.get("type"):
        case "connection_init":
            return ConnectionInit(_object(message, "payload"))
        case "ping":
            return Ping(_object(message, "payload"))
        case "pong":
            _object(message, "payload")
            return Pong()
        case "subscribe":
            return Subscribe(_id(message), _operation(message))
        case "complete":
            return Complete(_id(message))
        case str() as other:
            raise InvalidMessage(f"Clients send no message of type {other}")
        case _:
            raise InvalidMessage("A message needs a type")


def _id(message: Json) -> str:
    match message.get("id"):
        case str() as text if text:
            return text
        case _:
            raise InvalidMessage("id must be a non-empty string")


def _operation(message: Json) -> Operation:
    payload = _object(message, "payload")
    if payload is None:
        raise InvalidMessage("payload must be an object")
    query, name, document = payload.get("query"), payload.get("operationName"), payload.get("documentId")
    extensions = _object(payload, "extensions")
    is_named = isinstance(document, str) or "persistedQuery" in (extensions or {})
    if not isinstance(query, str) and not (query is None and is_named):
        raise InvalidMessage("query must be a string")
    if not isinstance(document, str | None):
        raise InvalidMessage("documentId must be a string or null")
    if name is not None and not isinstance(name, str):
        raise InvalidMessage("operationName must be a string or null")
    return Operation(query, name, _object(payload, "variables"), extensions, document)


def _object(holder: Json, key: str) -> Json | None:
    value = holder.get(key)
    if value is not None and not isinstance(value, dict):
        raise InvalidMessage(f"{key} must be an object or null")
    return value


CONNECTION_ACK = b'{"type":"connection_ack"}'
"""The client may subscribe now."""


def pong(payload: Json | None) -> bytes:
    """The answer to a ping, with its payload; raises InvalidMessage for one too deep to be encoded again."""
    try:
        return orjson.dumps({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
    except orjson.JSONEncodeError:
        raise InvalidMessage("payload is nested too deeply") from None


def next_result(operation_id: str, payload: bytes) -> bytes:
    """One execution result of an operation, encoded already: many operations may share it."""
    return b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(operation_id), payload)


def error(operation_id: str, errors: Sequence[Json]) -> bytes:
    """The errors that terminate an operation; no complete follows."""
    return orjson.dumps({"id": operation_id, "type": "error", "payload": errors})


def complete(operation_id: str) -> bytes:
    """An operation has ended."""
    return orjson.dumps({"id": operation_id, "type": "complete"})


def cut(reason: str) -> str:
    """As much of a reason as a close frame holds, in whole characters."""
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")
