"""Undoing: what an operation moved, and nobody has touched since, goes back."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, Uuid, and_, case, cast, insert, literal, null, select, true, update

from models.database import Tx, table
from models.enums import ConversationStatus
from models.listed import LISTED, as_stored, listed
from models.people import Actor
from models.work import Assignment, BulkChunk, Conversation, FollowUp, FollowUpAssignment
from resolvers.bulk.operation import Chunk, Moved, Operation, Place, Step
from resolvers.bulk.prepared import MOMENT, REVISION, OnChunks

ACTOR = table(Actor)
ASSIGNMENT = table(Assignment)
BULK_CHUNK = table(BulkChunk)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
FOLLOW_UP_ASSIGNMENT = table(FollowUpAssignment)


class Undo:
    """The undoing of one operation, which has ended: conversations chunk by chunk, follow-ups by id."""

    steps = (Step.CONVERSATIONS, Step.FOLLOW_UPS)

    def __init__(self, operation: Operation, undone_id: UUID) -> None:
        self._operation = operation
        self._undone_id = undone_id
        self._prepared: dict[Step, tuple[OnChunks, ...]] = {}

    def to_do(self, step: Step, after: Place | None, limit: int) -> Select[Any]:
        """The next rows that the operation has changed."""
        rows = self._conversations(after) if step is Step.CONVERSATIONS else self._follow_ups(after)
        return rows.limit(limit)

    def _conversations(self, after: Place | None) -> Select[Any]:
        """Those that nobody has touched since: they bear the revision of their chunk. What went back bears another."""
        c, done = CONVERSATION.c, BULK_CHUNK.c
        dealt_with = listed(done.conversation_ids)
        rows = (
            select(as_stored(c.id), done.revision)
            .select_from(BULK_CHUNK)
            .join(dealt_with, true())
            .join(CONVERSATION, and_(c.id == dealt_with.c.value, c.revision == done.revision))
            .where(done.operation_id == self._undone_id)
            .order_by(done.revision)
        )
        if after is None:
            return rows
        assert after.revision is not None
        return rows.where(done.revision >= after.revision)

    def _follow_ups(self, after: Place | None) -> Select[Any]:
        f = FOLLOW_UP_ASSIGNMENT.c
        rows = select(as_stored(f.follow_up_id).label("id")).where(f.operation_id == self._undone_id)
        rows = rows.where(f.from_id.is_distinct_from(f.to_id)).order_by(f.follow_up_id)
        return rows if after is None else rows.where(f.follow_up_id > after.id)

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
