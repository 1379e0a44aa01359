"""Handing over: which rows come next. What becomes of them is in resolvers.bulk.moving."""

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
    exists,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from models.database import Tx, table
from models.enums import ConversationStatus
from models.listed import as_stored
from models.types import Timestamp
from models.work import Assignment, Conversation, FollowUp
from resolvers.bulk.moving import Conversations, FollowUps, Mover, OnesConversations, noted_by
from resolvers.bulk.operation import Chunk, Moved, Operation, Place, Step
from resolvers.bulk.plan import Plan

ASSIGNMENT = table(Assignment)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)

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
        self._movers: dict[Step, Mover] = {}
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
            ~exists().where(noted_by(self._operation, c.id)),
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

    async def move(self, tx: Tx, chunk: Chunk) -> Moved:
        """Hand a chunk over: what is noted is what is met, what is changed is what is moved."""
        if chunk.step not in self._movers:
            self._movers[chunk.step] = self._mover(chunk.step)
        return await self._movers[chunk.step](tx, chunk)

    def _mover(self, step: Step) -> Mover:
        if step is Step.FOLLOW_UPS:
            return FollowUps(self._operation, self.plan)
        c = CONVERSATION.c
        untouched = [c.revision < self._start]
        if step is Step.CONVERSATIONS:
            untouched.append(c.woken < self._start)
            if self.plan.is_from_one_to_one:
                return OnesConversations(self._operation, self.plan, untouched)
        return Conversations(self._operation, self.plan, untouched, self._order.by(self._order.time, c.id))
