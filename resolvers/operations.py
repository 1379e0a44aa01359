"""Reading bulk operations."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select

from models.database import Reader, Tx, table
from models.work import BulkOperation
from resolvers.errors import Refusal
from resolvers.pages import Order, OrderDirection, Page, PageArgs, read_page, total_count
from resolvers.rows import BulkOperationRow
from resolvers.viewer import Viewer, require
from resolvers.visibility import visible_operations

OPERATION = table(BulkOperation)

COLUMNS = tuple(column for column in OPERATION.c if column.name not in ("plan", "state"))
"""What operation_row() needs: not what only those need who carry an operation on."""

_NEWEST_FIRST = Order("bulk operations", (OPERATION.c.started_at, OPERATION.c.id), OrderDirection.DESC)


async def operations_page(reader: Reader | Tx, viewer: Viewer, args: PageArgs) -> Page[BulkOperationRow]:
    """One page of the bulk operations that the viewer may see, newest first. Raises Forbidden and InvalidCursor."""
    require(viewer.reads_inbox or viewer.writes_inbox)
    return await read_page(reader, _visible(viewer), _NEWEST_FIRST, args, operation_row)


async def count_operations(reader: Reader | Tx, viewer: Viewer) -> int:
    """How many there are, exact up to 10,000."""
    return await total_count(reader, _visible(viewer))


def _visible(viewer: Viewer) -> Select[Any]:
    return select(*COLUMNS).where(visible_operations(viewer))


async def operations_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, BulkOperationRow]:
    """Some bulk operations that the viewer may see, by id."""
    rows = await reader.rows(_visible(viewer).where(OPERATION.c.id.in_(ids)))
    return {row.id: operation_row(row) for row in rows}


def operation_row(row: Row[Any]) -> BulkOperationRow:
    """The operation in a row of COLUMNS."""
    return BulkOperationRow(
        id=row.id,
        status=row.status,
        started_by_id=row.started_by_id,
        started_at=row.started_at,
        finished_at=row.finished_at,
        matched=row.matched,
        processed=row.processed,
        reassigned_conversations=row.reassigned_conversations,
        reassigned_follow_ups=row.reassigned_follow_ups,
        skipped=row.skipped,
        undo_of_id=row.undo_of_id,
        failure=None if row.failure_code is None else Refusal(row.failure_code, row.failure_message or ""),
    )
