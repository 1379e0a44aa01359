"""Types of what is planned for users: departures with a date, and legal holds."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from models.enums import DeactivationReason, DepartureState
from resolvers import actors, users
from resolvers.rows import LegalHoldRow, ScheduledDepartureRow
from schema.base import Actor, Node, backed_by, id_field
from schema.context import Info

_User = Annotated["User", strawberry.lazy("schema.people")]  # type: ignore[name-defined]  # noqa: F821
_MutationError = Annotated["MutationError", strawberry.lazy("schema.people")]  # type: ignore[name-defined]  # noqa: F821


@strawberry.type(description="To whom work will be handed over.")
class PlannedHandOver:
    """See the description."""

    actor_ids: strawberry.Private[list[UUID]]

    @strawberry.field(description="These in turn, as the names are today; an empty list is Unassigned.")
    async def to(self, info: Info) -> list[Actor]:
        """The actors."""
        return [await info.context.load(actors.actors_by_id, actor_id) for actor_id in self.actor_ids]


@strawberry.type(description="A departure that is planned for a time, and perhaps a return.")
class ScheduledDeparture(Node):
    """See the description."""

    is_type_of = backed_by(ScheduledDepartureRow)
    id: strawberry.ID = id_field("ScheduledDeparture")
    at: datetime = strawberry.field(description="When the user is deactivated.")
    return_at: datetime | None = strawberry.field(description="When the user is reactivated; null = not by itself.")
    reason: DeactivationReason = strawberry.field(description="Why.")
    note: str | None = strawberry.field(description="What the administrator added.")
    revoke_access_tokens: bool = strawberry.field(
        description="Also revoke the access tokens that the user created by then."
    )
    scheduled_at: datetime = strawberry.field(description="When it was planned as it is now.")
    state: DepartureState = strawberry.field(description="How far it is.")
    due_at: datetime = strawberry.field(description="When something is next done: leave, try again, or return.")
    failure: _MutationError | None = strawberry.field(
        description="Why it could not be done at its time; the owners were told by mail, and it is tried again daily."
    )

    @strawberry.field(description="Who departs.")
    async def user(self: ScheduledDepartureRow, info: Info) -> _User:
        """The user."""
        return await info.context.load(users.users_by_id, self.user_id)

    @strawberry.field(description="In whose name it is done.", graphql_type=Actor)
    async def scheduled_by(self: ScheduledDepartureRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.scheduled_by_id)

    @strawberry.field(description="Where the unfinished work goes; null = it stays assigned.")
    def hand_over(self: ScheduledDepartureRow) -> PlannedHandOver | None:
        """The targets."""
        return None if self.hand_over_to is None else PlannedHandOver(actor_ids=self.hand_over_to)


@strawberry.type(description="Since when, by whom and why a user must not be deleted.")
class LegalHold:
    """See the description."""

    since: datetime = strawberry.field(description="When it was placed.")
    note: str = strawberry.field(description="Why.")

    @strawberry.field(description="Who placed it.", graphql_type=Actor)
    async def by(self: LegalHoldRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.by_id)
