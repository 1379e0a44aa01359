"""Counting what a hand-over matches when it starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, false, func, or_, select

from models.database import WORKSPACE, Reader, Tx, table
from models.enums import ConversationStatus
from models.work import Conversation, FollowUp
from resolvers.bulk.plan import Plan

CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many conversations and follow-ups are matched, and how many of both are settled: with the target already.

    `revision` is the workspace's when they were counted; None for counts that the lock keeps true.
    """

    conversations: int
    follow_ups: int
    settled: int
    revision: int | None = None

    @property
    def matched(self) -> int:
        """Both together."""
        return self.conversations + self.follow_ups

    def is_exact(self, start: int) -> bool:
        """Whether nothing has changed between the counting and an operation that has drawn the revision `start`."""
        return self.revision is None or self.revision == start - 1


async def count(tx: Tx, workspace_id: UUID, plan: Plan, few: int) -> Counts:
    """Count under the lock what may be no more than `few` of a kind; what may be more, before the lock was taken."""
    if await _is_small(tx, workspace_id, plan, few):
        return await count_now(tx, workspace_id, plan)
    return tx.read_before((workspace_id, plan), partial(_count_with_revision, workspace_id=workspace_id, plan=plan))


async def _is_small(tx: Tx, workspace_id: UUID, plan: Plan, few: int) -> bool:
    """Whether that can be told by a short walk along an index, and is so."""
    if plan.ids is not None:
        return True
    if plan.holder_id is None or (plan.team_id, plan.search) != (None, None):
        return False
    walks = _walks(workspace_id, plan.holder_id, plan)
    return not await tx.scalar(select(or_(false(), *(walk.offset(few).limit(1).exists() for walk in walks))))


def _walks(workspace_id: UUID, holder_id: UUID, plan: Plan) -> Iterator[Select[Any]]:
    c, f = CONVERSATION.c, FOLLOW_UP.c
    for status in plan.status:
        theirs = c.workspace_id == workspace_id, c.assignee_id == holder_id, c.status == status
        yield select(c.created_at).where(*theirs).order_by(c.created_at, c.id)
    if plan.follow_ups:
        yield select(f.kind).where(f.workspace_id == workspace_id, f.assignee_id == holder_id).order_by(f.kind)


async def _count_with_revision(reader: Reader, workspace_id: UUID, plan: Plan) -> Counts:
    revision: int = await reader.scalar(select(WORKSPACE.c.revision).where(WORKSPACE.c.id == workspace_id))
    found = await count_now(reader, workspace_id, plan)
    return Counts(found.conversations, found.follow_ups, found.settled, revision)


async def count_now(reader: Reader | Tx, workspace_id: UUID, plan: Plan, start: int | None = None) -> Counts:
    """Count what is matched now, along an index; or what was matched at `start` and nobody has changed since."""
    c, f = CONVERSATION.c, FOLLOW_UP.c
    settled = plan.is_settled(c.assignee_id)
    if plan.unsnooze:
        settled &= c.status != ConversationStatus.SNOOZED
    conversations = await reader.row(_counted(settled).where(*plan.matched_conversations(workspace_id, start)))
    assert conversations is not None
    if not plan.follow_ups:
        return Counts(conversations.matched, 0, conversations.settled)
    follow_ups = await reader.row(
        _counted(plan.is_settled(f.assignee_id)).where(*plan.matched_follow_ups(workspace_id, start))
    )
    assert follow_ups is not None
    return Counts(conversations.matched, follow_ups.matched, conversations.settled + follow_ups.settled)


def _counted(settled: ColumnElement[bool]) -> Select[Any]:
    matched: ColumnElement[Any] = func.count().label("matched")
    return select(matched, func.count(case((settled, 1))).label("settled"))
