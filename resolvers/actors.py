"""Actors: who stands behind an actor id, and the actor id behind an id that clients know."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, ScalarSelect, or_, select

from models.database import Reader, Tx, table
from models.enums import ActorKind
from models.people import AccessToken, Actor, User
from resolvers.rows import ActorRow, DeletedUserRow, ServiceActorRow, SystemActorRow
from resolvers.users import USER_COLUMNS, user_row
from resolvers.viewer import Viewer
from resolvers.visibility import visible_actors

ACTOR = table(Actor)
TOKEN = table(AccessToken)
USER = table(User)


async def actors_by_id(reader: Reader | Tx, viewer: Viewer, actor_ids: Collection[UUID]) -> dict[UUID, ActorRow]:
    """Who stands behind some actor ids that the viewer may see, in one statement."""
    rows = await reader.rows(
        select(
            *USER_COLUMNS,
            ACTOR.c.kind,
            ACTOR.c.reference,
            ACTOR.c.access_token_id,
            TOKEN.c.name.label("token_name"),
        )
        .select_from(ACTOR)
        .outerjoin(USER, USER.c.id == ACTOR.c.user_id)
        .outerjoin(TOKEN, TOKEN.c.id == ACTOR.c.access_token_id)
        .where(visible_actors(viewer), ACTOR.c.id.in_(actor_ids))
    )
    return {row.actor_id: _actor_row(row) for row in rows}


def actor_of(user_id: UUID, workspace_id: UUID) -> ScalarSelect[UUID]:
    """A user's actor id, as part of a statement; null if the workspace has no such user."""
    return select(ACTOR.c.id).where(ACTOR.c.user_id == user_id, ACTOR.c.workspace_id == workspace_id).scalar_subquery()


def actor_named(public_id: UUID, workspace_id: UUID) -> ScalarSelect[UUID]:
    """The actor whom clients know by this id: a user's, an access token's, or a deleted user's reference.

    As part of a statement; null if the id names nobody of the workspace.
    """
    known_by = (ACTOR.c.user_id, ACTOR.c.access_token_id, ACTOR.c.reference)
    return (
        select(ACTOR.c.id)
        .where(ACTOR.c.workspace_id == workspace_id, or_(*(column == public_id for column in known_by)))
        .scalar_subquery()
    )


def _actor_row(row: Row[Any]) -> ActorRow:
    if row.kind is ActorKind.SYSTEM:
        return SystemActorRow()
    if row.kind is ActorKind.SERVICE:
        return ServiceActorRow(row.access_token_id, row.token_name)
    return DeletedUserRow(row.reference) if row.id is None else user_row(row)
