"""What stands behind the sockets: how the transport asks for answers without knowing GraphQL."""

from collections.abc import AsyncIterator, MutableMapping, Sequence
from typing import Any, Protocol, TypeAlias

from models.enums import RevocationReason
from offboard.feed.hub import Connection, Identity
from offboard.feed.protocol import Json, Operation

Scope: TypeAlias = MutableMapping[str, Any]

Result: TypeAlias = Json | AsyncIterator[Json]
"""Formatted execution results: one (a query or mutation), or one after the other (a subscription)."""


class Unauthorized(Exception):
    """Nobody is signed in with this credential, or not any more; then `reason` says why. Clients must not retry."""

    def __init__(self, reason: RevocationReason | None = None) -> None:
        super().__init__(reason or "Unauthorized")
        self.reason = reason


class OperationFailed(Exception):
    """An operation ends with formatted GraphQL errors: before it ran, or because a subscription may not go on."""

    def __init__(self, errors: Sequence[Json]) -> None:
        super().__init__("; ".join(str(error.get("message")) for error in errors))
        self.errors = errors


class Api(Protocol):
    """Signs clients in and runs their operations. Any exception but the documented ones is logged and masked."""

    async def authenticate(self, token: str | None, scope: Scope) -> Identity:
        """Who holds a bearer token, checked against the database; raises Unauthorized.

        `scope` is the ASGI scope of the handshake.
        """

    async def execute(self, connection: Connection, operation: Operation) -> Result:
        """Check the connection's identity against the database again, then run an operation.

        Raises Unauthorized, which signs the whole socket out, and OperationFailed for errors of the request. A
        subscription's iterator may raise both too; it is closed with `aclose` if it has one. Cancelled when the client
        completes the operation or goes away.
        """
