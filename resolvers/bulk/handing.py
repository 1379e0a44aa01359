"""Handing over: which rows come next, and handing over a chunk of them."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
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
from models.types import Timestamp
from models.work import Assignment, Conversation, FollowUp, FollowUpAssignment
from resolvers.bulk.operation import Chunk, Moved, Operation, Place, Step
from resolvers.bulk.plan import Plan
from resolvers.released import holder
from resolvers.targets import share

ASSIGNMENT = table(Assignment)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
FOLLOW_UP_ASSIGNMENT = table(FollowUpAssignment)

LARGEST_CLOCK_STEP = timedelta(hours=1)
"""By how much a clock may have been put back since an operation started: so much earlier may it seem to have woken
something."""

OPEN, SNOOZED, _ = ConversationStatus


class HandOver:
    """A hand-over by its plan."""

    def __init__(self, operation: Operation, plan: Plan) -> None:
        self._operation = operation
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
        c = CONVERSATION.c
        conditions = [*self.plan.conversation(self._operation.workspace_id), *self._untouched(), c.woken < self._start]
        wakes = c.status == SNOOZED if self.plan.unsnooze else None
        settled = self.plan.is_settled(c.assignee_id)
        conditions.append(~settled if wakes is None else or_(~settled, wakes))
        if after is not None:
            place = tuple_(literal(after.at, Timestamp()), literal(after.id, Uuid()))
            conditions.append(tuple_(c.updated_at, c.id) < place)
        # One walk along an index for each status and holder: together they would have to be sorted.
        walks = [
            _in_inbox_order(select(c.id, c.updated_at.label("at")).where(*conditions, held, c.status == status), limit)
            for held, status in product(self.plan.holders(c.assignee_id), self.plan.status)
        ]
        return _merged(walks, limit)

    def _woken(self, limit: int) -> Select[Any]:
        c = CONVERSATION.c
        settled = self.plan.is_settled(c.assignee_id)
        conditions = [
            *self.plan.conversation(self._operation.workspace_id),
            *self._untouched(),
            c.woken >= self._start,
            c.status == OPEN,
            c.updated_at >= self._operation.started_at - LARGEST_CLOCK_STEP,
            or_(*self.plan.holders(c.assignee_id)),
            true() if self.plan.unsnooze else ~settled,
            ~exists().where(ASSIGNMENT.c.operation_id == self._operation.id, ASSIGNMENT.c.conversation_id == c.id),
        ]
        return _in_inbox_order(select(c.id, c.updated_at.label("at")).where(*conditions), limit)

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
        return select(f.id).where(*conditions).order_by(f.id).limit(limit)

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
            slept = c.woken >= self._start
            awake = and_(~slept, c.status.in_(self.plan.status))
            conditions.append(or_(awake, slept) if SNOOZED in self.plan.status else awake)
        return conditions

    @property
    def _start(self) -> int:
        return self._operation.revision

    def _untouched(self) -> list[ColumnElement[bool]]:
        return [CONVERSATION.c.revision < self._start]

    async def move(self, tx: Tx, chunk: Chunk) -> Moved:
        """Hand a chunk over: what is noted is what is met, what is changed is what is moved."""
        if chunk.step is Step.FOLLOW_UPS:
            return Moved(await self._note_follow_ups(tx, chunk), await self._move_follow_ups(tx, chunk))
        return Moved(await self._note_conversations(tx, chunk), await self._move_conversations(tx, chunk))

    async def _note_conversations(self, tx: Tx, chunk: Chunk) -> int:
        c, listed = CONVERSATION.c, tx.listed(chunk.ids)
        columns = [c.id, c.assignee_id, c.status, c.snoozed_until, self._turn(listed.c.place, chunk)]
        row = (
            select(*columns).join_from(listed, CONVERSATION, c.id == listed.c.id).where(*self._untouched()).subquery().c
        )
        wakes = row.status == SNOOZED if self.plan.unsnooze else None
        return await tx.run(
            insert(ASSIGNMENT).from_select(
                ["conversation_id", "revision", "operation_id", "from_id", "to_id", "at", "woken_from"],
                select(
                    row.id,
                    literal(chunk.revision),
                    literal(self._operation.id, Uuid()),
                    holder(row.assignee_id, self.plan.released),
                    share(self.plan.to, row.turn),
                    literal(tx.now, Timestamp()),
                    null() if wakes is None else case((wakes, row.snoozed_until), else_=null()),
                ),
            )
        )

    def _turn(self, place: ColumnElement[int], chunk: Chunk) -> ColumnElement[int]:
        turn = func.row_number().over(order_by=place) - 1 + chunk.met if len(self.plan.to) > 1 else literal(0)
        return turn.label("turn")

    async def _move_conversations(self, tx: Tx, chunk: Chunk) -> int:
        c = CONVERSATION.c
        noted = select(ASSIGNMENT.c.to_id).where(
            ASSIGNMENT.c.conversation_id == c.id, ASSIGNMENT.c.revision == chunk.revision
        )
        target = self._target(noted)
        changes = c.assignee_id.is_distinct_from(target)
        values: dict[Any, Any] = {c.assignee_id: target, c.revision: chunk.revision}
        if self.plan.unsnooze:
            asleep = c.status == SNOOZED
            changes = or_(changes, asleep)
            values |= {
                c.status: case((asleep, literal(OPEN, c.status.type)), else_=c.status),
                c.snoozed_until: case((asleep, null()), else_=c.snoozed_until),
                c.updated_at: case((asleep, literal(tx.now, Timestamp())), else_=c.updated_at),
                c.woken: case((asleep, chunk.revision), else_=c.woken),
            }
        which = c.id.in_(select(tx.listed(chunk.ids).c.id))
        return await tx.run(update(CONVERSATION).where(which, *self._untouched(), changes).values(values))

    def _target(self, noted: Select[Any]) -> ColumnElement[Any]:
        return noted.scalar_subquery() if len(self.plan.to) > 1 else share(self.plan.to, literal(0))

    async def _note_follow_ups(self, tx: Tx, chunk: Chunk) -> int:
        f, listed = FOLLOW_UP.c, tx.listed(chunk.ids)
        row = (
            select(f.id, f.conversation_id, f.assignee_id, self._turn(listed.c.place, chunk))
            .join_from(listed, FOLLOW_UP, f.id == listed.c.id)
            .where(f.revision < self._start)
            .subquery()
        )
        target = share(self.plan.to, row.c.turn)
        query = select(
            literal(self._operation.id, Uuid()),
            row.c.id,
            literal(chunk.revision),
            holder(row.c.assignee_id, self.plan.released),
        ).select_from(row)
        if len(self.plan.to) > 1:
            query, target = self._with_their_conversation(query, row.c.conversation_id, target)
        return await tx.run(
            insert(FOLLOW_UP_ASSIGNMENT).from_select(
                ["operation_id", "follow_up_id", "revision", "from_id", "to_id"], query.add_columns(target)
            )
        )

    def _with_their_conversation(
        self, query: Select[Any], conversation_id: ColumnElement[Any], turn: ColumnElement[Any]
    ) -> tuple[Select[Any], ColumnElement[Any]]:
        """A follow-up goes with its conversation if that goes to, or is with, one of the same people."""
        noted = and_(ASSIGNMENT.c.operation_id == self._operation.id, ASSIGNMENT.c.conversation_id == conversation_id)
        keeper = CONVERSATION.c.assignee_id
        joined = query.join(CONVERSATION, CONVERSATION.c.id == conversation_id).outerjoin(ASSIGNMENT, noted)
        return joined, func.coalesce(ASSIGNMENT.c.to_id, case((keeper.in_(self.plan.to), keeper), else_=turn))

    async def _move_follow_ups(self, tx: Tx, chunk: Chunk) -> int:
        f = FOLLOW_UP.c
        noted = select(FOLLOW_UP_ASSIGNMENT.c.to_id).where(
            FOLLOW_UP_ASSIGNMENT.c.operation_id == self._operation.id, FOLLOW_UP_ASSIGNMENT.c.follow_up_id == f.id
        )
        target = self._target(noted)
        which = f.id.in_(select(tx.listed(chunk.ids).c.id))
        return await tx.run(
            update(FOLLOW_UP)
            .where(which, f.revision < self._start, f.assignee_id.is_distinct_from(target))
            .values(assignee_id=target, revision=chunk.revision)
        )


def _in_inbox_order(rows: Select[Any], limit: int) -> Select[Any]:
    return rows.order_by(CONVERSATION.c.updated_at.desc(), CONVERSATION.c.id.desc()).limit(limit)


def _merged(walks: list[Select[Any]], limit: int) -> Select[Any]:
    if len(walks) == 1:
        return walks[0]
    merged = union_all(*(select(walk.subquery()) for walk in walks)).subquery().c
    return select(merged.id, merged.at).order_by(merged.at.desc(), merged.id.desc()).limit(limit)
