"""Work of deleted users that is still on its way to Unassigned, and reads so already.

A deletion takes no longer for who had much work: it leaves the work where it is and starts an operation, which empties
the assignee row by row. Until that is done, whoever asks for what is nobody's also means what these actors have.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, case, cast, null, or_, select

from models.database import Reader, Tx, table
from models.enums import BulkOperationStatus
from models.work import BulkOperation

OPERATION = table(BulkOperation)


async def released_actors(reader: Reader | Tx, workspace_id: UUID) -> tuple[UUID, ...]:
    """The actors whose work is being released; hardly ever any."""
    rows = await reader.rows(
        select(OPERATION.c.released_id).where(
            OPERATION.c.workspace_id == workspace_id,
            OPERATION.c.status == BulkOperationStatus.RUNNING,
            OPERATION.c.released_id.is_not(None),
        )
    )
    return tuple(row.released_id for row in rows)


def held_by_nobody(assignee: ColumnElement[Any], released: Collection[UUID]) -> ColumnElement[bool]:
    """The condition that something reads as Unassigned."""
    return or_(assignee.is_(None), assignee.in_(released)) if released else assignee.is_(None)


def holder(assignee: ColumnElement[Any], released: Collection[UUID]) -> ColumnElement[Any]:
    """The actor to whom something reads as assigned; null for Unassigned."""
    gone = [(assignee == each, cast(null(), Uuid)) for each in released]
    return case(*gone, else_=assignee) if released else assignee
