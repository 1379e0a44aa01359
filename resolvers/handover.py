"""Handing work over in bulk: what is "assigned to X" goes to a colleague, to several in turn, or to Unassigned."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, or_, select

from models.database import Tx, table
from models.enums import BulkOperationStatus, ConversationStatus, ErrorCode
from models.work import BulkOperation, Conversation, FollowUp
from resolvers.bulk import running
from resolvers.bulk.counting import Counts, count, count_now
from resolvers.bulk.operation import State
from resolvers.bulk.plan import Plan
from resolvers.errors import not_found, refuse
from resolvers.inbox import InboxFilter
from resolvers.members import Member, find_member, system_actor
from resolvers.released import released_actors
from resolvers.revisions import next_revision
from resolvers.targets import Target, resolve_target
from resolvers.texts import storable
from resolvers.viewer import Viewer, enter, require

CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
OPERATION = table(BulkOperation)

UNFINISHED = (ConversationStatus.OPEN, ConversationStatus.SNOOZED)
KEY_LIFETIME = timedelta(hours=24)
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class BulkReassigned:
    """What a hand-over came to; no operation for a dry run."""

    operation_id: UUID | None
    matched: int


async def bulk_reassign(
    tx: Tx,
    viewer: Viewer,
    *,
    filter: InboxFilter,
    to: Target,
    include_follow_ups: bool = True,
    unsnooze: bool = False,
    dry_run: bool = False,
    idempotency_key: str | None = None,
) -> BulkReassigned:
    """Hand over what a filter matches: open and snoozed conversations unless it names other statuses, and follow-ups.

    A key seen within 24 hours answers with the first operation and starts none. Raises Forbidden; refuses with
    NOT_FOUND, ASSIGNEE_INACTIVE or INVALID_INPUT and then nothing has changed.
    """
    viewer = await enter(tx, viewer)
    require(viewer.writes_inbox)
    if idempotency_key is not None:
        _check_key(idempotency_key)
        if not dry_run and (first := await _first(tx, viewer, idempotency_key)):
            return first
    holder_id = None
    if (user_id := filter.assigned_to_user_id) is not None:
        holder_id = (await find_member(tx, viewer.workspace_id, user_id, "filter", "assignedTo", "userId")).actor.id
    plan = Plan(
        to=tuple(await resolve_target(tx, viewer, to)),
        status=UNFINISHED if filter.status is None else tuple(dict.fromkeys(filter.status)),
        any_status=filter.status is None,
        ids=None if filter.ids is None else tuple(filter.ids),
        holder_id=holder_id,
        unassigned=filter.unassigned,
        team_id=filter.team_id,
        search=filter.search,
        unsnooze=unsnooze,
        follow_ups=include_follow_ups,
        released=await released_actors(tx, viewer.workspace_id) if holder_id is None else (),
    )
    counts = await count(tx, viewer.workspace_id, plan, running.AT_ONCE)
    if dry_run:
        return BulkReassigned(None, counts.matched)
    operation = await _start(tx, viewer, plan, counts, idempotency_key)
    return BulkReassigned(operation.id, operation.matched)


async def hand_over_work_of(tx: Tx, viewer: Viewer, member: Member, to: Target, *, even_nothing: bool) -> UUID | None:
    """Hand over all unfinished work of who leaves, inside a verb that holds the lock and has checked permission.

    Where there is none, an operation tells so only with `even_nothing`; where a request of the same kind has it
    under way, that one's. The owners are told by mail if it ends as FAILED. Refuses with NOT_FOUND or
    ASSIGNEE_INACTIVE.
    """
    plan = Plan(
        to=tuple(await resolve_target(tx, viewer, to)),
        status=UNFINISHED,
        any_status=True,
        holder_id=member.actor.id,
        departure=True,
    )
    if under_way := await _same_under_way(tx, viewer, plan):
        return under_way
    counts = await count(tx, viewer.workspace_id, plan, running.AT_ONCE)
    if not counts.matched and not even_nothing:
        return None
    return (await _start(tx, viewer, plan, counts, None)).id


async def _same_under_way(tx: Tx, viewer: Viewer, plan: Plan) -> UUID | None:
    running = await tx.rows(
        select(OPERATION.c.id, OPERATION.c.plan)
        .where(OPERATION.c.workspace_id == viewer.workspace_id, OPERATION.c.status == BulkOperationStatus.RUNNING)
        .order_by(OPERATION.c.started_at)
    )
    return next((row.id for row in running if row.plan and Plan.load(row.plan) == plan), None)


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY or not storable(key):
        message = f"idempotencyKey must have 1 to {LONGEST_KEY} characters, none of them NUL."
        raise refuse(ErrorCode.INVALID_INPUT, message, "idempotencyKey")


async def _first(tx: Tx, viewer: Viewer, key: str) -> BulkReassigned | None:
    row = await tx.row(
        select(OPERATION.c.id, OPERATION.c.matched)
        .where(
            OPERATION.c.workspace_id == viewer.workspace_id,
            OPERATION.c.started_by_id == viewer.actor_id,
            OPERATION.c.idempotency_key == key,
            OPERATION.c.started_at > tx.now - KEY_LIFETIME,
        )
        .order_by(OPERATION.c.started_at)
    )
    return None if row is None else BulkReassigned(row.id, row.matched)


async def _start(tx: Tx, viewer: Viewer, plan: Plan, counts: Counts, idempotency_key: str | None) -> BulkOperation:
    revision = await next_revision(tx, viewer.workspace_id)
    if not (exact := counts.is_exact(revision)) and counts.matched <= running.AT_ONCE:
        counts, exact = await count_now(tx, viewer.workspace_id, plan), True
    operation = BulkOperation(
        workspace_id=viewer.workspace_id,
        status=BulkOperationStatus.RUNNING,
        started_by_id=viewer.actor_id,
        started_at=tx.now,
        matched=counts.matched,
        processed=counts.settled,
        idempotency_key=idempotency_key,
        revision=revision,
        state=State(counted=exact).dump(),
    )
    await running.begin(tx, operation, plan, conversations=counts.conversations, followUps=counts.follow_ups)
    return operation


async def release_work_of(tx: Tx, workspace_id: UUID, actor_id: UUID) -> None:
    """Start to release whatever is assigned to a user who was deleted, inside the verb that does so."""
    if not await tx.scalar(
        select(
            or_(
                *(
                    exists().where(work.c.workspace_id == workspace_id, work.c.assignee_id == actor_id)
                    for work in (CONVERSATION, FOLLOW_UP)
                )
            )
        )
    ):
        return
    operation = BulkOperation(
        workspace_id=workspace_id,
        status=BulkOperationStatus.RUNNING,
        started_by_id=await system_actor(tx, workspace_id),
        started_at=tx.now,
        released_id=actor_id,
        revision=await next_revision(tx, workspace_id),
    )
    await running.begin(tx, operation, None)


async def undo_bulk_reassign(tx: Tx, viewer: Viewer, *, operation_id: UUID) -> BulkReassigned:
    """Take a hand-over back, as an operation of its own: what nobody touched since goes to whom it came from.

    That person may be inactive; a deleted one's work goes to Unassigned. What the hand-over woke sleeps again until its
    time. The rest is counted as skipped. Raises Forbidden; refuses with NOT_FOUND or CANNOT_UNDO.
    """
    viewer = await enter(tx, viewer)
    require(viewer.writes_inbox)
    first = await tx.get(BulkOperation, id=operation_id, workspace_id=viewer.workspace_id)
    if first is None:
        raise not_found("operation", "operationId")
    if (why := _why_not_undo(first)) is not None:
        raise refuse(ErrorCode.CANNOT_UNDO, why, "operationId")
    undo = BulkOperation(
        workspace_id=viewer.workspace_id,
        status=BulkOperationStatus.RUNNING,
        started_by_id=viewer.actor_id,
        started_at=tx.now,
        matched=first.reassigned_conversations + first.reassigned_follow_ups,
        undo_of_id=first.id,
        revision=await next_revision(tx, viewer.workspace_id),
    )
    first.status = BulkOperationStatus.UNDONE
    await tx.add(first)
    counted = {"conversations": first.reassigned_conversations, "followUps": first.reassigned_follow_ups}
    await running.begin(tx, undo, None, **counted)
    return BulkReassigned(undo.id, undo.matched)


def _why_not_undo(operation: BulkOperation) -> str | None:
    if operation.undo_of_id is not None:
        return "This operation is itself an undo. Hand the work over again instead."
    if operation.status is BulkOperationStatus.UNDONE:
        return "This operation was undone already."
    if operation.released_id is not None:
        return "The work of a deleted user cannot be given back."
    if operation.status is BulkOperationStatus.RUNNING:
        return "Only an operation that has ended can be undone. Cancel it first, or wait."
    return None


async def cancel_bulk_reassign(tx: Tx, viewer: Viewer, *, operation_id: UUID) -> BulkReassigned:
    """Stop a hand-over, or an undo, that is running: what it has done stays, and can be undone.

    One that was cancelled already stays as it is. Raises Forbidden; refuses with NOT_FOUND or CANNOT_CANCEL.
    """
    viewer = await enter(tx, viewer)
    require(viewer.writes_inbox)
    operation = await tx.get(BulkOperation, id=operation_id, workspace_id=viewer.workspace_id)
    if operation is None:
        raise not_found("operation", "operationId")
    if operation.released_id is not None:
        raise refuse(ErrorCode.CANNOT_CANCEL, "What a deleted user had becomes Unassigned in any case.", "operationId")
    if operation.status is BulkOperationStatus.RUNNING:
        await running.cancel(tx, operation, viewer.actor_id)
    elif operation.status is not BulkOperationStatus.CANCELLED:
        raise refuse(ErrorCode.CANNOT_CANCEL, "This operation has ended already. Undo it instead.", "operationId")
    return BulkReassigned(operation.id, operation.matched)
