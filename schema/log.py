"""Types of what happened: audit entries, and the events that subscriptions push."""

from datetime import datetime

import strawberry

from models.enums import AuditAction, RevocationReason, UserChangeKind
from models.events import FeedEvent
from resolvers import actors, summaries, users
from resolvers.rows import AuditEntryRow
from schema.base import Actor, Node, backed_by, id_field
from schema.context import Info
from schema.people import User


@strawberry.type(description="Who did what to whom.")
class AuditEntry(Node):
    """See the description."""

    is_type_of = backed_by(AuditEntryRow)
    id: strawberry.ID = id_field("AuditEntry")
    at: datetime = strawberry.field(description="When.")
    action: AuditAction = strawberry.field(description="What.")

    @strawberry.field(description="Who.", graphql_type=Actor)
    async def actor(self: AuditEntryRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.actor_id)

    @strawberry.field(description="The user acted on, if any.", graphql_type=Actor | None)
    async def target(self: AuditEntryRow, info: Info) -> object:
        """The actor acted on."""
        return self.target_id and await info.context.load(actors.actors_by_id, self.target_id)

    @strawberry.field(
        description="In whose name the system acted: who had scheduled it. Null for everything else.",
        graphql_type=Actor | None,
    )
    async def on_behalf_of(self: AuditEntryRow, info: Info) -> object:
        """The actor who had asked for it."""
        return self.on_behalf_of_id and await info.context.load(actors.actors_by_id, self.on_behalf_of_id)

    @strawberry.field(description="The entry as an English sentence, with the names of today.")
    async def summary(self: AuditEntryRow, info: Info) -> str:
        """Rendered when read, so that a deleted user's name is nowhere."""
        actor = await info.context.load(actors.actors_by_id, self.actor_id)
        target = self.target_id and await info.context.load(actors.actors_by_id, self.target_id)
        behalf = self.on_behalf_of_id and await info.context.load(actors.actors_by_id, self.on_behalf_of_id)
        return summaries.summary(
            self,
            actor.display_name,
            target.display_name if target else None,
            behalf.display_name if behalf else None,
        )


@strawberry.type(description="One session that ended.")
class SessionRevocation:
    """See the description."""

    cursor: str = strawberry.field(description="Pass it as `after` to receive every later event, in order, once.")
    session_id: strawberry.ID = id_field("Session", "session_id", "The session that ended.")
    user_id: strawberry.ID = id_field("User", "user_id", "Whose it was; after a deletion it names nobody.")
    reason: RevocationReason = strawberry.field(description="Why; never TOKEN_REVOKED.")
    occurred_at: datetime = strawberry.field(description="When.")


@strawberry.type(description="One user that changed.")
class UserChange:
    """See the description."""

    cursor: str = strawberry.field(description="Pass it as `after` to receive every later event, in order, once.")
    kind: UserChangeKind = strawberry.field(description="What happened.", resolver=lambda root: root.change)
    user_id: strawberry.ID = id_field("User", "user_id", "The user; after a deletion it names nobody.")
    occurred_at: datetime = strawberry.field(description="When.")

    @strawberry.field(description="The user as of now; null once deleted.")
    async def user(self: FeedEvent, info: Info) -> User | None:
        """The user."""
        return await info.context.load(users.users_by_id, self.user_id) if self.user_id else None
