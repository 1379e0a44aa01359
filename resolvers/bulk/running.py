"""Carrying operations on, a chunk at a time; how they begin, who works on them, and how they end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, null, or_, select, true, update

from models.database import Reader, Tx, table
from models.enums import AuditAction, BulkOperationStatus, ErrorCode, NoticeKind
from models.types import now
from models.work import BulkOperation
from resolvers import audit
from resolvers.bulk.handing import HandOver
from resolvers.bulk.operation import Chunk, Operation, State, Step, ToDo, Work
from resolvers.bulk.plan import Plan
from resolvers.bulk.releasing import Release
from resolvers.bulk.undoing import Undo
from resolvers.members import system_actor
from resolvers.notices import tell_owners
from resolvers.revisions import next_revision
from resolvers.targets import all_active

OPERATION = table(BulkOperation)

AT_ONCE = 5_000
"""Up to so many rows are dealt with in the transaction that starts an operation."""

GONE = (
    "Somebody to whom the work was to go is inactive or deleted by now, so the rest stays where it is. Hand it over to "
    "somebody else, or undo what was done."
)


@dataclass(frozen=True, slots=True)
class Lease:
    """A node's right to carry operations on, for so long from each sign of life."""

    owner_id: UUID
    lasts: timedelta


class LeaseLost(Exception):
    """The operation has ended, or another node carries it on: what this transaction did is rolled back."""


def work_of(operation: Operation, plan: Plan | None) -> Work:
    """What distinguishes an operation."""
    if operation.undo_of_id is not None:
        return Undo(operation, operation.undo_of_id)
    if operation.released_id is not None:
        return Release(operation, operation.released_id)
    assert plan is not None
    return HandOver(operation, plan)


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


async def begin(tx: Tx, operation: BulkOperation, plan: Plan | None, **counted: int) -> None:
    """Start an operation whose matches are counted: to its end if it is small, else it goes on in the background.

    The transaction must hold the lock, and have drawn the operation's revision. `counted` is for the audit log.
    """
    operation.plan = None if plan is None else plan.dump()
    await tx.add(operation)
    known = _operation(operation)
    job = Job(known, work_of(known, plan))
    if operation.released_id is not None or operation.matched > AT_ONCE:
        tx.work_due = True
        if operation.released_id is None:
            await _record(tx, job, AuditAction.BULK_REASSIGN_STARTED, operation.started_by_id, **counted)
        return
    while (to_do := await next_to_do(tx, job, AT_ONCE)) is not None:
        job = await advance(tx, job, to_do)
    await complete(tx, job)


async def next_to_do(reader: Reader | Tx, job: Job, limit: int) -> ToDo | None:
    """What comes next, at most `limit` rows; None if there is nothing left."""
    state, steps = job.operation.state, list(job.work.steps)
    if job.ended is not None:
        steps = steps[steps.index(job.ended) + 1 :]
    elif state.step in steps:
        steps = steps[steps.index(state.step) :]
    for step in steps:
        after = state.after if step is state.step else None
        if rows := await reader.rows(job.work.to_do(step, after, limit)):
            return ToDo(step, rows, ends_step=len(rows) < limit)
    return None


async def advance(tx: Tx, job: Job, to_do: ToDo) -> Job:
    """Deal with some rows; the job as it then is. The transaction holds the lock. Raises LeaseLost."""
    state = job.operation.state
    revision = await next_revision(tx, job.operation.workspace_id) if job.lease else job.operation.revision
    chunk = Chunk(to_do.step, to_do.ids, revision, state.met(to_do.step))
    met, moved = await job.work.move(tx, chunk)
    state = state.moved_on(to_do.step, to_do.upto, met)
    of_conversations = to_do.step.is_of_conversations
    column = OPERATION.c.reassigned_conversations if of_conversations else OPERATION.c.reassigned_follow_ups
    values: dict[Any, Any] = {
        OPERATION.c.processed: OPERATION.c.processed + met,
        column: column + moved,
        OPERATION.c.state: state.dump(),
    }
    if job.operation.released_id is not None:
        values[OPERATION.c.matched] = OPERATION.c.matched + met
    if job.lease is not None:
        values[OPERATION.c.lease_until] = tx.now + job.lease.lasts
    if not await tx.run(update(OPERATION).where(*_still_ours(job)).values(values)):
        raise LeaseLost
    ended = to_do.step if to_do.ends_step else job.ended
    return replace(job, operation=replace(job.operation, state=state), ended=ended)


async def carry_on(tx: Tx, job: Job, to_do: ToDo | None) -> Job | None:
    """Under the lock: deal with some rows, or end the operation if there are none left.

    None once it has ended: also when somebody who was to get the work is inactive by now. Raises LeaseLost.
    """
    if not await all_active(tx, job.targets):
        await _fail(tx, job)
        return None
    if to_do is not None:
        return await advance(tx, job, to_do)
    await complete(tx, job)
    return None


async def complete(tx: Tx, job: Job) -> None:
    """End an operation that has nothing left to do; raises LeaseLost."""
    await _end(
        tx,
        job,
        BulkOperationStatus.COMPLETED,
        skipped=OPERATION.c.matched - OPERATION.c.processed,
        processed=OPERATION.c.matched,
    )


async def cancel(tx: Tx, operation: BulkOperation, by_id: UUID) -> None:
    """Stop an operation that is running; what it has done stays. One whose undoing is stopped counts as stopped too."""
    known = _operation(operation)
    job = Job(known, work_of(known, _plan(operation.plan)))
    await _end(tx, job, BulkOperationStatus.CANCELLED, by_id)


async def _fail(tx: Tx, job: Job) -> None:
    """End an operation that cannot go on. The owners are told if the work then stays with somebody who has left."""
    code = ErrorCode.ASSIGNEE_INACTIVE
    row = await _end(tx, job, BulkOperationStatus.FAILED, failure_code=code, failure_message=GONE)
    if isinstance(job.work, HandOver) and job.work.plan.departure:
        await tell_owners(
            tx,
            job.operation.workspace_id,
            NoticeKind.HAND_OVER_STOPPED,
            code=code,
            whose=str(job.work.plan.holder_id),
            to=[str(each) for each in job.work.plan.to],
            conversations=row.reassigned_conversations,
            followUps=row.reassigned_follow_ups,
            left=row.matched - row.processed,
        )


async def _end(tx: Tx, job: Job, status: BulkOperationStatus, by_id: UUID | None = None, **values: Any) -> Row[Any]:
    ended = {"plan": null(), "state": null(), "lease_owner_id": None, "lease_until": None, "finished_at": tx.now}
    row = await tx.row(
        update(OPERATION)
        .where(*_still_ours(job))
        .values(status=status, **ended, **values)
        .returning(
            OPERATION.c.reassigned_conversations,
            OPERATION.c.reassigned_follow_ups,
            OPERATION.c.matched,
            OPERATION.c.processed,
        )
    )
    if row is None:
        raise LeaseLost
    operation = job.operation
    if status is BulkOperationStatus.CANCELLED and operation.undo_of_id is not None:
        # What is left of the first can be taken back another time.
        undone = update(OPERATION).where(OPERATION.c.id == operation.undo_of_id)
        await tx.run(undone.values(status=BulkOperationStatus.CANCELLED))
    if status is BulkOperationStatus.FAILED:
        by_id = await system_actor(tx, operation.workspace_id)
    done = {"conversations": row.reassigned_conversations, "followUps": row.reassigned_follow_ups}
    await _record(tx, job, _action(job, status), by_id or operation.started_by_id, **done)
    return row


async def _record(tx: Tx, job: Job, action: AuditAction, actor_id: UUID, **details: int) -> None:
    operation = job.operation
    undone = {"undone": str(operation.undo_of_id)} if operation.undo_of_id else {}
    await audit.record(
        tx,
        operation.workspace_id,
        action,
        actor_id=actor_id,
        target_id=job.work.plan.holder_id if isinstance(job.work, HandOver) else operation.released_id,
        operation=str(operation.id),
        **undone,
        **details,
    )


def _action(job: Job, status: BulkOperationStatus) -> AuditAction:
    if status is BulkOperationStatus.CANCELLED:
        return AuditAction.BULK_REASSIGN_CANCELLED
    if status is BulkOperationStatus.FAILED:
        return AuditAction.BULK_REASSIGN_FAILED
    return AuditAction.BULK_REASSIGN_UNDONE if job.operation.undo_of_id else AuditAction.BULK_REASSIGNED


def _still_ours(job: Job) -> list[ColumnElement[bool]]:
    lease = true() if job.lease is None else OPERATION.c.lease_owner_id == job.lease.owner_id
    return [OPERATION.c.id == job.operation.id, OPERATION.c.status == BulkOperationStatus.RUNNING, lease]


def _plan(dumped: dict[str, Any] | None) -> Plan | None:
    return None if dumped is None else Plan.load(dumped)


def _operation(row: BulkOperation | Row[Any]) -> Operation:
    return Operation(
        id=row.id,
        workspace_id=row.workspace_id,
        revision=row.revision,
        started_by_id=row.started_by_id,
        started_at=row.started_at,
        undo_of_id=row.undo_of_id,
        released_id=row.released_id,
        state=State.load(row.state),
    )


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
    if row is None:
        return None
    operation = _operation(row)
    return Job(operation, work_of(operation, _plan(row.plan)), lease)


def _is_free(moment: Any) -> ColumnElement[bool]:
    return or_(OPERATION.c.lease_until.is_(None), OPERATION.c.lease_until <= moment)


async def let_go(tx: Tx, lease: Lease) -> None:
    """Leave everything that a node carries on to others, at once."""
    await tx.run(
        update(OPERATION)
        .where(OPERATION.c.status == BulkOperationStatus.RUNNING, OPERATION.c.lease_owner_id == lease.owner_id)
        .values(lease_until=None)
    )
