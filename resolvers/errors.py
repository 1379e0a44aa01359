"""How a verb or a read says no.

A Refused is data: the client can act on it, and it comes back in the payload's `errors`. A RequestError is what is
wrong with the request or the caller, and becomes a GraphQL error with `extensions.code`. Both leave nothing half done.
"""

from dataclasses import dataclass

from models.enums import ErrorCode, RevocationReason


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a verb did nothing. `field` is the path into the input; `retry_after` is in seconds."""

    code: ErrorCode
    message: str
    field: list[str] | None = None
    retry_after: int | None = None


class Refused(Exception):
    """A verb refuses; the transaction is rolled back."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals = list(refusals)


def refuse(code: ErrorCode, message: str, *field: str) -> Refused:
    """A Refused with one reason, to be raised."""
    return Refused(Refusal(code, message, list(field) or None))


def not_found(what: str, *field: str) -> Refused:
    """The id names nothing in the viewer's workspace."""
    return refuse(ErrorCode.NOT_FOUND, f"There is no such {what} in this workspace.", *field)


class RequestError(Exception):
    """What is wrong with the request or the caller."""

    code = "INVALID_INPUT"


class InvalidInput(RequestError):
    """An argument that cannot be meant; the message says what to send instead."""


class InvalidCursor(RequestError):
    """A cursor that this list did not give out."""

    code = "INVALID_CURSOR"


class CursorExpired(RequestError):
    """A feed cursor that cannot be resumed from: refetch, then subscribe from `feedPosition`."""

    code = "CURSOR_EXPIRED"

    def __init__(self) -> None:
        super().__init__(
            "Events after this cursor can no longer be replayed. Refetch what you show together with feedPosition, "
            "then subscribe with that as `after`."
        )


class NotFound(RequestError):
    """A subscription's id names nothing that the viewer may read."""

    code = "NOT_FOUND"


class Forbidden(RequestError):
    """The viewer's roles or scopes do not allow this."""

    code = "FORBIDDEN"

    def __init__(self, message: str = "Your roles do not allow this.") -> None:
        super().__init__(message)


class Unauthenticated(RequestError):
    """Nobody is signed in, or the credential works no longer; then `reason` says why."""

    code = "UNAUTHENTICATED"

    def __init__(self, reason: RevocationReason | None = None) -> None:
        super().__init__(_UNAUTHENTICATED.get(reason, "Sign in to continue."))
        self.reason = reason


_UNAUTHENTICATED: dict[RevocationReason | None, str] = {
    RevocationReason.USER_DEACTIVATED: "Your account was deactivated by an administrator.",
    RevocationReason.USER_DELETED: "Your account was deleted.",
    RevocationReason.SESSION_REVOKED: "This session was ended. Sign in again.",
    RevocationReason.SIGNED_OUT: "You are signed out. Sign in again.",
    RevocationReason.PASSWORD_CHANGED: "The password was changed. Sign in again.",
    RevocationReason.TOKEN_REVOKED: "This access token was revoked.",
    RevocationReason.EXPIRED: "This session has expired. Sign in again.",
}
