"""Handing work over in bulk: what is "assigned to X" goes to a colleague, to several in turn, or to Unassigned."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select

from models.database import Tx, table
from models.enums import AuditAction, BulkOperationStatus, ConversationStatus, ErrorCode
from models.people import Actor
from models.work import BulkOperation
from resolvers import audit
from resolvers.errors import not_found, refuse
from resolvers.inbox import InboxFilter, assignee_condition, inbox_condition, other_conditions
from resolvers.members import Member, find_member
from resolvers.moves import (
    CONVERSATION,
    FOLLOW_UP,
    MOVED,
    MOVED_FOLLOW_UP,
    move_conversations,
    move_follow_ups,
    note_conversations,
    note_follow_ups,
    note_way_back,
    snooze_again,
)
from resolvers.targets import Target, resolve_target
from resolvers.texts import storable
from resolvers.viewer import Viewer, enter, require

ACTOR = table(Actor)
OPERATION = table(BulkOperation)

UNFINISHED = (ConversationStatus.OPEN, ConversationStatus.SNOOZED)
KEY_LIFETIME = timedelta(hours=24)
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class BulkReassigned:
    """What a hand-over came to; no operation for a dry run."""

    operation_id: UUID | None
    matched: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A hand-over made up of conditions: which conversations, which follow-ups, to which actors in turn."""

    conversations: ColumnElement[bool]
    follow_ups: ColumnElement[bool] | None
    to: list[UUID]
    unsnooze: bool


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
    whose = None
    if (user_id := filter.assigned_to_user_id) is not None:
        whose = (await find_member(tx, viewer.workspace_id, user_id, "filter", "assignedTo", "userId")).actor.id
    plan = Plan(
        conversations=_conversations(viewer, filter),
        follow_ups=_follow_ups(viewer, filter) if include_follow_ups else None,
        to=await resolve_target(tx, viewer, to),
        unsnooze=unsnooze,
    )
    matched = await _count(tx, plan)
    if dry_run:
        return BulkReassigned(None, matched)
    operation_id = await _carry_out(tx, viewer, plan, matched, whose, idempotency_key)
    return BulkReassigned(operation_id, matched)


async def hand_over_work_of(tx: Tx, viewer: Viewer, member: Member, to: Target, *, even_nothing: bool) -> UUID | None:
    """Hand over all unfinished work of one user, inside a verb that holds the lock and has checked permission.

    Where there is none, an operation tells so only with `even_nothing`. Refuses with NOT_FOUND or ASSIGNEE_INACTIVE.
    """
    theirs = InboxFilter(assigned_to_user_id=member.user.id)
    plan = Plan(
        conversations=_conversations(viewer, theirs),
        follow_ups=_follow_ups(viewer, theirs),
        to=await resolve_target(tx, viewer, to),
        unsnooze=False,
    )
    matched = await _count(tx, plan)
    if not matched and not even_nothing:
        return None
    return await _carry_out(tx, viewer, plan, matched, member.actor.id, None)


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


def _conversations(viewer: Viewer, filter: InboxFilter) -> ColumnElement[bool]:
    narrowed = replace(filter, status=UNFINISHED) if filter.status is None else filter
    return and_(*inbox_condition(narrowed, viewer.workspace_id))


def _follow_ups(viewer: Viewer, filter: InboxFilter) -> ColumnElement[bool]:
    fitting = select(CONVERSATION.c.id).where(*other_conditions(filter, viewer.workspace_id))
    return and_(
        FOLLOW_UP.c.workspace_id == viewer.workspace_id,
        FOLLOW_UP.c.conversation_id.in_(fitting),
        *assignee_condition(filter, FOLLOW_UP.c.assignee_id, viewer.workspace_id),
    )


async def _count(tx: Tx, plan: Plan) -> int:
    matched: int = await tx.scalar(select(func.count()).select_from(CONVERSATION).where(plan.conversations))
    if plan.follow_ups is not None:
        matched += await tx.scalar(select(func.count()).select_from(FOLLOW_UP).where(plan.follow_ups))
    return matched


async def _carry_out(
    tx: Tx, viewer: Viewer, plan: Plan, matched: int, whose: UUID | None, idempotency_key: str | None
) -> UUID:
    operation = BulkOperation(
        workspace_id=viewer.workspace_id,
        status=BulkOperationStatus.COMPLETED,
        started_by_id=viewer.actor_id,
        started_at=tx.now,
        finished_at=tx.now,
        matched=matched,
        processed=matched,
        idempotency_key=idempotency_key,
    )
    await tx.add(operation)
    await note_conversations(tx, operation.id, plan.conversations, plan.to, unsnooze=plan.unsnooze)
    if plan.follow_ups is not None:
        await note_follow_ups(tx, operation.id, plan.follow_ups, plan.to)
    operation.reassigned_conversations = await move_conversations(tx, operation.id)
    operation.reassigned_follow_ups = await move_follow_ups(tx, operation.id)
    await tx.add(operation)
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.BULK_REASSIGNED,
        actor_id=viewer.actor_id,
        target_id=whose,
        operation=str(operation.id),
        conversations=operation.reassigned_conversations,
        followUps=operation.reassigned_follow_ups,
    )
    return operation.id


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
        status=BulkOperationStatus.COMPLETED,
        started_by_id=viewer.actor_id,
        started_at=tx.now,
        finished_at=tx.now,
        undo_of_id=first.id,
    )
    first.status = BulkOperationStatus.UNDONE
    await tx.add(undo, first)
    await note_way_back(tx, undo.id, first.id, MOVED, CONVERSATION, ACTOR)
    await note_way_back(tx, undo.id, first.id, MOVED_FOLLOW_UP, FOLLOW_UP, ACTOR)
    undo.reassigned_conversations = await move_conversations(tx, undo.id)
    undo.reassigned_follow_ups = await move_follow_ups(tx, undo.id)
    await snooze_again(tx, undo.id, first.id, tx.now)
    undo.matched = undo.processed = first.reassigned_conversations + first.reassigned_follow_ups
    undo.skipped = undo.matched - undo.reassigned_conversations - undo.reassigned_follow_ups
    await tx.add(undo)
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.BULK_REASSIGN_UNDONE,
        actor_id=viewer.actor_id,
        operation=str(undo.id),
        undone=str(first.id),
        conversations=undo.reassigned_conversations,
        followUps=undo.reassigned_follow_ups,
    )
    return BulkReassigned(undo.id, undo.matched)


def _why_not_undo(operation: BulkOperation) -> str | None:
    if operation.undo_of_id is not None:
        return "This operation is itself an undo. Hand the work over again instead."
    if operation.status is BulkOperationStatus.UNDONE:
        return "This operation was undone already."
    if operation.status not in (BulkOperationStatus.COMPLETED, BulkOperationStatus.CANCELLED):
        return "Only an operation that has ended can be undone."
    return None
