"""What mutations answer. Each payload has `errors`; the rest is null, false or zero when the mutation was refused."""

from typing import Any

import strawberry

from schema.leaving import ScheduledDeparture
from schema.people import AccessToken, MutationError, Session, User, Workspace
from schema.work import BulkOperation, Conversation, Note


def errors() -> Any:
    """The field that every payload has."""
    return strawberry.field(default_factory=list, description="Why it was refused; empty when it was done.")


@strawberry.type(description="The outcome of signIn and acceptInvitation.")
class SignInPayload:
    """See the description."""

    token: str | None = strawberry.field(
        default=None, description="The bearer secret, shown once; null on refusal, and when the session is a cookie."
    )
    session: Session | None = strawberry.field(default=None, description="The new session.")
    user: User | None = strawberry.field(default=None, description="Who signed in.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of signOut.")
class SignOutPayload:
    """See the description."""

    signed_out: bool = strawberry.field(description="Always true: the session has ended.")


@strawberry.type(description="The outcome of revokeSession and revokeAllSessions.")
class RevokeSessionsPayload:
    """See the description."""

    revoked_sessions: int = strawberry.field(default=0, description="How many sessions ended.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of requestPasswordReset.")
class RequestPasswordResetPayload:
    """See the description."""

    accepted: bool = strawberry.field(
        default=True, description="True whether or not the address is known; false only with RATE_LIMITED."
    )
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of resetPassword and changePassword.")
class ResetPasswordPayload:
    """See the description."""

    errors: list[MutationError] = errors()


@strawberry.type(description="A user, as the mutation left it.")
class UserPayload:
    """See the description."""

    user: User | None = strawberry.field(default=None, description="The user.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of deactivateUser.")
class DeactivateUserPayload:
    """See the description."""

    user: User | None = strawberry.field(default=None, description="The user.")
    revoked_sessions: int = strawberry.field(default=0, description="How many sessions ended.")
    hand_over: BulkOperation | None = strawberry.field(default=None, description="The hand-over that was asked for.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of scheduleDeparture.")
class ScheduleDeparturePayload:
    """See the description."""

    departure: ScheduledDeparture | None = strawberry.field(default=None, description="The departure, as it stands.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of deleteUser.")
class DeleteUserPayload:
    """See the description."""

    deleted_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id that clients still hold."
    )
    errors: list[MutationError] = errors()


@strawberry.type(description="The workspace, as the mutation left it.")
class WorkspacePayload:
    """See the description."""

    workspace: Workspace | None = strawberry.field(default=None, description="The workspace.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of bulkReassign, undoBulkReassign and cancelBulkReassign.")
class BulkReassignPayload:
    """See the description."""

    operation: BulkOperation | None = strawberry.field(
        default=None, description="The operation; null for a dry run and on refusal."
    )
    matched: int = strawberry.field(default=0, description="Conversations and follow-ups that it matched.")
    errors: list[MutationError] = errors()


@strawberry.type(description="A conversation, as the mutation left it.")
class ConversationPayload:
    """See the description."""

    conversation: Conversation | None = strawberry.field(default=None, description="The conversation.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of addNote.")
class NotePayload:
    """See the description."""

    note: Note | None = strawberry.field(default=None, description="The new note.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of createAccessToken.")
class CreateAccessTokenPayload:
    """See the description."""

    access_token: AccessToken | None = strawberry.field(default=None, description="The new token.")
    secret: str | None = strawberry.field(default=None, description="The bearer secret, shown once.")
    errors: list[MutationError] = errors()


@strawberry.type(description="The outcome of revokeAccessToken.")
class RevokeAccessTokenPayload:
    """See the description."""

    revoked: bool = strawberry.field(default=False, description="True: the token works no longer.")
    errors: list[MutationError] = errors()
