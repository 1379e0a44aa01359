"""Handing over: which rows come next, and handing over a chunk of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
    update,
)

from models.database import Tx, table
from models.enums import ConversationStatus
from models.listed import IDS, LISTED, as_stored
from models.types import Timestamp
from models.work import Assignment, BulkChunk, Conversation, FollowUp, FollowUpAssignment
from resolvers.bulk.operation import Chunk, Moved, Operation, Place, Step
from resolvers.bulk.plan import Plan
from resolvers.bulk.prepared import MET, MOMENT, REVISION, OnChunks
from resolvers.released import holder
from resolvers.targets import share

ASSIGNMENT = table(Assignment)
BULK_CHUNK = table(BulkChunk)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
FOLLOW_UP_ASSIGNMENT = table(FollowUpAssignment)

LARGEST_CLOCK_STEP = timedelta(hours=1)
"""By how much a clock may have been put back since an operation started: so much earlier may it seem to have woken
something."""

OPEN, SNOOZED, _ = ConversationStatus


@dataclass(frozen=True, slots=True)
class _Order:
    """An order of conversations, which the time tells, and the id where times are the same."""

    time: ColumnElement[Any]
    ascends: bool

    def by(self, time: ColumnElement[Any], id: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """Arguments of order_by()."""
        return [time, id] if self.ascends else [time.desc(), id.desc()]


IN_INBOX_ORDER = _Order(CONVERSATION.c.updated_at, ascends=False)
BY_CREATION = _Order(CONVERSATION.c.created_at, ascends=True)
"""Rows that were made one after the other lie together in the table and in most of its indexes."""


def _first(limit: int, order: _Order, walks: list[Select[Any]]) -> Select[Any]:
    """The first rows of several walks, each of which an index has in order: with `id`, `at` and perhaps `walk`."""
    c = CONVERSATION.c
    in_order = (walk.order_by(*order.by(order.time, c.id)).subquery() for walk in walks)
    rows = union_all(*map(select, in_order)).subquery().c
    return select(*map(as_stored, rows)).order_by(*order.by(rows.at, rows.id)).limit(limit)


class HandOver:
    """A hand-over by its plan. What somebody shares in turn is walked in inbox order, as is promised of it."""

    def __init__(self, operation: Operation, plan: Plan) -> None:
        self._operation = operation
        self._start = operation.revision
        self._order = IN_INBOX_ORDER if len(plan.to) > 1 else BY_CREATION
        self._prepared: dict[Step, tuple[OnChunks, OnChunks]] = {}
        self._remember = OnChunks(
            insert(BULK_CHUNK).values(operation_id=operation.id, revision=REVISION, conversation_ids=IDS)
        )
        self.plan = plan

    @property
    def steps(self) -> Sequence[Step]:
        """Conversations, then those that woke meanwhile, then follow-ups."""
        steps = [Step.CONVERSATIONS] if self.plan.status else []
        if SNOOZED in self.plan.status:
            steps.append(Step.WOKEN)
        return [*steps, Step.FOLLOW_UPS] if self.plan.follow_ups else steps

    def to_do(self, step: Step, after: Place | None, limit: int) -> Select[Any]:
        """The next rows: their ids, and of conversations the times by which they are in order."""
        match step:
            case Step.CONVERSATIONS:
                return self._conversations(after, limit)
            case Step.WOKEN:
                return self._woken(limit)
            case Step.FOLLOW_UPS:
                return self._follow_ups(after, limit)

    def _conversations(self, after: Place | None, limit: int) -> Select[Any]:
        """What was touched meanwhile is among them: its chunk finds that out, so that here an index is enough."""
        c, time = CONVERSATION.c, self._order.time
        conditions = self.plan.conversation(self._operation.workspace_id)
        wakes = c.status == SNOOZED if self.plan.unsnooze else None
        settled = self.plan.is_settled(c.assignee_id)
        conditions.append(~settled if wakes is None else or_(~settled, wakes))
        if after is not None:
            place = tuple_(literal(after.at, Timestamp()), literal(after.id, Uuid()))
            here = tuple_(time, c.id)
            conditions.append(here > place if self._order.ascends else here < place)
        # One walk along an index for each status and holder: together they would have to be sorted.
        walks = [
            select(c.id, time.label("at"), *self._number(walk)).where(*conditions, held, c.status == status)
            for walk, (held, status) in enumerate(product(self.plan.holders(c.assignee_id), self.plan.status))
        ]
        return _first(limit, self._order, walks)

    def _number(self, walk: int) -> list[ColumnElement[Any]]:
        """What keeps the rows of a walk together, where the order is our own."""
        return [literal_column(str(walk), Integer()).label("walk")] if self._order is BY_CREATION else []

    def _woken(self, limit: int) -> Select[Any]:
        c = CONVERSATION.c
        settled = self.plan.is_settled(c.assignee_id)
        conditions = [
            *self.plan.conversation(self._operation.workspace_id),
            c.revision < self._start,
            c.woken >= self._start,
            c.status == OPEN,
            c.updated_at >= self._operation.started_at - LARGEST_CLOCK_STEP,
            or_(*self.plan.holders(c.assignee_id)),
            true() if self.plan.unsnooze else ~settled,
            ~exists().where(*self._ours(c.id)),
        ]
        return _first(limit, IN_INBOX_ORDER, [select(c.id, c.updated_at.label("at")).where(*conditions)])

    def _follow_ups(self, after: Place | None, limit: int) -> Select[Any]:
        f = FOLLOW_UP.c
        conditions = [
            f.workspace_id == self._operation.workspace_id,
            f.revision < self._start,
            or_(*self.plan.holders(f.assignee_id)),
            ~self.plan.is_settled(f.assignee_id),
        ]
        if self.plan.asks_of_conversations:
            conditions.append(f.conversation_id.in_(select(CONVERSATION.c.id).where(*self._their_conversations())))
        if after is not None:
            conditions.append(f.id > after.id)
        return select(as_stored(f.id)).where(*conditions).order_by(f.id).limit(limit)

    def _their_conversations(self) -> list[ColumnElement[bool]]:
        """What is demanded of the conversations of follow-ups: as they were at the start, this operation apart."""
        c = CONVERSATION.c
        ours = exists().where(
            ASSIGNMENT.c.operation_id == self._operation.id,
            ASSIGNMENT.c.conversation_id == c.id,
            ASSIGNMENT.c.revision == c.revision,
        )
        conditions = [*self.plan.conversation(self._operation.workspace_id), or_(c.revision < self._start, ours)]
        if not self.plan.any_status:
            conditions.append(self.plan.had_status(self._start))
        return conditions

    def _ours(self, conversation_id: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """What tells the assignment of a conversation by this operation."""
        a = ASSIGNMENT.c
        ours = a.operation_id == self._operation.id
        return [a.conversation_id == conversation_id, a.revision >= self._start, ours]

    async def move(self, tx: Tx, chunk: Chunk) -> Moved:
        """Hand a chunk over: what is noted is what is met, what is changed is what is moved."""
        if chunk.step not in self._prepared:
            self._prepared[chunk.step] = self._moving(chunk.step)
        note, change = self._prepared[chunk.step]
        met = await note(tx, chunk)
        if met and chunk.step.is_of_conversations:
            await self._remember(tx, chunk)
        return Moved(met, await change(tx, chunk))

    def _moving(self, step: Step) -> tuple[OnChunks, OnChunks]:
        if step is Step.FOLLOW_UPS:
            return self._note_follow_ups(), self._move_follow_ups()
        c = CONVERSATION.c
        untouched = [c.revision < self._start]
        if step is Step.CONVERSATIONS:
            untouched.append(c.woken < self._start)
        return self._note_conversations(untouched), self._move_conversations(untouched)

    def _note_conversations(self, untouched: list[ColumnElement[bool]]) -> OnChunks:
        c = CONVERSATION.c
        turn = self._turn(*self._order.by(self._order.time, c.id))
        columns = [c.id, c.assignee_id, c.status, c.snoozed_until, turn]
        row = select(*columns).join_from(LISTED, CONVERSATION, c.id == LISTED.c.value).where(*untouched).subquery().c
        wakes = row.status == SNOOZED if self.plan.unsnooze else None
        return OnChunks(
            insert(ASSIGNMENT).from_select(
                ["conversation_id", "revision", "operation_id", "from_id", "to_id", "at", "woken_from"],
                select(
                    row.id,
                    REVISION,
                    literal(self._operation.id, Uuid()),
                    holder(row.assignee_id, self.plan.released),
                    share(self.plan.to, row.turn),
                    MOMENT,
                    null() if wakes is None else case((wakes, row.snoozed_until), else_=null()),
                ),
            )
        )

    def _turn(self, *order: ColumnElement[Any]) -> ColumnElement[int]:
        turn = func.row_number().over(order_by=order) - 1 + MET if len(self.plan.to) > 1 else literal(0)
        return turn.label("turn")

    def _move_conversations(self, untouched: list[ColumnElement[bool]]) -> OnChunks:
        c = CONVERSATION.c
        noted = select(ASSIGNMENT.c.to_id).where(
            ASSIGNMENT.c.conversation_id == c.id, ASSIGNMENT.c.revision == REVISION
        )
        target = self._target(noted)
        changes = c.assignee_id.is_distinct_from(target)
        values: dict[Any, Any] = {c.assignee_id: target, c.revision: REVISION}
        if self.plan.unsnooze:
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

    def _target(self, noted: Select[Any]) -> ColumnElement[Any]:
        return noted.scalar_subquery() if len(self.plan.to) > 1 else share(self.plan.to, literal(0))

    def _note_follow_ups(self) -> OnChunks:
        f = FOLLOW_UP.c
        row = (
            select(f.id, f.conversation_id, f.assignee_id, self._turn(f.id))
            .join_from(LISTED, FOLLOW_UP, f.id == LISTED.c.value)
            .where(f.revision < self._start)
            .subquery()
        )
        target = share(self.plan.to, row.c.turn)
        query = select(
            literal(self._operation.id, Uuid()), row.c.id, REVISION, holder(row.c.assignee_id, self.plan.released)
        ).select_from(row)
        if len(self.plan.to) > 1:
            query, target = self._with_their_conversation(query, row.c.conversation_id, target)
        return OnChunks(
            insert(FOLLOW_UP_ASSIGNMENT).from_select(
                ["operation_id", "follow_up_id", "revision", "from_id", "to_id"], query.add_columns(target)
            )
        )

    def _with_their_conversation(
        self, query: Select[Any], conversation_id: ColumnElement[Any], turn: ColumnElement[Any]
    ) -> tuple[Select[Any], ColumnElement[Any]]:
        """A follow-up goes with its conversation if that goes to, or is with, one of the same people."""
        noted = and_(*self._ours(conversation_id))
        keeper = CONVERSATION.c.assignee_id
        keeps = or_(*(keeper == each for each in self.plan.to))
        joined = query.join(CONVERSATION, CONVERSATION.c.id == conversation_id).outerjoin(ASSIGNMENT, noted)
        return joined, func.coalesce(ASSIGNMENT.c.to_id, case((keeps, keeper), else_=turn))

    def _move_follow_ups(self) -> OnChunks:
        f = FOLLOW_UP.c
        noted = select(FOLLOW_UP_ASSIGNMENT.c.to_id).where(
            FOLLOW_UP_ASSIGNMENT.c.operation_id == self._operation.id, FOLLOW_UP_ASSIGNMENT.c.follow_up_id == f.id
        )
        target = self._target(noted)
        which = f.id.in_(select(LISTED.c.value))
        changes = f.assignee_id.is_distinct_from(target)
        return OnChunks(
            update(FOLLOW_UP)
            .where(which, f.revision < self._start, changes)
            .values(assignee_id=target, revision=REVISION)
        )
