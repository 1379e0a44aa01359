"""Moving a chunk of a hand-over: what is met is noted, and what changes is changed.

Of conversations it is remembered, too, which were in the chunk: by that an undo finds them.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Uuid, and_, case, func, insert, literal, null, or_, select, update

from models.database import Tx, table
from models.enums import ConversationStatus
from models.listed import IDS, LISTED
from models.work import Assignment, BulkChunk, Conversation, FollowUp, FollowUpAssignment
from resolvers.bulk.operation import Chunk, Moved, Operation
from resolvers.bulk.plan import Plan
from resolvers.bulk.prepared import MET, MOMENT, REVISION, OnChunks
from resolvers.released import holder
from resolvers.targets import share

ASSIGNMENT = table(Assignment)
BULK_CHUNK = table(BulkChunk)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
FOLLOW_UP_ASSIGNMENT = table(FollowUpAssignment)

OPEN, SNOOZED, _ = ConversationStatus

Mover = Callable[[Tx, Chunk], Awaitable[Moved]]
Conditions = Sequence[ColumnElement[bool]]


def noted_by(operation: Operation, conversation_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """What tells the assignment of a conversation that a hand-over has noted."""
    a = ASSIGNMENT.c
    since = a.conversation_id == conversation_id, a.revision >= operation.revision
    return and_(*since, a.operation_id == operation.id)


def _remembering(operation: Operation) -> OnChunks:
    return OnChunks(insert(BULK_CHUNK).values(operation_id=operation.id, revision=REVISION, conversation_ids=IDS))


def _turn(plan: Plan, *order: ColumnElement[Any]) -> ColumnElement[int]:
    turn = func.row_number().over(order_by=order) - 1 + MET if len(plan.to) > 1 else literal(0)
    return turn.label("turn")


class Conversations:
    """Moves conversations that are `untouched` since the start, in turn if several people share them."""

    def __init__(
        self, operation: Operation, plan: Plan, untouched: Conditions, order: Sequence[ColumnElement[Any]]
    ) -> None:
        self._plan = plan
        self._note = self._noting(operation, untouched, order)
        self._remember = _remembering(operation)
        self._change = self._changing(untouched)

    async def __call__(self, tx: Tx, chunk: Chunk) -> Moved:
        """Move a chunk."""
        if met := await self._note(tx, chunk):
            await self._remember(tx, chunk)
        return Moved(met, await self._change(tx, chunk))

    def _noting(self, operation: Operation, untouched: Conditions, order: Sequence[ColumnElement[Any]]) -> OnChunks:
        c, plan = CONVERSATION.c, self._plan
        columns = [c.id, c.assignee_id, c.status, c.snoozed_until, _turn(plan, *order)]
        row = select(*columns).join_from(LISTED, CONVERSATION, c.id == LISTED.c.value).where(*untouched).subquery().c
        wakes = row.status == SNOOZED if plan.unsnooze else None
        return OnChunks(
            insert(ASSIGNMENT).from_select(
                ["conversation_id", "revision", "operation_id", "from_id", "to_id", "at", "woken_from"],
                select(
                    row.id,
                    REVISION,
                    literal(operation.id, Uuid()),
                    holder(row.assignee_id, plan.released),
                    share(plan.to, row.turn),
                    MOMENT,
                    null() if wakes is None else case((wakes, row.snoozed_until), else_=null()),
                ),
            )
        )

    def _changing(self, untouched: Conditions) -> OnChunks:
        c = CONVERSATION.c
        noted = select(ASSIGNMENT.c.to_id).where(
            ASSIGNMENT.c.conversation_id == c.id, ASSIGNMENT.c.revision == REVISION
        )
        target = _target(self._plan, noted)
        changes = c.assignee_id.is_distinct_from(target)
        values: dict[Any, Any] = {c.assignee_id: target, c.revision: REVISION}
        if self._plan.unsnooze:
            asleep = c.status == SNOOZED
            changes = or_(changes, asleep)
            values |= {
                c.status: case((asleep, literal(OPEN, c.status.type)), else_=c.status),
                c.snoozed_until: case((asleep, null()), else_=c.snoozed_until),
                c.updated_at: case((asleep, MOMENT), else_=c.updated_at),
                c.woken: case((asleep, REVISION), else_=c.woken),
            }
        which = c.id.in_(select(LISTED.c.value))
        return OnChunks(update(CONVERSATION).where(which, *untouched, changes).values(values))


class OnesConversations:
    """Moves conversations that all come from one person, and go to one or to nobody, as they are.

    What is met then is what changes, and what is to be noted of it is known without another look at it, which takes a
    fifteenth of the time.
    """

    def __init__(self, operation: Operation, plan: Plan, untouched: Conditions) -> None:
        c, target = CONVERSATION.c, share(plan.to, literal(0))
        which = [c.id.in_(select(LISTED.c.value)), c.assignee_id == plan.holder_id, *untouched]
        self._change = OnChunks(update(CONVERSATION).where(*which).values(assignee_id=target, revision=REVISION))
        known = REVISION, literal(operation.id, Uuid()), literal(plan.holder_id, Uuid()), target, MOMENT
        every = select(LISTED.c.value, *known)
        changed = every.join_from(LISTED, CONVERSATION, c.id == LISTED.c.value).where(c.revision == REVISION)
        columns = ["conversation_id", "revision", "operation_id", "from_id", "to_id", "at"]
        self._note_every, self._note_changed = (
            OnChunks(insert(ASSIGNMENT).from_select(columns, rows)) for rows in (every, changed)
        )
        self._remember = _remembering(operation)

    async def __call__(self, tx: Tx, chunk: Chunk) -> Moved:
        """Move a chunk."""
        if moved := await self._change(tx, chunk):
            await (self._note_every if moved == len(chunk.ids) else self._note_changed)(tx, chunk)
            await self._remember(tx, chunk)
        return Moved(moved, moved)


class FollowUps:
    """Moves follow-ups that are untouched since the start."""

    def __init__(self, operation: Operation, plan: Plan) -> None:
        self._plan = plan
        self._note = self._noting(operation)
        self._change = self._changing(operation)

    async def __call__(self, tx: Tx, chunk: Chunk) -> Moved:
        """Move a chunk."""
        return Moved(await self._note(tx, chunk), await self._change(tx, chunk))

    def _noting(self, operation: Operation) -> OnChunks:
        f, plan = FOLLOW_UP.c, self._plan
        row = (
            select(f.id, f.conversation_id, f.assignee_id, _turn(plan, f.id))
            .join_from(LISTED, FOLLOW_UP, f.id == LISTED.c.value)
            .where(f.revision < operation.revision)
            .subquery()
        )
        target = share(plan.to, row.c.turn)
        query = select(
            literal(operation.id, Uuid()), row.c.id, REVISION, holder(row.c.assignee_id, plan.released)
        ).select_from(row)
        if len(plan.to) > 1:
            query, target = self._with_their_conversation(operation, query, row.c.conversation_id, target)
        return OnChunks(
            insert(FOLLOW_UP_ASSIGNMENT).from_select(
                ["operation_id", "follow_up_id", "revision", "from_id", "to_id"], query.add_columns(target)
            )
        )

    def _with_their_conversation(
        self, operation: Operation, query: Select[Any], conversation_id: ColumnElement[Any], turn: ColumnElement[Any]
    ) -> tuple[Select[Any], ColumnElement[Any]]:
        """A follow-up goes with its conversation if that goes to, or is with, one of the same people."""
        keeper = CONVERSATION.c.assignee_id
        keeps = or_(*(keeper == each for each in self._plan.to))
        joined = query.join(CONVERSATION, CONVERSATION.c.id == conversation_id).outerjoin(
            ASSIGNMENT, noted_by(operation, conversation_id)
        )
        return joined, func.coalesce(ASSIGNMENT.c.to_id, case((keeps, keeper), else_=turn))

    def _changing(self, operation: Operation) -> OnChunks:
        f = FOLLOW_UP.c
        noted = select(FOLLOW_UP_ASSIGNMENT.c.to_id).where(
            FOLLOW_UP_ASSIGNMENT.c.operation_id == operation.id, FOLLOW_UP_ASSIGNMENT.c.follow_up_id == f.id
        )
        target = _target(self._plan, noted)
        which = f.id.in_(select(LISTED.c.value))
        changes = f.assignee_id.is_distinct_from(target)
        return OnChunks(
            update(FOLLOW_UP)
            .where(which, f.revision < operation.revision, changes)
            .values(assignee_id=target, revision=REVISION)
        )


def _target(plan: Plan, noted: Select[Any]) -> ColumnElement[Any]:
    return noted.scalar_subquery() if len(plan.to) > 1 else share(plan.to, literal(0))
