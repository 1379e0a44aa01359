"""Who carries on what goes on in the background: a node with a lease on it, and another one when that is over."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update

from models.database import Reader, Tx
from models.enums import BulkOperationStatus
from models.types import now
from resolvers.bulk.job import OPERATION, Job, Lease, job_of


async def unattended(reader: Reader, limit: int) -> Mapping[UUID, UUID]:
    """Operations that run and that no node carries on at present, oldest first, each with its workspace."""
    rows = await reader.rows(
        select(OPERATION.c.id, OPERATION.c.workspace_id)
        .where(OPERATION.c.status == BulkOperationStatus.RUNNING, _is_free(now()))
        .order_by(OPERATION.c.started_at, OPERATION.c.id)
        .limit(limit)
    )
    return {row.id: row.workspace_id for row in rows}


async def take_on(tx: Tx, operation_id: UUID, workspace_id: UUID, lease: Lease) -> Job | None:
    """Begin to carry an operation on; None if it has ended, or another node has been faster."""
    await tx.lock(workspace_id)
    row = await tx.row(
        update(OPERATION)
        .where(OPERATION.c.id == operation_id, OPERATION.c.status == BulkOperationStatus.RUNNING, _is_free(tx.now))
        .values(lease_owner_id=lease.owner_id, lease_until=tx.now + lease.lasts)
        .returning(*OPERATION.c)
    )
    return None if row is None else job_of(row, lease)


def _is_free(moment: Any) -> ColumnElement[bool]:
    return or_(OPERATION.c.lease_until.is_(None), OPERATION.c.lease_until <= moment)


async def let_go(tx: Tx, lease: Lease) -> None:
    """Leave everything that a node carries on to others, at once."""
    await tx.run(
        update(OPERATION)
        .where(OPERATION.c.status == BulkOperationStatus.RUNNING, OPERATION.c.lease_owner_id == lease.owner_id)
        .values(lease_until=None)
    )
