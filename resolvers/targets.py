"""To whom work goes: a colleague, several in turn, or Unassigned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, case, cast, literal, null, select

from models.database import Tx, table
from models.enums import ErrorCode, UserStatus
from models.listed import LISTED
from models.people import Actor, User
from resolvers.errors import not_found, refuse
from resolvers.viewer import Viewer

ACTOR = table(Actor)
USER = table(User)

ACTIVE = (
    select(USER.c.id)
    .join(ACTOR, ACTOR.c.user_id == USER.c.id)
    .where(ACTOR.c.id.in_(select(LISTED.c.value)), USER.c.status == UserStatus.ACTIVE)
    .order_by(USER.c.id)
    .with_for_update(read=True, of=USER)
)
"""Those of the actors in the parameter `ids` who are active users. They stay locked, as with resolve_target()."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where work is to go. No users means Unassigned; several share it in turn. `field` is the input's path."""

    user_ids: tuple[UUID, ...]
    field: tuple[str, ...] = ("to",)


async def resolve_target(tx: Tx, viewer: Viewer, target: Target) -> list[UUID]:
    """The actors of the target's users, each once, in order; none for Unassigned.

    The users stay locked until the commit, so that nobody is deactivated in between. Refuses with NOT_FOUND or
    ASSIGNEE_INACTIVE.
    """
    rows = await tx.rows(
        select(USER.c.id, USER.c.name, USER.c.status, ACTOR.c.id.label("actor_id"))
        .join(ACTOR, ACTOR.c.user_id == USER.c.id)
        .where(USER.c.workspace_id == viewer.workspace_id, USER.c.id.in_(target.user_ids))
        .order_by(USER.c.id)
        .with_for_update(read=True, of=USER)
    )
    found = {row.id: row for row in rows}
    for user_id in target.user_ids:
        if user_id not in found:
            raise not_found("user", *target.field)
        if found[user_id].status is not UserStatus.ACTIVE:
            raise refuse(
                ErrorCode.ASSIGNEE_INACTIVE,
                f"{found[user_id].name} is inactive and cannot be given work. Choose an active user, or Unassigned.",
                *target.field,
            )
    return [found[user_id].actor_id for user_id in dict.fromkeys(target.user_ids)]


def share(actor_ids: Sequence[UUID], place: ColumnElement[int]) -> ColumnElement[Any]:
    """Whose turn it is at a place in the row of work, counted from 0; null for Unassigned."""
    if not actor_ids:
        return cast(null(), Uuid)
    if len(actor_ids) == 1:
        return literal(actor_ids[0], Uuid)
    turns = {number: literal(actor_id, Uuid) for number, actor_id in enumerate(actor_ids)}
    return case(turns, value=place % len(actor_ids))
