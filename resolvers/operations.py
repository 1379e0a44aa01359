"""Reading bulk operations."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from models.database import Reader, Tx, table
from models.work import BulkOperation
from resolvers.errors import Refusal
from resolvers.rows import BulkOperationRow
from resolvers.viewer import Viewer
from resolvers.visibility import visible_operations

OPERATION = table(BulkOperation)


async def operations_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, BulkOperationRow]:
    """Some bulk operations that the viewer may see, by id."""
    rows = await reader.rows(select(OPERATION).where(visible_operations(viewer), OPERATION.c.id.in_(ids)))
    return {row.id: operation_row(row) for row in rows}


def operation_row(row: Row[Any]) -> BulkOperationRow:
    """The operation in a row of all its columns."""
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
