"""How whoever stands behind the transports says no."""

from collections.abc import Sequence

from models.enums import RevocationReason
from offboard.feed.protocol import MASKED, Json


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


def code_of(errors: Sequence[Json] | None) -> str:
    """The code by which an operation's end with errors is known; INTERNAL for a failure that is not told."""
    first = (errors or [MASKED])[0]
    return str(first.get("extensions", {}).get("code"))
