"""Undoing: what an operation moved, and nobody has touched since, goes back."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, and_, case, cast, insert, literal, null, or_, select, update

from models.database import Tx, table
from models.enums import ConversationStatus
from models.listed import LISTED, as_stored
from models.people import Actor
from models.work import Assignment, Conversation, FollowUp, FollowUpAssignment
from resolvers.bulk.operation import Chunk, Moved, Operation, Place, Step
from resolvers.bulk.prepared import MOMENT, REVISION, OnChunks

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
        self._prepared: dict[Step, tuple[OnChunks, ...]] = {}

    def to_do(self, step: Step, after: Place | None, limit: int) -> Select[Any]:
        """The next rows that the operation has changed, touched since or not."""
        notes, key = _notes(step)
        changed = notes.c.from_id.is_distinct_from(notes.c.to_id)
        if step is Step.CONVERSATIONS:
            changed = or_(changed, ASSIGNMENT.c.woken_from.is_not(None))
        rows = select(as_stored(notes.c[key])).where(notes.c.operation_id == self._undone_id, changed)
        if after is not None:
            rows = rows.where(notes.c[key] > after.id)
        return rows.order_by(notes.c[key]).limit(limit)

    async def move(self, tx: Tx, chunk: Chunk) -> Moved:
        """Give a chunk back to whom it came from; a deleted user's: Unassigned. What was woken sleeps again."""
        if chunk.step not in self._prepared:
            self._prepared[chunk.step] = tuple(self._moving(chunk.step))
        note, *changes = self._prepared[chunk.step]
        moved = await note(tx, chunk)
        for change in changes:
            await change(tx, chunk)
        return Moved(moved, moved)

    def _moving(self, step: Step) -> Iterator[OnChunks]:
        notes, key = _notes(step)
        work = CONVERSATION if step is Step.CONVERSATIONS else FOLLOW_UP
        yield self._note(notes, key, work)
        back = and_(
            notes.c[key] == work.c.id,
            notes.c[key].in_(select(LISTED.c.value)),
            notes.c.operation_id == self._operation.id,
            notes.c.revision == REVISION,
        )
        yield OnChunks(update(work).where(back).values(assignee_id=notes.c.to_id, revision=REVISION))
        if step is Step.CONVERSATIONS:
            yield self._snooze_again()

    def _note(self, notes: Table, key: str, work: Table) -> OnChunks:
        origin = case((ACTOR.c.user_id.is_(None), cast(null(), Uuid())), else_=notes.c.from_id)
        columns = {
            "operation_id": literal(self._operation.id, Uuid()),
            key: work.c.id,
            "revision": REVISION,
            "from_id": notes.c.to_id,
            "to_id": origin,
        }
        if work is CONVERSATION:
            columns["at"] = MOMENT
        return OnChunks(
            insert(notes).from_select(
                list(columns),
                select(*columns.values())
                .select_from(LISTED)
                .join(notes, and_(notes.c[key] == LISTED.c.value, notes.c.operation_id == self._undone_id))
                .join(work, and_(work.c.id == LISTED.c.value, work.c.revision == notes.c.revision))
                .outerjoin(ACTOR, ACTOR.c.id == notes.c.from_id),
            )
        )

    def _snooze_again(self) -> OnChunks:
        """Put back to sleep what the undone operation woke, if it went back and its time has not come."""
        before = ASSIGNMENT.alias("before")
        values: dict[str, Any] = {"status": ConversationStatus.SNOOZED, "snoozed_until": before.c.woken_from}
        return OnChunks(
            update(CONVERSATION)
            .where(
                CONVERSATION.c.id.in_(select(LISTED.c.value)),
                CONVERSATION.c.revision == REVISION,
                CONVERSATION.c.status == ConversationStatus.OPEN,
                before.c.conversation_id == CONVERSATION.c.id,
                before.c.operation_id == self._undone_id,
                before.c.woken_from > MOMENT,
            )
            .values(values)
        )


def _notes(step: Step) -> tuple[Table, str]:
    if step is Step.CONVERSATIONS:
        return ASSIGNMENT, "conversation_id"
    return FOLLOW_UP_ASSIGNMENT, "follow_up_id"
