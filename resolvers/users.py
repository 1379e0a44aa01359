"""Reading users: the list of them, and what hangs on each, for any number of users in one statement."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, String, exists, func, select, type_coerce, union_all

from models.database import Reader, Tx, table
from models.enums import ConversationStatus, FollowUpKind, Role, UserStatus
from models.people import Actor, TeamMember, User, UserRole, UserWord
from models.search import matches
from models.types import NEVER
from models.work import Conversation, FollowUp
from resolvers.members import sole_owner
from resolvers.pages import Order, OrderDirection, Page, PageArgs, read_page, total_count
from resolvers.rows import DeactivationRow, UserRow, WorkloadRow
from resolvers.texts import check_search
from resolvers.viewer import Viewer, require
from resolvers.visibility import belongs, visible_users

ACTOR = table(Actor)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
MEMBER = table(TeamMember)
ROLE = table(UserRole)
USER = table(User)
WORD = table(UserWord)

USER_COLUMNS = (*(column for column in USER.c if column.name != "epoch"), ACTOR.c.id.label("actor_id"))
"""What user_row() needs, of USER joined with ACTOR."""


class UserOrderField(StrEnum):
    """By what a list of users is ordered."""

    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    LAST_SIGNED_IN_AT = "LAST_SIGNED_IN_AT"


_KEYS = {
    UserOrderField.NAME: USER.c.name_key,
    UserOrderField.CREATED_AT: USER.c.created_at,
    UserOrderField.LAST_SIGNED_IN_AT: USER.c.last_signed_in_at,
}


@dataclass(frozen=True, slots=True)
class UserOrder:
    """How a list of users is ordered; who never signed in counts as earliest."""

    field: UserOrderField = UserOrderField.NAME
    direction: OrderDirection = OrderDirection.ASC


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users a list shows: those that fit everything given. Raises InvalidInput for a search that is too long."""

    status: UserStatus | None = None
    role: Role | None = None
    team_id: UUID | None = None
    search: str | None = None

    def __post_init__(self) -> None:
        check_search(self.search)


async def users_page(
    reader: Reader | Tx, viewer: Viewer, filter: UserFilter, order: UserOrder, args: PageArgs
) -> Page[UserRow]:
    """One page of the workspace's users. Raises Forbidden and InvalidCursor."""
    require(viewer.reads_users)
    by = Order(f"users by {order.field}", (_KEYS[order.field], USER.c.id), order.direction)
    return await read_page(reader, _users(viewer).where(*_conditions(viewer, filter)), by, args, user_row)


async def count_users(reader: Reader | Tx, viewer: Viewer, filter: UserFilter) -> int:
    """How many users the filter lets through, exact up to 10,000. Raises Forbidden."""
    require(viewer.reads_users)
    return await total_count(reader, select(USER.c.id).where(visible_users(viewer), *_conditions(viewer, filter)))


def _users(viewer: Viewer) -> Select[Any]:
    users = select(*USER_COLUMNS).select_from(USER).join(ACTOR, ACTOR.c.user_id == USER.c.id)
    return users.where(visible_users(viewer))


def _conditions(viewer: Viewer, filter: UserFilter) -> list[Any]:
    conditions: list[Any] = []
    if filter.status is not None:
        conditions.append(USER.c.status == filter.status)
    if filter.role is not None:
        conditions.append(exists().where(ROLE.c.user_id == USER.c.id, ROLE.c.role == filter.role))
    if filter.team_id is not None:
        conditions.append(exists().where(MEMBER.c.team_id == filter.team_id, MEMBER.c.user_id == USER.c.id))
    if filter.search is not None:
        conditions.append(matches(filter.search, USER.c.id, WORD, "user_id", viewer.workspace_id))
    return conditions


def user_row(row: Row[Any]) -> UserRow:
    """The user in a row of USER_COLUMNS."""
    deactivation = None
    if row.status is UserStatus.INACTIVE and row.deactivated_at is not None:
        deactivation = DeactivationRow(
            row.deactivated_at, row.deactivated_by_id, row.deactivation_reason, row.deactivation_note
        )
    return UserRow(
        id=row.id,
        workspace_id=row.workspace_id,
        actor_id=row.actor_id,
        name=row.name,
        email=row.email,
        status=row.status,
        created_at=row.created_at,
        last_signed_in_at=None if row.last_signed_in_at == NEVER else row.last_signed_in_at,
        invitation_pending=row.pending,
        deactivation=deactivation,
    )


async def users_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, UserRow]:
    """Some users that the viewer may see, by id."""
    return {row.id: user_row(row) for row in await reader.rows(_users(viewer).where(USER.c.id.in_(ids)))}


async def users_by_actor(reader: Reader | Tx, viewer: Viewer, actor_ids: Collection[UUID]) -> dict[UUID, UserRow]:
    """Some users that the viewer may see, by actor id; deleted users and other actors are absent."""
    return {row.actor_id: user_row(row) for row in await reader.rows(_users(viewer).where(ACTOR.c.id.in_(actor_ids)))}


async def roles_of(reader: Reader | Tx, viewer: Viewer, user_ids: Collection[UUID]) -> dict[UUID, list[Role]]:
    """The roles of each user, in the order of the enumeration; a user without any is absent."""
    rows = await reader.rows(
        select(ROLE.c.user_id, ROLE.c.role)
        .select_from(USER)
        .join(ROLE, ROLE.c.user_id == USER.c.id)
        .where(visible_users(viewer), USER.c.id.in_(user_ids))
    )
    roles: dict[UUID, list[Role]] = {}
    for row in sorted(rows, key=lambda row: _RANKS[row.role]):
        roles.setdefault(row.user_id, []).append(row.role)
    return roles


_RANKS = {role: rank for rank, role in enumerate(Role)}


async def workloads(reader: Reader | Tx, viewer: Viewer, actor_ids: Collection[UUID]) -> dict[UUID, WorkloadRow]:
    """The unfinished work assigned to each actor that the viewer may see; without any, all zero."""
    seen = list(actor_ids) if belongs(viewer) else [each for each in actor_ids if each == viewer.actor_id]
    conversations = (
        select(CONVERSATION.c.assignee_id, type_coerce(CONVERSATION.c.status, String).label("what"), _HOW_MANY)
        .where(
            CONVERSATION.c.workspace_id == viewer.workspace_id,
            CONVERSATION.c.assignee_id.in_(seen),
            CONVERSATION.c.status.in_([ConversationStatus.OPEN, ConversationStatus.SNOOZED]),
        )
        .group_by(CONVERSATION.c.assignee_id, CONVERSATION.c.status)
    )
    follow_ups = (
        select(FOLLOW_UP.c.assignee_id, type_coerce(FOLLOW_UP.c.kind, String).label("what"), _HOW_MANY)
        .where(FOLLOW_UP.c.workspace_id == viewer.workspace_id, FOLLOW_UP.c.assignee_id.in_(seen))
        .group_by(FOLLOW_UP.c.assignee_id, FOLLOW_UP.c.kind)
    )
    rows = await reader.rows(union_all(conversations, follow_ups))
    found = {(row.assignee_id, row.what): row.how_many for row in rows}
    return {
        actor_id: WorkloadRow(
            open=found.get((actor_id, ConversationStatus.OPEN), 0),
            snoozed=found.get((actor_id, ConversationStatus.SNOOZED), 0),
            callbacks=found.get((actor_id, FollowUpKind.CALLBACK), 0),
            follow_ups=found.get((actor_id, FollowUpKind.FOLLOW_UP), 0),
        )
        for actor_id in seen
    }


_HOW_MANY = func.count().label("how_many")


async def sole_owners(reader: Reader | Tx, viewer: Viewer, workspace_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The sole owner of the viewer's workspace, if it is asked for and has one, see members.sole_owner()."""
    asked = viewer.workspace_id in workspace_ids
    owner = await sole_owner(reader, viewer.workspace_id) if asked else None
    return {} if owner is None else {viewer.workspace_id: owner}
