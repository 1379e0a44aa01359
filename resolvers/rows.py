"""What reads give back: one frozen row per type of the API, its attributes named as the fields are."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from models.enums import (
    AuditAction,
    BulkOperationStatus,
    ClientKind,
    ConversationStatus,
    DeactivationReason,
    DepartureState,
    FollowUpKind,
    TokenScope,
    UserStatus,
)
from resolvers.errors import Refusal


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """A tenant, as its members see it."""

    id: UUID
    name: str
    slug: str
    retention_days: int
    delete_after_days: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeactivationRow:
    """When, by whom (an actor id) and why somebody was deactivated."""

    at: datetime
    by_id: UUID
    reason: DeactivationReason
    note: str | None


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user of a workspace. `last_signed_in_at` is None before the first sign-in, `deactivation` while active."""

    id: UUID
    workspace_id: UUID
    actor_id: UUID
    name: str
    email: str
    status: UserStatus
    created_at: datetime
    last_signed_in_at: datetime | None
    invitation_pending: bool
    deactivation: DeactivationRow | None

    @property
    def display_name(self) -> str:
        """The name under which the user's acts are shown."""
        return self.name


@dataclass(frozen=True, slots=True)
class ScheduledDepartureRow:
    """A user's pending departure. `hand_over_to` are actor ids: none for Unassigned, None where assignments stay."""

    id: UUID
    user_id: UUID
    scheduled_by_id: UUID
    scheduled_at: datetime
    at: datetime
    return_at: datetime | None
    reason: DeactivationReason
    note: str | None
    hand_over_to: list[UUID] | None
    revoke_access_tokens: bool
    state: DepartureState
    due_at: datetime
    failure: Refusal | None


@dataclass(frozen=True, slots=True)
class LegalHoldRow:
    """Since when, by whom (an actor id) and why a user must not be deleted."""

    since: datetime
    by_id: UUID
    note: str


@dataclass(frozen=True, slots=True)
class DeletedUserRow:
    """An actor whose account is gone."""

    display_name: ClassVar[str] = "Deleted user"
    reference: UUID


@dataclass(frozen=True, slots=True)
class ServiceActorRow:
    """An access token, acting by itself."""

    access_token_id: UUID
    name: str

    @property
    def display_name(self) -> str:
        """The token's name."""
        return self.name


@dataclass(frozen=True, slots=True)
class SystemActorRow:
    """The system itself."""

    display_name: ClassVar[str] = "Offboard"


ActorRow = UserRow | DeletedUserRow | ServiceActorRow | SystemActorRow


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A named group of users, and of conversations."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """How much unfinished work is assigned to somebody."""

    open: int = 0
    snoozed: int = 0
    callbacks: int = 0
    follow_ups: int = 0


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A live session; `current` is True for the one that asks."""

    id: UUID
    user_id: UUID
    client: ClientKind
    device_name: str | None
    user_agent: str | None
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class AccessTokenRow:
    """A partner's credential that has not been revoked; `created_by_id` is an actor id."""

    id: UUID
    created_by_id: UUID
    name: str
    scopes: list[TokenScope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """Who wrote to the inbox."""

    name: str
    email: str | None


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A thread with a customer; `assignee_id` is an actor id, None for Unassigned."""

    id: UUID
    subject: str
    status: ConversationStatus
    snoozed_until: datetime | None
    customer: CustomerRow
    assignee_id: UUID | None
    team_id: UUID | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NoteRow:
    """An internal remark; `author_id` is an actor id."""

    id: UUID
    conversation_id: UUID
    body: str
    author_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """A pending promise to a customer; `assignee_id` is an actor id."""

    id: UUID
    conversation_id: UUID
    kind: FollowUpKind
    due_at: datetime
    assignee_id: UUID | None


@dataclass(frozen=True, slots=True)
class CsatRow:
    """A customer's rating; `handled_by_id` is an actor id."""

    conversation_id: UUID
    rating: int
    comment: str | None
    responded_at: datetime
    handled_by_id: UUID | None


@dataclass(frozen=True, slots=True)
class BulkOperationRow:
    """How far a hand-over, or the undoing of one, is; `started_by_id` is an actor id."""

    id: UUID
    status: BulkOperationStatus
    started_by_id: UUID
    started_at: datetime
    finished_at: datetime | None
    matched: int
    processed: int
    reassigned_conversations: int
    reassigned_follow_ups: int
    skipped: int
    undo_of_id: UUID | None
    failure: Refusal | None


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """From whom a conversation went to whom, by actor ids, None for Unassigned; `operation_id` if in bulk."""

    from_id: UUID | None
    to_id: UUID | None
    by_id: UUID
    at: datetime
    operation_id: UUID | None


@dataclass(frozen=True, slots=True)
class AuditEntryRow:
    """Who did what to whom, by actor ids; resolvers.summaries.summary() puts it into words."""

    id: UUID
    at: datetime
    action: AuditAction
    actor_id: UUID
    target_id: UUID | None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def on_behalf_of_id(self) -> UUID | None:
        """The actor in whose name the system acted."""
        return UUID(self.details["onBehalfOf"]) if "onBehalfOf" in self.details else None


NodeRow = (
    WorkspaceRow
    | UserRow
    | TeamRow
    | SessionRow
    | ConversationRow
    | NoteRow
    | FollowUpRow
    | BulkOperationRow
    | AuditEntryRow
    | AccessTokenRow
    | ScheduledDepartureRow
)
