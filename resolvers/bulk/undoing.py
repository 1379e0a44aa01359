"""Undoing: what an operation moved, and nobody has touched since, goes back."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, and_, case, cast, insert, literal, null, or_, select, update

from models.database import Tx, table
from models.enums import ConversationStatus
from models.people import Actor
from models.types import Timestamp
from models.work import Assignment, Conversation, FollowUp, FollowUpAssignment
from resolvers.bulk.operation import Chunk, Moved, Operation, Place, Step

ACTOR = table(Actor)
ASSIGNMENT = table(Assignment)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
FOLLOW_UP_ASSIGNMENT = table(FollowUpAssignment)


class Undo:
    """The undoing of one operation, which has ended. What is left of its notes is walked by id."""

    steps = (Step.CONVERSATIONS, Step.FOLLOW_UPS)

    def __init__(self, operation: Operation, undone_id: UUID) -> None:
        self._operation = operation
        self._undone_id = undone_id

    def to_do(self, step: Step, after: Place | None, limit: int) -> Select[Any]:
        """The next rows that the operation has changed, touched since or not."""
        notes, key = _notes(step)
        changed = notes.c.from_id.is_distinct_from(notes.c.to_id)
        if step is Step.CONVERSATIONS:
            changed = or_(changed, ASSIGNMENT.c.woken_from.is_not(None))
        rows = select(notes.c[key].label("id")).where(notes.c.operation_id == self._undone_id, changed)
        if after is not None:
            rows = rows.where(notes.c[key] > after.id)
        return rows.order_by(notes.c[key]).limit(limit)

    async def move(self, tx: Tx, chunk: Chunk) -> Moved:
        """Give a chunk back to whom it came from; a deleted user's: Unassigned. What was woken sleeps again."""
        notes, key = _notes(chunk.step)
        work = CONVERSATION if chunk.step is Step.CONVERSATIONS else FOLLOW_UP
        moved = await self._note(tx, chunk, notes, work)
        back = and_(
            notes.c[key] == work.c.id,
            notes.c[key].in_(select(tx.listed(chunk.ids).c.id)),
            notes.c.operation_id == self._operation.id,
            notes.c.revision == chunk.revision,
        )
        await tx.run(update(work).where(back).values(assignee_id=notes.c.to_id, revision=chunk.revision))
        if chunk.step is Step.CONVERSATIONS:
            await self._snooze_again(tx, chunk)
        return Moved(moved, moved)

    async def _note(self, tx: Tx, chunk: Chunk, notes: Table, work: Table) -> int:
        key, listed = _notes(chunk.step)[1], tx.listed(chunk.ids)
        origin = case((ACTOR.c.user_id.is_(None), cast(null(), Uuid())), else_=notes.c.from_id)
        columns = {
            "operation_id": literal(self._operation.id, Uuid()),
            key: work.c.id,
            "revision": literal(chunk.revision),
            "from_id": notes.c.to_id,
            "to_id": origin,
        }
        if work is CONVERSATION:
            columns["at"] = literal(tx.now, Timestamp())
        return await tx.run(
            insert(notes).from_select(
                list(columns),
                select(*columns.values())
                .select_from(listed)
                .join(notes, and_(notes.c[key] == listed.c.id, notes.c.operation_id == self._undone_id))
                .join(work, and_(work.c.id == listed.c.id, work.c.revision == notes.c.revision))
                .outerjoin(ACTOR, ACTOR.c.id == notes.c.from_id),
            )
        )

    async def _snooze_again(self, tx: Tx, chunk: Chunk) -> None:
        """Put back to sleep what the undone operation woke, if it went back and its time has not come."""
        before = ASSIGNMENT.alias("before")
        values: dict[str, Any] = {"status": ConversationStatus.SNOOZED, "snoozed_until": before.c.woken_from}
        await tx.run(
            update(CONVERSATION)
            .where(
                CONVERSATION.c.id.in_(select(tx.listed(chunk.ids).c.id)),
                CONVERSATION.c.revision == chunk.revision,
                CONVERSATION.c.status == ConversationStatus.OPEN,
                before.c.conversation_id == CONVERSATION.c.id,
                before.c.operation_id == self._undone_id,
                before.c.woken_from > tx.now,
            )
            .values(values)
        )


def _notes(step: Step) -> tuple[Table, str]:
    if step is Step.CONVERSATIONS:
        return ASSIGNMENT, "conversation_id"
    return FOLLOW_UP_ASSIGNMENT, "follow_up_id"
