"""Moving many rows at once, by statements over sets.

What an operation does to each row is noted first and applied from the notes, so that undoing it knows what to take
back, and what somebody has touched since.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Uuid, case, cast, func, insert, literal, null, or_, select, update

from models.database import Tx, table
from models.enums import ConversationStatus
from models.work import Conversation, FollowUp, ReassignedConversation, ReassignedFollowUp
from resolvers.targets import share

CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
MOVED = table(ReassignedConversation)
MOVED_FOLLOW_UP = table(ReassignedFollowUp)


async def note_conversations(
    tx: Tx, operation_id: UUID, which: ColumnElement[bool], to: Sequence[UUID], *, unsnooze: bool
) -> None:
    """Note where each conversation goes, shared out in inbox order; those with nothing to change are left out."""
    c = CONVERSATION.c
    place = (func.row_number().over(order_by=(c.updated_at.desc(), c.id.desc())) - 1).label("place")
    asleep = c.status == ConversationStatus.SNOOZED
    matched = select(c.id, c.assignee_id, c.revision, c.snoozed_until, asleep.label("asleep"), place).where(which)
    row = matched.subquery().c
    target = share(to, row.place)
    wakes = row.asleep if unsnooze else literal(False)
    await tx.run(
        insert(MOVED).from_select(
            ["operation_id", "conversation_id", "from_id", "to_id", "revision", "woken_from"],
            select(
                literal(operation_id, Uuid),
                row.id,
                row.assignee_id,
                target,
                row.revision + 1,
                case((wakes, row.snoozed_until), else_=null()),
            ).where(or_(row.assignee_id.is_distinct_from(target), wakes)),
        )
    )


async def note_follow_ups(tx: Tx, operation_id: UUID, which: ColumnElement[bool], to: Sequence[UUID]) -> None:
    """Note where each follow-up goes: with its conversation if that goes to one of the same people, else in turn."""
    f = FOLLOW_UP.c
    place = (func.row_number().over(order_by=(f.due_at, f.id)) - 1).label("place")
    row = select(f.id, f.conversation_id, f.assignee_id, f.revision, place).where(which).subquery().c
    target = share(to, row.place)
    query = select(literal(operation_id, Uuid), row.id, row.assignee_id)
    if len(to) > 1:
        noted = (MOVED.c.operation_id == operation_id) & (MOVED.c.conversation_id == row.conversation_id)
        keeper = case((CONVERSATION.c.assignee_id.in_(to), CONVERSATION.c.assignee_id), else_=target)
        target = func.coalesce(MOVED.c.to_id, keeper)
        query = query.join(CONVERSATION, CONVERSATION.c.id == row.conversation_id).outerjoin(MOVED, noted)
    await tx.run(
        insert(MOVED_FOLLOW_UP).from_select(
            ["operation_id", "follow_up_id", "from_id", "to_id", "revision"],
            query.add_columns(target, row.revision + 1).where(row.assignee_id.is_distinct_from(target)),
        )
    )


async def move_conversations(tx: Tx, operation_id: UUID) -> int:
    """Apply what was noted of conversations; says how many moved. Their place in the inbox stays, unless they wake."""
    noted = _noted(MOVED, operation_id, MOVED.c.conversation_id == CONVERSATION.c.id)
    moved = await tx.run(
        update(CONVERSATION).where(*noted).values(assignee_id=MOVED.c.to_id, revision=MOVED.c.revision)
    )
    await tx.run(
        update(CONVERSATION)
        .where(*noted, MOVED.c.woken_from.is_not(None), CONVERSATION.c.status == ConversationStatus.SNOOZED)
        .values(status=ConversationStatus.OPEN, snoozed_until=None, updated_at=tx.now)
    )
    return moved


async def move_follow_ups(tx: Tx, operation_id: UUID) -> int:
    """Apply what was noted of follow-ups; says how many moved."""
    noted = _noted(MOVED_FOLLOW_UP, operation_id, MOVED_FOLLOW_UP.c.follow_up_id == FOLLOW_UP.c.id)
    return await tx.run(
        update(FOLLOW_UP).where(*noted).values(assignee_id=MOVED_FOLLOW_UP.c.to_id, revision=MOVED_FOLLOW_UP.c.revision)
    )


def _noted(notes: Table, operation_id: UUID, same_row: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    return [notes.c.operation_id == operation_id, same_row]


async def note_way_back(tx: Tx, operation_id: UUID, undone_id: UUID, notes: Table, work: Table, actors: Table) -> None:
    """Note that each row which an operation moved and nobody touched since goes back; a deleted user's: Unassigned.

    `notes` and `work` are either of the two pairs of tables above.
    """
    key = "conversation_id" if work is CONVERSATION else "follow_up_id"
    origin = case((actors.c.user_id.is_(None), cast(null(), Uuid)), else_=notes.c.from_id)
    await tx.run(
        insert(notes).from_select(
            ["operation_id", key, "from_id", "to_id", "revision"],
            select(literal(operation_id, Uuid), work.c.id, notes.c.to_id, origin, work.c.revision + 1)
            .select_from(notes)
            .join(work, work.c.id == notes.c[key])
            .outerjoin(actors, actors.c.id == notes.c.from_id)
            .where(notes.c.operation_id == undone_id, work.c.revision == notes.c.revision),
        )
    )


async def snooze_again(tx: Tx, operation_id: UUID, undone_id: UUID, now: datetime) -> None:
    """Put back to sleep what the undone operation woke, if it went back and its time has not come."""
    back, before = MOVED.alias("back"), MOVED.alias("before")
    values: dict[str, Any] = {"status": ConversationStatus.SNOOZED, "snoozed_until": before.c.woken_from}
    await tx.run(
        update(CONVERSATION)
        .where(
            back.c.operation_id == operation_id,
            back.c.conversation_id == CONVERSATION.c.id,
            before.c.operation_id == undone_id,
            before.c.conversation_id == CONVERSATION.c.id,
            before.c.woken_from > now,
            CONVERSATION.c.status == ConversationStatus.OPEN,
        )
        .values(values)
    )
