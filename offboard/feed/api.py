"""What stands behind the transports: how they ask for answers without knowing GraphQL."""

from collections.abc import AsyncIterator, MutableMapping
from typing import Any, Protocol, TypeAlias

from offboard.feed.audience import Following
from offboard.feed.connection import Connection, Identity
from offboard.feed.protocol import Json, Operation

Scope: TypeAlias = MutableMapping[str, Any]

Result: TypeAlias = Json | AsyncIterator[Json] | Following
"""What an operation comes to: one formatted execution result; one after the other; or those that the feed makes of
events."""


class Api(Protocol):
    """Signs clients in and runs their operations. Any exception but the documented ones is logged and masked."""

    async def authenticate(self, token: str | None) -> Identity:
        """Who holds a bearer token, checked against the database; raises Unauthorized."""

    def web_token(self, scope: Scope) -> str | None:
        """The session token that a browser sent with its handshake; asked for where there is no bearer token."""

    async def execute(self, connection: Connection, operation: Operation, scope: Scope) -> Result:
        """Check the connection's identity against the database again, then run an operation.

        `scope` is the ASGI scope of the connection. Raises Unauthorized, which signs the whole connection out, and
        OperationFailed for errors of the request. An iterator may raise both too; it is closed with `aclose` if it has
        one. Cancelled when the client completes the operation or goes away.
        """
