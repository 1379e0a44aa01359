"""Reading users: the list of them, and what hangs on each, for any number of users in one statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Row, Select, literal, select, true

from models.database import Reader, Tx, table
from models.enums import ConversationStatus, FollowUpKind, Role, UserStatus
from models.people import Actor, Team, TeamMember, User, UserRole, UserWord
from models.search import matching
from models.types import NEVER
from models.work import Conversation, FollowUp
from resolvers.members import sole_owner
from resolvers.pages import (
    Order,
    OrderDirection,
    Page,
    PageArgs,
    counted,
    ids_of_first,
    read_first,
    read_page,
    total_count,
    written_out,
)
from resolvers.rows import DeactivationRow, UserRow, WorkloadRow
from resolvers.sets import IdSet, arrange, count_of, read_page_of
from resolvers.texts import check_search
from resolvers.viewer import Viewer, require
from resolvers.visibility import belongs, visible_actors, visible_users

ACTOR = table(Actor)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
MEMBER = table(TeamMember)
ROLE = table(UserRole)
TEAM = table(Team)
USER = table(User)
WORD = table(UserWord)

WORK_COUNTED_EXACTLY = 5_000
"""Up to so much is handed over at once. To count further took a third of the time of a departure's preview."""

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
    listed = _users(viewer).where(*_status_condition(filter))
    if not (sets := _sets(viewer, filter)):
        return await read_page(reader, listed, by, args, user_row)
    if filter.search is None and len(sets) == 1:
        return await read_first(reader, listed.where(_is_first(sets, filter, by, args)), by, args, user_row)
    arranged = await arrange(reader, sets)
    if filter.search is None and not arranged.are_few:
        first = _is_first([arranged.narrowest, *arranged.others], filter, by, args)
        return await read_first(reader, listed.where(first), by, args, user_row)
    return await read_page_of(arranged, reader, listed, by, args, user_row, parts=[true()])


def _is_first(sets: Sequence[IdSet], filter: UserFilter, by: Order, args: PageArgs) -> ColumnElement[bool]:
    """The condition that a user is among the first of a set, in the order that the set has of its own.

    Each user of it that is met is judged by the other sets.
    """
    own, *others = sets
    columns = own.key.table.c
    order = Order(by.name, (columns[by.columns[0].name], columns[own.key.name]), by.direction)
    lists = [
        own.rows.where(columns.status == written_out(status.value), *(each.has_met(own.key) for each in others))
        for status in (UserStatus if filter.status is None else [filter.status])
    ]
    return USER.c.id.in_(ids_of_first(lists, order, args))


async def count_users(reader: Reader | Tx, viewer: Viewer, filter: UserFilter) -> int:
    """How many users the filter lets through, exact up to 10,000. Raises Forbidden."""
    require(viewer.reads_users)
    sets = _sets(viewer, filter)
    if filter.search is None and len(sets) == 1:
        return await total_count(reader, sets[0].rows.where(*_status_condition(filter, sets[0].key.table)))
    listed = select(USER.c.id).where(visible_users(viewer), *_status_condition(filter))
    if not sets:
        return await total_count(reader, listed)
    arranged = await arrange(reader, sets)
    if filter.search is None and not arranged.are_few:
        own, others = arranged.narrowest, arranged.others
        both = own.rows.where(*_status_condition(filter, own.key.table), *(each.has_met(own.key) for each in others))
        return await total_count(reader, both)
    return await count_of(arranged, reader, listed, USER.c.id, is_all=filter.status is None)


def _status_condition(filter: UserFilter, rows: FromClause = USER) -> list[ColumnElement[bool]]:
    return [] if filter.status is None else [rows.c.status == filter.status]


def _users(viewer: Viewer) -> Select[Any]:
    users = select(*USER_COLUMNS).select_from(USER).join(ACTOR, ACTOR.c.user_id == USER.c.id)
    return users.where(visible_users(viewer))


def _sets(viewer: Viewer, filter: UserFilter) -> list[IdSet]:
    sets: list[IdSet] = []
    if filter.role is not None:
        holders = select(ROLE.c.user_id).where(
            ROLE.c.workspace_id == viewer.workspace_id, ROLE.c.role == written_out(filter.role.value)
        )
        sets.append(IdSet(holders, ROLE.c.user_id))
    if filter.team_id is not None:
        ours = select(TEAM.c.id).where(TEAM.c.id == filter.team_id, TEAM.c.workspace_id == viewer.workspace_id)
        members = select(MEMBER.c.user_id).where(MEMBER.c.team_id == ours.scalar_subquery())
        sets.append(IdSet(members, MEMBER.c.user_id))
    if filter.search is not None:
        found = matching(filter.search, WORD, "user_id", viewer.workspace_id)
        sets += [IdSet(rows, WORD.c.user_id) for rows in found]
    return sets


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
    """The unfinished work assigned to each actor that the viewer may see; without any, all zero.

    Each number is exact up to 5,000; 5,001 means more.
    """
    seen = list(actor_ids) if belongs(viewer) else [each for each in actor_ids if each == viewer.actor_id]
    c, f = CONVERSATION.c, FOLLOW_UP.c
    rows = await reader.rows(
        select(
            ACTOR.c.id,
            _assigned(c.workspace_id, c.assignee_id, c.status == ConversationStatus.OPEN).label("open"),
            _assigned(c.workspace_id, c.assignee_id, c.status == ConversationStatus.SNOOZED).label("snoozed"),
            _assigned(f.workspace_id, f.assignee_id, f.kind == FollowUpKind.CALLBACK).label("callbacks"),
            _assigned(f.workspace_id, f.assignee_id, f.kind == FollowUpKind.FOLLOW_UP).label("follow_ups"),
        ).where(visible_actors(viewer), ACTOR.c.id.in_(seen))
    )
    found = {row.id: WorkloadRow(row.open, row.snoozed, row.callbacks, row.follow_ups) for row in rows}
    return {actor_id: found.get(actor_id, WorkloadRow()) for actor_id in seen}


def _assigned(
    workspace_id: ColumnElement[UUID], assignee_id: ColumnElement[Any], what: ColumnElement[bool]
) -> ColumnElement[int]:
    theirs = select(literal(1)).where(workspace_id == ACTOR.c.workspace_id, assignee_id == ACTOR.c.id, what)
    return counted(theirs.correlate(ACTOR), WORK_COUNTED_EXACTLY)


async def sole_owners(reader: Reader | Tx, viewer: Viewer, workspace_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The sole owner of the viewer's workspace, if it is asked for and has one, see members.sole_owner()."""
    asked = viewer.workspace_id in workspace_ids
    owner = await sole_owner(reader, viewer.workspace_id) if asked else None
    return {} if owner is None else {viewer.workspace_id: owner}
