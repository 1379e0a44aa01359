"""What clients send. Inputs turn themselves into what resolvers take; a malformed id becomes one that names nothing."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry import UNSET

from models.enums import (
    AuditAction,
    ClientKind,
    ConversationStatus,
    DeactivationReason,
    DeletionReason,
    ErrorCode,
    Role,
    TokenScope,
    UserStatus,
)
from resolvers import audit, inbox, users
from resolvers.errors import refuse
from resolvers.inbox import InboxOrderField
from resolvers.pages import OrderDirection
from resolvers.targets import Target
from resolvers.users import UserOrderField
from schema import ids

PUBLIC_ACTORS = ("User", "AccessToken", "DeletedUser")


def described(description: str, **options: Any) -> Any:
    """An input field."""
    return strawberry.field(description=description, **options)


@strawberry.input(description="Which users are meant: those that fit everything that is given.")
class UserFilter:
    """See the description."""

    status: UserStatus | None = described("Active or inactive ones.", default=None)
    role: Role | None = described("Those who hold a role.", default=None)
    team_id: strawberry.ID | None = described("Those of a team.", default=None)
    search: str | None = described(
        "Prefix of a word of the name, or of the email; case-insensitive, at most 200 characters.", default=None
    )

    def plain(self) -> users.UserFilter:
        """As the resolvers take it."""
        team_id = None if self.team_id is None else ids.decode("Team", self.team_id)
        return users.UserFilter(self.status, self.role, team_id, self.search)


@strawberry.input(description="How users are ordered. Who never signed in counts as earliest.")
class UserOrder:
    """See the description."""

    field: UserOrderField = described("By what; NAME goes by lower-case code point.")
    direction: OrderDirection = described("Which way.", default=OrderDirection.ASC)


@strawberry.input(one_of=True, description="To whom work is assigned. Exactly one.")
class AssigneeFilter:
    """See the description."""

    user_id: strawberry.ID | None = described("To this user.", default=UNSET)
    unassigned: bool | None = described("true: to nobody; false: to anybody.", default=UNSET)


@strawberry.input(description="Which conversations are meant: those that fit everything that is given.")
class InboxFilter:
    """See the description."""

    ids: list[strawberry.ID] | None = described(
        "Only these, at most 5,000; an empty list matches nothing.", default=None
    )
    assigned_to: AssigneeFilter | None = described("To whom they are assigned.", default=None)
    status: list[ConversationStatus] | None = described(
        "Left out: every status for inbox, OPEN and SNOOZED for bulkReassign.", default=None
    )
    team_id: strawberry.ID | None = described("Those of a team.", default=None)
    search: str | None = described(
        "Prefix of a word of the subject, or of the customer's name or email; at most 200 characters.", default=None
    )

    def plain(self) -> inbox.InboxFilter:
        """As the resolvers take it."""
        assignee = self.assigned_to
        user_id = assignee.user_id if assignee else UNSET
        return inbox.InboxFilter(
            ids=None if self.ids is None else [ids.decode("Conversation", text) for text in self.ids],
            assigned_to_user_id=None if user_id is UNSET or user_id is None else ids.decode("User", user_id),
            unassigned=assignee.unassigned if assignee and assignee.unassigned is not UNSET else None,
            status=self.status,
            team_id=None if self.team_id is None else ids.decode("Team", self.team_id),
            search=self.search,
        )


@strawberry.input(description="How conversations are ordered.")
class InboxOrder:
    """See the description."""

    field: InboxOrderField = described("By what.")
    direction: OrderDirection = described("Which way.", default=OrderDirection.DESC)


@strawberry.input(description="Which audit entries are meant: those that fit everything that is given.")
class AuditFilter:
    """See the description."""

    action: list[AuditAction] | None = described("Any of these; an empty list matches nothing.", default=None)
    actor_id: strawberry.ID | None = described(
        "By whom: a user, an access token, or a deleted user's reference.", default=None
    )
    target_id: strawberry.ID | None = described("On whom, likewise.", default=None)
    since: datetime | None = described("Not before this time.", default=None)
    until: datetime | None = described("Before this time.", default=None)

    def plain(self) -> audit.AuditFilter:
        """As the resolvers take it."""
        actor, target = (
            None if text is None else ids.decode_any(text, *PUBLIC_ACTORS) for text in (self.actor_id, self.target_id)
        )
        return audit.AuditFilter(self.action, actor, target, self.since, self.until)


@strawberry.input(one_of=True, description="Where work is to go. Exactly one.")
class ReassignTarget:
    """See the description."""

    user_id: strawberry.ID | None = described("To this user.", default=UNSET)
    unassigned: bool | None = described("true: to nobody. false is INVALID_INPUT.", default=UNSET)
    round_robin: list[strawberry.ID] | None = described(
        "To these users in turn, evenly, in inbox order. An empty list is INVALID_INPUT.", default=UNSET
    )

    def plain(self, *path: str) -> Target:
        """As the resolvers take it; refuses with INVALID_INPUT. `path` leads to this input."""
        if self.unassigned is False:
            raise refuse(ErrorCode.INVALID_INPUT, "Send unassigned: true, or name a user.", *path, "unassigned")
        if self.unassigned:
            return Target((), (*path, "unassigned"))
        if self.user_id is not UNSET and self.user_id is not None:
            return Target((ids.decode("User", self.user_id),), (*path, "userId"))
        if not self.round_robin:
            raise refuse(ErrorCode.INVALID_INPUT, "Name at least one user.", *path, "roundRobin")
        return Target(tuple(ids.decode("User", text) for text in self.round_robin), (*path, "roundRobin"))


@strawberry.input(description="Signing in with a password.")
class SignInInput:
    """See the description."""

    workspace: str = described("The workspace's slug.")
    email: str = described("The user's address.")
    password: str = described("The user's password.")
    client: ClientKind = described("What kind of client this is.", default=ClientKind.WEB)
    device_name: str | None = described("What to call the device in the list of sessions.", default=None)


@strawberry.input(description="Ending one session.")
class RevokeSessionInput:
    """See the description."""

    session_id: strawberry.ID = described("The session.")


@strawberry.input(description="Ending every session of a user.")
class RevokeAllSessionsInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")
    except_current: bool = described("Keep the session that asks.", default=False)


@strawberry.input(description="Asking for a link to choose a new password.")
class RequestPasswordResetInput:
    """See the description."""

    workspace: str = described("The workspace's slug.")
    email: str = described("The user's address.")


@strawberry.input(description="Choosing a new password while signed in.")
class ChangePasswordInput:
    """See the description."""

    current_password: str = described("The password of now.")
    new_password: str = described("The new one: 12 to 256 characters, and not a common one.")


@strawberry.input(description="Choosing a new password with a mailed link.")
class ResetPasswordInput:
    """See the description."""

    token: str = described("The token from the link.")
    new_password: str = described("The new password: 12 to 256 characters, and not a common one.")


@strawberry.input(description="Inviting somebody.")
class InviteUserInput:
    """See the description."""

    email: str = described("Where the invitation goes.")
    name: str = described("The user's name, 1 to 200 characters.")
    roles: list[Role] = described("What the user may do; at least one.")
    team_ids: list[strawberry.ID] = described("The user's teams.", default_factory=list)


@strawberry.input(description="Accepting an invitation.")
class AcceptInvitationInput:
    """See the description."""

    token: str = described("The token from the link.")
    password: str = described("A new password; or, where the address has one already, that one.")


@strawberry.input(description="Giving or taking a role.")
class RoleInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")
    role: Role = described("The role.")


@strawberry.input(description="Deactivating a user.")
class DeactivateUserInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")
    reason: DeactivationReason = described("Why.", default=DeactivationReason.OTHER)
    note: str | None = described("Anything to add, for the other administrators.", default=None)
    hand_over: ReassignTarget | None = described(
        "Hand the user's unfinished work over in the same transaction. Left out: assignments stay.", default=None
    )
    revoke_access_tokens: bool = described("Also revoke the access tokens that the user created.", default=False)


@strawberry.input(description="Reactivating a user.")
class ReactivateUserInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")


@strawberry.input(description="Deleting a user for good.")
class DeleteUserInput:
    """See the description."""

    user_id: strawberry.ID = described("The user.")
    confirmation: str = described("The user's email, typed again.")
    reason: DeletionReason = described("On what ground.")


@strawberry.input(description="Changing the workspace's settings; what is left out stays.")
class UpdateWorkspaceInput:
    """See the description."""

    name: str | None = described("The name, 1 to 200 characters.", default=None)
    retention_days: int | None = described("Days to keep a deactivated user's record, 0 to 3650.", default=None)
    delete_after_days: int | None = described(
        "Days after which an inactive user is deleted, 1 to 3650; null = never. Left out: as it was.", default=UNSET
    )


@strawberry.input(description="Handing work over in bulk.")
class BulkReassignInput:
    """See the description."""

    filter: InboxFilter = described("Which conversations; open and snoozed ones unless it names other statuses.")
    to: ReassignTarget = described("Where they go.")
    include_follow_ups: bool = described(
        "Also hand over pending callbacks and follow-ups whose own assignee fits assignedTo and whose conversation "
        "fits the rest of the filter (status only where given).",
        default=True,
    )
    unsnooze: bool = described("Wake what is snoozed.", default=False)
    dry_run: bool = described("Count only.", default=False)
    idempotency_key: str | None = described(
        "The same key again within 24 hours returns the first operation and starts none.", default=None
    )


@strawberry.input(description="Taking a hand-over back.")
class UndoBulkReassignInput:
    """See the description."""

    operation_id: strawberry.ID = described("The operation.")


@strawberry.input(description="Stopping a hand-over that is running.")
class CancelBulkReassignInput:
    """See the description."""

    operation_id: strawberry.ID = described("The operation.")


@strawberry.input(description="Assigning one conversation.")
class AssignConversationInput:
    """See the description."""

    conversation_id: strawberry.ID = described("The conversation.")
    to: ReassignTarget = described("To whom; of several users, to the first.")


@strawberry.input(description="Writing an internal note.")
class AddNoteInput:
    """See the description."""

    conversation_id: strawberry.ID = described("The conversation.")
    body: str = described("The text, 1 to 10,000 characters.")


@strawberry.input(description="Creating an access token.")
class CreateAccessTokenInput:
    """See the description."""

    name: str = described("What to call it, 1 to 200 characters.")
    scopes: list[TokenScope] = described("What it may do; at least one.")
    expires_at: datetime | None = described("When it ends by itself; left out: never.", default=None)


@strawberry.input(description="Revoking an access token.")
class RevokeAccessTokenInput:
    """See the description."""

    access_token_id: strawberry.ID = described("The token.")
