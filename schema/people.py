"""Types of people: users and what belongs to them, and whoever else can act."""

from datetime import datetime

import strawberry

from models.enums import ClientKind, DeactivationReason, ErrorCode, Role, TokenScope, UserStatus
from resolvers import actors, authority, credentials, plans, teams, users
from resolvers.errors import Refusal
from resolvers.rows import (
    AccessTokenRow,
    DeactivationRow,
    DeletedUserRow,
    ServiceActorRow,
    SessionRow,
    SystemActorRow,
    TeamRow,
    UserRow,
    WorkspaceRow,
)
from resolvers.viewer import require
from resolvers.visibility import sees_sessions
from schema.base import Actor, Node, backed_by, id_field
from schema.context import Info
from schema.leaving import LegalHold, ScheduledDeparture


@strawberry.type(description="A refusal that the client can act on.")
class MutationError:
    """See the description."""

    code: ErrorCode = strawberry.field(description="Why, for programs.")
    message: str = strawberry.field(description="Why, and what to do, for people.")
    field: list[str] | None = strawberry.field(description="Path into the input, if one field is at fault.")
    retry_after: int | None = strawberry.field(description="Seconds to wait, with RATE_LIMITED.")


@strawberry.type(description="A tenant: a company's inbox and its people.")
class Workspace(Node):
    """See the description."""

    is_type_of = backed_by(WorkspaceRow)
    id: strawberry.ID = id_field("Workspace")
    name: str = strawberry.field(description="The workspace's name.")
    slug: str = strawberry.field(description="What people type to sign in to it.")
    retention_days: int = strawberry.field(
        description="Days a deactivated user's record is kept before it may be deleted; 0 = no minimum."
    )
    delete_after_days: int | None = strawberry.field(
        description="Days after which an inactive user is deleted as OFFBOARDED, but not before retentionDays; the "
        "owners get a mail seven days before. Null = never."
    )


@strawberry.type(description="A group of users, and of conversations.")
class Team(Node):
    """See the description."""

    is_type_of = backed_by(TeamRow)
    id: strawberry.ID = id_field("Team")
    name: str = strawberry.field(description="The team's name, unique in the workspace.")


@strawberry.type(description="When, by whom and why a user was deactivated.")
class Deactivation:
    """See the description."""

    at: datetime = strawberry.field(description="When.")
    reason: DeactivationReason = strawberry.field(description="Why.")
    note: str | None = strawberry.field(description="What the administrator added.")

    @strawberry.field(description="By whom.", graphql_type=Actor)
    async def by(self: DeactivationRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.by_id)


@strawberry.type(
    description="Unfinished work that is assigned to a user. Each number is exact up to 5,000; 5,001 means more: "
    "`dryRun` of `bulkReassign` counts all of it."
)
class Workload:
    """See the description."""

    open: int = strawberry.field(description="Open conversations.")
    snoozed: int = strawberry.field(description="Snoozed conversations.")
    callbacks: int = strawberry.field(description="Pending callbacks.")
    follow_ups: int = strawberry.field(description="Other pending follow-ups.")


@strawberry.type(description="One sign-in on one device.")
class Session(Node):
    """See the description."""

    is_type_of = backed_by(SessionRow)
    id: strawberry.ID = id_field("Session")
    client: ClientKind = strawberry.field(description="What kind of client signed in.")
    device_name: str | None = strawberry.field(description="What the client calls its device.")
    user_agent: str | None = strawberry.field(description="The client's User-Agent header at sign-in.")
    ip_address: str | None = strawberry.field(description="The client's address at sign-in.")
    created_at: datetime = strawberry.field(description="When it was signed in.")
    last_seen_at: datetime = strawberry.field(description="When it was last used, to the minute.")
    expires_at: datetime = strawberry.field(description="When it ends by itself.")
    current: bool = strawberry.field(description="True for the session that asks.")


@strawberry.type(description="A partner's credential. It belongs to the workspace and outlives who created it.")
class AccessToken(Node):
    """See the description."""

    is_type_of = backed_by(AccessTokenRow)
    id: strawberry.ID = id_field("AccessToken")
    name: str = strawberry.field(description="What its creator called it.")
    scopes: list[TokenScope] = strawberry.field(description="What it may do.")
    created_at: datetime = strawberry.field(description="When it was created.")
    expires_at: datetime | None = strawberry.field(description="When it ends by itself; null = never.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to the minute.")

    @strawberry.field(description="Who created it.", graphql_type=Actor)
    async def created_by(self: AccessTokenRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.created_by_id)


@strawberry.type(description="What deactivating a user would do, and what stands in the way, without doing it.")
class Departure:
    """See the description."""

    user: strawberry.Private[UserRow]
    blockers: list[MutationError] = strawberry.field(description="What the mutation would answer, in full.")

    @strawberry.field(description="True if nothing stands in the way.")
    def allowed(self) -> bool:
        """No blockers."""
        return not self.blockers

    @strawberry.field(description="Unfinished work that would stay assigned unless it is handed over.")
    async def workload(self, info: Info) -> Workload:
        """The user's workload."""
        return await workload_of(info, self.user)

    @strawberry.field(description="Sessions that would end.")
    async def live_sessions(self, info: Info) -> int:
        """The number of live sessions."""
        return await info.context.load(credentials.live_session_counts, self.user.id) or 0

    @strawberry.field(
        description="Access tokens that this user created. They outlive the user: look at them. "
        "Null for viewers who may not revoke them."
    )
    async def access_tokens(self, info: Info) -> list[AccessToken] | None:
        """The user's tokens, for whoever may deactivate the user."""
        roles = await info.context.load(users.roles_of, self.user.id) or []
        if not authority.may_act_on(info.context.reads_as, roles):
            return None
        return await info.context.load(credentials.tokens_created_by, self.user.actor_id) or []


@strawberry.type(description="A member of the viewer's workspace.")
class User(Node, Actor):
    """See the description."""

    is_type_of = backed_by(UserRow)
    id: strawberry.ID = id_field("User")
    display_name: str = strawberry.field(description="The name.")
    name: str = strawberry.field(description="The name.")
    email: str = strawberry.field(description="The address that the user signs in with.")
    status: UserStatus = strawberry.field(description="Whether the user may sign in.")
    created_at: datetime = strawberry.field(description="When the user was added to the workspace.")
    last_signed_in_at: datetime | None = strawberry.field(description="Null before the first sign-in.")
    deactivation: Deactivation | None = strawberry.field(description="Null while active.")
    invitation_pending: bool = strawberry.field(
        description="Invited and not accepted yet. Never counts as an active owner."
    )

    @strawberry.field(description="What the user may do; kept while inactive.")
    async def roles(self: UserRow, info: Info) -> list[Role]:
        """The user's roles."""
        return await info.context.load(users.roles_of, self.id) or []

    @strawberry.field(description="The user's teams; kept while inactive.")
    async def teams(self: UserRow, info: Info) -> list[Team]:
        """The user's teams."""
        return await info.context.load(teams.teams_of, self.id) or []

    @strawberry.field(description="True for the only active user with a password that holds OWNER.")
    async def is_sole_owner(self: UserRow, info: Info) -> bool:
        """Whether the workspace would be left without an owner."""
        return await info.context.load(users.sole_owners, self.workspace_id) == self.id

    @strawberry.field(description="Unfinished work that is assigned to the user.")
    async def workload(self: UserRow, info: Info) -> Workload:
        """The user's workload."""
        return await workload_of(info, self)

    @strawberry.field(description="Live sessions, newest first: the user's own, or anybody's for OWNER and ADMIN.")
    async def sessions(self: UserRow, info: Info) -> list[Session] | None:
        """The user's sessions; FORBIDDEN for others."""
        require(sees_sessions(info.context.reads_as, self.id))
        return await info.context.load(credentials.sessions_of, self.id) or []

    @strawberry.field(description="What deactivating this user would do; FORBIDDEN for who may not deactivate.")
    async def departure(self: UserRow, info: Info) -> Departure | None:
        """A preview by the mutation's own rules."""
        context = info.context
        roles = await context.load(users.roles_of, self.id) or []
        is_sole_owner = await context.load(users.sole_owners, self.workspace_id) == self.id
        found = authority.blockers(context.reads_as, roles, is_sole_owner=is_sole_owner)
        return Departure(user=self, blockers=as_errors(found))

    @strawberry.field(
        description="The pending departure; null if there is none, and for viewers who may not deactivate the user."
    )
    async def scheduled_departure(self: UserRow, info: Info) -> ScheduledDeparture | None:
        """What is planned."""
        return await info.context.load(plans.departures_of, self.id)

    @strawberry.field(
        description="Why the user must not be deleted; null if nothing forbids it, and for viewers who may not delete "
        "the user."
    )
    async def legal_hold(self: UserRow, info: Info) -> LegalHold | None:
        """The hold."""
        return await info.context.load(plans.holds_of, self.id)

    @strawberry.field(
        description="When the user is deleted by itself, as the owners were told by mail; null if that is not "
        "announced, and for viewers who may not delete the user."
    )
    async def deletion_at(self: UserRow, info: Info) -> datetime | None:
        """The announced time."""
        return await info.context.load(plans.deletions_of, self.id)


@strawberry.type(description="An actor whose account is gone.")
class DeletedUser(Actor):
    """See the description."""

    is_type_of = backed_by(DeletedUserRow)
    display_name: str = strawberry.field(description="The literal 'Deleted user'.")
    reference: strawberry.ID = id_field(
        "DeletedUser", "reference", "Tells two deleted users apart, and nothing else about them."
    )


@strawberry.type(description="A partner's access token, acting by itself.")
class ServiceActor(Actor):
    """See the description."""

    is_type_of = backed_by(ServiceActorRow)
    display_name: str = strawberry.field(description="The token's name.")
    access_token_id: strawberry.ID = id_field("AccessToken", "access_token_id", "The token's id.")


@strawberry.type(description="The system: schedules, retention, crash recovery.")
class SystemActor(Actor):
    """See the description."""

    is_type_of = backed_by(SystemActorRow)
    display_name: str = strawberry.field(description="The service's name.")


async def workload_of(info: Info, user: UserRow) -> Workload:
    """What is assigned to a user; all zero if nothing is."""
    found = await info.context.load(users.workloads, user.actor_id)
    return found or Workload(open=0, snoozed=0, callbacks=0, follow_ups=0)


def as_errors(refusals: list[Refusal]) -> list[MutationError]:
    """Refusals as their GraphQL type."""
    return [
        MutationError(code=refusal.code, message=refusal.message, field=refusal.field, retry_after=refusal.retry_after)
        for refusal in refusals
    ]
