"""Reading the inbox: which conversations a filter means, and pages of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, false, literal_column, or_, select, true

from models.database import Reader, Tx, table
from models.enums import ConversationStatus
from models.search import matching
from models.types import NOBODY
from models.work import Conversation, ConversationWord
from resolvers.actors import actor_of
from resolvers.errors import InvalidInput
from resolvers.pages import Order, OrderDirection, Page, PageArgs, is_few, read_page, total_count, unindexed
from resolvers.released import released_actors
from resolvers.rows import ConversationRow, CustomerRow
from resolvers.sets import IdSet, arrange, count_of, read_page_of
from resolvers.texts import check_search
from resolvers.viewer import Viewer, require
from resolvers.visibility import visible_work

CONVERSATION = table(Conversation)
WORD = table(ConversationWord)

MOST_IDS = 5_000
FEW_OF_A_LIST = 2_000
"""So many are collected sooner than met among what somebody has, or anybody: fewer than among everything."""

_NOBODYS = CONVERSATION.c.assignee_id.is_(None)
_NOBODYS_IN_A_TEAM = _NOBODYS.op("IS")(literal_column("TRUE"))
"""As the index says it: see models.work.IS_UNASSIGNED."""


class InboxOrderField(StrEnum):
    """By what a list of conversations is ordered."""

    UPDATED_AT = "UPDATED_AT"
    CREATED_AT = "CREATED_AT"


_KEYS = {
    InboxOrderField.UPDATED_AT: CONVERSATION.c.updated_at,
    InboxOrderField.CREATED_AT: CONVERSATION.c.created_at,
}


@dataclass(frozen=True, slots=True)
class InboxOrder:
    """How a list of conversations is ordered."""

    field: InboxOrderField = InboxOrderField.UPDATED_AT
    direction: OrderDirection = OrderDirection.DESC


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """Which conversations are meant: those that fit everything that is given.

    Empty `ids` and empty `status` match nothing. `unassigned` True is nobody's, False is anybody's. Raises InvalidInput
    for a search term that is too long, or for more ids than one operation takes.
    """

    ids: Sequence[UUID] | None = None
    assigned_to_user_id: UUID | None = None
    unassigned: bool | None = None
    status: Sequence[ConversationStatus] | None = None
    team_id: UUID | None = None
    search: str | None = None

    def __post_init__(self) -> None:
        check_search(self.search)
        if self.ids is not None and len(self.ids) > MOST_IDS:
            raise InvalidInput(f"`ids` must be at most {MOST_IDS:,}. Describe them by the other filters, or in parts.")


def _holders(filter: InboxFilter, workspace_id: UUID, released: Collection[UUID]) -> list[ColumnElement[bool]]:
    """What the filter demands of the assignee, as conditions of which a conversation fulfils one at most."""
    assignee = CONVERSATION.c.assignee_id
    if filter.assigned_to_user_id is not None:
        return [assignee == actor_of(filter.assigned_to_user_id, workspace_id)]
    if filter.unassigned is None:
        return [true()]
    if filter.unassigned:
        return [_NOBODYS if filter.team_id is None else _NOBODYS_IN_A_TEAM, *(assignee == each for each in released)]
    # Not "IS NOT NULL": by this SQLite finds rows, too.
    return [and_(assignee > NOBODY, *(assignee != each for each in released))]


def _other_conditions(filter: InboxFilter) -> list[ColumnElement[bool]]:
    """What the filter demands of a conversation besides assignee and search."""
    conditions: list[ColumnElement[bool]] = []
    if filter.status is not None:
        conditions.append(CONVERSATION.c.status.in_(sorted(set(filter.status))))
    if filter.ids is not None:
        conditions.append(CONVERSATION.c.id.in_(filter.ids))
    if filter.team_id is not None:
        conditions.append(CONVERSATION.c.team_id == filter.team_id)
    return conditions


async def inbox_page(
    reader: Reader | Tx, viewer: Viewer, filter: InboxFilter, order: InboxOrder, args: PageArgs
) -> Page[ConversationRow]:
    """One page of the workspace's conversations. Raises Forbidden and InvalidCursor."""
    require(viewer.reads_inbox)
    by = Order(f"inbox by {order.field}", (_KEYS[order.field], CONVERSATION.c.id), order.direction)
    listed, parts = _conversations(viewer), await _parts(reader, viewer, filter)
    if not (sets := _sets(viewer, filter)):
        return await read_page(reader, listed, by, args, conversation_row, parts=parts)
    found = await arrange(reader, sets)
    return await read_page_of(found, reader, listed, by, args, conversation_row, parts=parts)


async def count_inbox(reader: Reader | Tx, viewer: Viewer, filter: InboxFilter) -> int:
    """How many conversations the filter means, exact up to 10,000. Raises Forbidden."""
    require(viewer.reads_inbox)
    holders = _holders(filter, viewer.workspace_id, await _released(reader, viewer, filter))
    listed = _conversations(viewer).where(*_other_conditions(filter), or_(*holders))
    if not (sets := _sets(viewer, filter)):
        return await total_count(reader, listed)
    found = await arrange(reader, sets)
    return await count_of(found, reader, listed, CONVERSATION.c.id, is_all=filter == InboxFilter(search=filter.search))


async def _released(reader: Reader | Tx, viewer: Viewer, filter: InboxFilter) -> Collection[UUID]:
    return () if filter.unassigned is None else await released_actors(reader, viewer.workspace_id)


async def _parts(reader: Reader | Tx, viewer: Viewer, filter: InboxFilter) -> list[ColumnElement[bool]]:
    """What the filter means but for its search, as read_page() takes it: few, or one part for each status.

    What is nobody's has parts for those too whose work is being released.
    """
    holders = _holders(filter, viewer.workspace_id, await _released(reader, viewer, filter))
    if await _is_narrow(reader, viewer, filter, holders):
        return [and_(or_(*holders), *_other_conditions(filter))]
    statuses = sorted(set(ConversationStatus if filter.status is None else filter.status))
    parts = [
        and_(held, _in_team(filter, held), CONVERSATION.c.status == status)
        for held, status in product(holders, statuses)
    ]
    return [*parts] or [false()]


def _in_team(filter: InboxFilter, held: ColumnElement[bool]) -> ColumnElement[bool]:
    """What the filter demands of the team, as a condition that leaves the order to the index of what is `held`."""
    if filter.team_id is None:
        return true()
    team = CONVERSATION.c.team_id
    return (team if _is_ordered_by_team(filter, held) else unindexed(team)) == filter.team_id


def _is_ordered_by_team(filter: InboxFilter, held: ColumnElement[bool]) -> bool:
    """Whether an index has the order of what is `held` in one team: not of what somebody has, or anybody."""
    return held is _NOBODYS_IN_A_TEAM or (filter.assigned_to_user_id is None and filter.unassigned is None)


def _sets(viewer: Viewer, filter: InboxFilter) -> list[IdSet]:
    """What the filter searches for: for each word what it finds."""
    found = matching(filter.search or "", WORD, "conversation_id", viewer.workspace_id)
    return [IdSet(rows, WORD.c.conversation_id) for rows in found]


async def _is_narrow(
    reader: Reader | Tx, viewer: Viewer, filter: InboxFilter, holders: Sequence[ColumnElement[bool]]
) -> bool:
    """Whether so few are meant, as far as an index tells, that they are collected sooner than met on the way."""
    if filter.ids is not None:
        return True
    ordered = filter.team_id is None or all(_is_ordered_by_team(filter, held) for held in holders)
    if filter.unassigned is False or not ordered:
        whose = InboxFilter(team_id=filter.team_id, status=filter.status)
        conditions = (visible_work(viewer, CONVERSATION), or_(*holders), *_other_conditions(whose))
        return await is_few(reader, select(CONVERSATION.c.id).where(*conditions), FEW_OF_A_LIST)
    return False


async def conversations_by_id(
    reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]
) -> dict[UUID, ConversationRow]:
    """Some conversations that the viewer may see, by id."""
    rows = await reader.rows(_conversations(viewer).where(CONVERSATION.c.id.in_(ids)))
    return {row.id: conversation_row(row) for row in rows}


def _conversations(viewer: Viewer) -> Select[Any]:
    return select(CONVERSATION).where(visible_work(viewer, CONVERSATION))


def conversation_row(row: Row[Any]) -> ConversationRow:
    """The conversation in a row of all its columns."""
    return ConversationRow(
        id=row.id,
        subject=row.subject,
        status=row.status,
        snoozed_until=row.snoozed_until,
        customer=CustomerRow(row.customer_name, row.customer_email),
        assignee_id=row.assignee_id,
        team_id=row.team_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
