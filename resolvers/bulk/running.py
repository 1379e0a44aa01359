"""Carrying operations on, a chunk at a time; how they begin and end."""

from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, bindparam, null, update

from models.database import Reader, Tx
from models.enums import AuditAction, BulkOperationStatus, ErrorCode, NoticeKind
from models.prepared import Prepared
from models.work import BulkOperation
from resolvers import audit
from resolvers.bulk.counting import Counts, count_now
from resolvers.bulk.handing import HandOver
from resolvers.bulk.job import OPERATION, Job, LeaseLost, job_of
from resolvers.bulk.operation import Chunk, ToDo
from resolvers.bulk.plan import Plan
from resolvers.members import system_actor
from resolvers.notices import tell_owners
from resolvers.revisions import next_revision_for

AT_ONCE = 5_000
"""Up to so many rows are dealt with in the transaction that starts an operation."""

GONE = (
    "Somebody to whom the work was to go is inactive or deleted by now, so the rest stays where it is. Hand it over to "
    "somebody else, or undo what was done."
)


async def begin(tx: Tx, operation: BulkOperation, plan: Plan | None, **counted: int) -> None:
    """Start an operation whose matches are counted: to its end if it is small, else it goes on in the background.

    The transaction must hold the lock, and have drawn the operation's revision. `counted` is for the audit log.
    """
    operation.plan = None if plan is None else plan.dump()
    await tx.add(operation)
    job = job_of(operation)
    if operation.released_id is not None or operation.matched > AT_ONCE:
        tx.work_due = True
        if operation.released_id is None:
            await _record(tx, job, AuditAction.BULK_REASSIGN_STARTED, operation.started_by_id, **counted)
        return
    while (to_do := await next_to_do(tx, job, AT_ONCE)) is not None:
        job = await advance(tx, job, to_do, operation.revision)
    await complete(tx, job)


async def count_again(reader: Reader, job: Job) -> Counts:
    """What an operation matched at its start, and nobody has changed since: for one that is not `counted`."""
    assert isinstance(job.work, HandOver)
    return await count_now(reader, job.operation.workspace_id, job.work.plan, job.operation.revision)


async def note_counts(tx: Tx, job: Job, counts: Counts) -> Job:
    """Write down what was counted again, before anything is moved. Raises LeaseLost."""
    assert job.lease is not None
    await tx.lock(job.operation.workspace_id)
    state = replace(job.operation.state, counted=True)
    values = {"matched": counts.matched, "processed": counts.settled, "state": state.dump()}
    noted = update(OPERATION).where(*job.is_ours).values(**values, lease_until=tx.now + job.lease.lasts)
    if not await tx.run(noted):
        raise LeaseLost
    return replace(job, operation=replace(job.operation, state=state))


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
            return ToDo.of(step, rows, ends_step=len(rows) < limit)
    return None


async def advance(tx: Tx, job: Job, to_do: ToDo, revision: int) -> Job:
    """Deal with some rows, and write a revision on them; the job as it then is. Raises LeaseLost.

    The transaction holds the lock, and has drawn the revision.
    """
    state = job.operation.state
    chunk = Chunk(to_do.step, to_do.ids, revision, state.met(to_do.step))
    met, moved = await job.work.move(tx, chunk)
    state = state.moved_on(to_do.step, to_do.upto, met)
    values = {
        "operation": job.operation.id,
        "met": met,
        "moved": moved,
        "came_to": state.dump(),
        "lease_owner": job.lease and job.lease.owner_id,
        "until": job.lease and tx.now + job.lease.lasts,
    }
    if not await tx.change(_progress(to_do.step.is_of_conversations, job.operation.released_id is not None), values):
        raise LeaseLost
    ended = to_do.step if to_do.ends_step else job.ended
    return replace(job, operation=replace(job.operation, state=state), ended=ended)


@cache
def _progress(of_conversations: bool, counts_as_found: bool) -> Prepared:
    """What a chunk writes down of an operation, if it is still ours."""
    o, met = OPERATION.c, bindparam("met", type_=Integer())
    column = o.reassigned_conversations if of_conversations else o.reassigned_follow_ups
    values: dict[Any, Any] = {
        o.processed: o.processed + met,
        column: column + bindparam("moved", type_=Integer()),
        o.state: bindparam("came_to", type_=o.state.type),
        o.lease_until: bindparam("until", type_=o.lease_until.type),
    }
    if counts_as_found:
        values[o.matched] = o.matched + met
    lease = o.lease_owner_id.is_not_distinct_from(bindparam("lease_owner", type_=o.lease_owner_id.type))
    ours = o.id == bindparam("operation"), o.status == BulkOperationStatus.RUNNING, lease
    return Prepared(update(OPERATION).where(*ours).values(values))


async def carry_on(tx: Tx, job: Job, to_do: ToDo | None) -> Job | None:
    """Under the lock: deal with some rows, or end the operation if there are none left.

    None once it has ended: also when somebody who was to get the work is inactive by now. Raises LeaseLost.
    """
    revision = await next_revision_for(tx, job.operation.workspace_id, job.targets)
    if revision is None:
        await _fail(tx, job)
        return None
    if to_do is not None:
        return await advance(tx, job, to_do, revision)
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
    await _end(tx, job_of(operation), BulkOperationStatus.CANCELLED, by_id)


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
        .where(*job.is_ours)
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
