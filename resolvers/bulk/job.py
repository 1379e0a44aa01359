"""An operation with what it is to do, and the right to do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, true

from models.database import table
from models.enums import BulkOperationStatus
from models.work import BulkOperation
from resolvers.bulk.handing import HandOver
from resolvers.bulk.operation import Operation, State, Step, Work
from resolvers.bulk.plan import Plan
from resolvers.bulk.releasing import Release
from resolvers.bulk.undoing import Undo

OPERATION = table(BulkOperation)


@dataclass(frozen=True, slots=True)
class Lease:
    """A node's right to carry operations on, for so long from each sign of life."""

    owner_id: UUID
    lasts: timedelta


class LeaseLost(Exception):
    """The operation has ended, or another node carries it on: what this transaction did is rolled back."""


@dataclass(frozen=True, slots=True)
class Job:
    """An operation with what it is to do; with a lease where a node carries it on in the background.

    `ended` is the last step in which nothing is left.
    """

    operation: Operation
    work: Work
    lease: Lease | None = None
    ended: Step | None = None

    @property
    def targets(self) -> Sequence[UUID]:
        """The actors who must be active for it to go on."""
        return self.work.plan.to if isinstance(self.work, HandOver) else ()

    @property
    def is_ours(self) -> list[ColumnElement[bool]]:
        """The conditions that the operation runs, and that the lease, if there is one, is held still."""
        lease = true() if self.lease is None else OPERATION.c.lease_owner_id == self.lease.owner_id
        return [OPERATION.c.id == self.operation.id, OPERATION.c.status == BulkOperationStatus.RUNNING, lease]


def job_of(row: BulkOperation | Row[Any], lease: Lease | None = None) -> Job:
    """What a row of the table says is to be done."""
    operation = Operation(
        id=row.id,
        workspace_id=row.workspace_id,
        revision=row.revision,
        started_by_id=row.started_by_id,
        started_at=row.started_at,
        undo_of_id=row.undo_of_id,
        released_id=row.released_id,
        state=State.load(row.state),
    )
    return Job(operation, _work(operation, row.plan), lease)


def _work(operation: Operation, plan: dict[str, Any] | None) -> Work:
    if operation.undo_of_id is not None:
        return Undo(operation, operation.undo_of_id)
    if operation.released_id is not None:
        return Release(operation, operation.released_id)
    assert plan is not None
    return HandOver(operation, Plan.load(plan))
