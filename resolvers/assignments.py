"""Reading to whom conversations went, one after the other."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, or_, select, true

from models.database import Reader, Tx, table
from models.work import Assignment, BulkOperation, Conversation
from resolvers.pages import COUNTED_EXACTLY, Order, OrderDirection, Page, PageArgs
from resolvers.rows import AssignmentRow
from resolvers.viewer import Viewer
from resolvers.visibility import visible_work

ASSIGNMENT = table(Assignment)
CONVERSATION = table(Conversation)
OPERATION = table(BulkOperation)

_NEWEST_FIRST = Order("assignments", (ASSIGNMENT.c.revision,), OrderDirection.DESC)

_TELLS_THE_TOTAL = 1
"""The place of a row that comes along even if it is not on the page: without any row nothing would tell the total."""


@dataclass(frozen=True, slots=True)
class AssignmentsPage:
    """Some assignments of one conversation, and how many it has: exact up to 10,000, 10,001 means more."""

    page: Page[AssignmentRow]
    total_count: int


NO_ASSIGNMENTS = AssignmentsPage(Page([], [], has_next_page=False, has_previous_page=False), 0)


async def assignments_of(
    reader: Reader | Tx, viewer: Viewer, conversation_ids: Collection[UUID], args: PageArgs
) -> dict[UUID, AssignmentsPage]:
    """The same page (`first` and `after`) of each conversation's assignments; one never assigned is absent.

    Raises InvalidCursor. One statement for any number of conversations.
    """
    a = ASSIGNMENT.c
    wanted = true() if args.after is None else _NEWEST_FIRST.beyond(args.after)
    counted = (
        select(
            a.conversation_id,
            a.revision,
            func.count().over(partition_by=a.conversation_id).label("total"),
            func.row_number().over(partition_by=a.conversation_id, order_by=_NEWEST_FIRST.by()).label("place"),
            func.sum(case((wanted, 0), else_=1)).over(partition_by=a.conversation_id).label("skipped"),
        )
        .select_from(CONVERSATION)
        .join(ASSIGNMENT, a.conversation_id == CONVERSATION.c.id)
        .where(
            visible_work(viewer, CONVERSATION),
            CONVERSATION.c.id.in_(conversation_ids),
            a.from_id.is_distinct_from(a.to_id),
        )
        .subquery("counted")
    )
    places = counted.c
    shown = and_(places.place > places.skipped, places.place <= places.skipped + args.size + 1)
    rows = await reader.rows(
        select(
            ASSIGNMENT,
            func.coalesce(a.by_id, OPERATION.c.started_by_id).label("whose"),
            places.total,
            places.place,
            places.skipped,
        )
        .select_from(counted)
        .join(ASSIGNMENT, and_(a.conversation_id == places.conversation_id, a.revision == places.revision))
        .outerjoin(OPERATION, OPERATION.c.id == a.operation_id)
        .where(or_(shown, places.place == _TELLS_THE_TOTAL))
        .order_by(a.conversation_id, places.place)
    )
    found: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.conversation_id, []).append(row)
    return {conversation_id: _page(rows, args) for conversation_id, rows in found.items()}


def _page(rows: list[Row[Any]], args: PageArgs) -> AssignmentsPage:
    shown = [row for row in rows if row.place > row.skipped]
    page = shown[: args.size]
    return AssignmentsPage(
        Page(
            [AssignmentRow(row.from_id, row.to_id, row.whose, row.at, row.operation_id) for row in page],
            [_NEWEST_FIRST.cursor(row) for row in page],
            has_next_page=len(shown) > args.size,
            has_previous_page=args.after is not None,
        ),
        min(rows[0].total, COUNTED_EXACTLY + 1),
    )
