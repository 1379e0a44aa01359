"""Counting what a hand-over matches when it starts."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from models.database import Tx, table
from models.enums import ConversationStatus
from models.work import Conversation, FollowUp
from resolvers.bulk.plan import Plan

CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many conversations and follow-ups are matched, and how many of both are settled: with the target already."""

    conversations: int
    follow_ups: int
    settled: int

    @property
    def matched(self) -> int:
        """Both together."""
        return self.conversations + self.follow_ups


async def count(tx: Tx, workspace_id: UUID, plan: Plan) -> Counts:
    """Count under the lock, exactly, along an index."""
    c, f = CONVERSATION.c, FOLLOW_UP.c
    settled = plan.is_settled(c.assignee_id)
    if plan.unsnooze:
        settled &= c.status != ConversationStatus.SNOOZED
    conversations = await tx.row(_counted(settled).where(plan.matched_conversations(workspace_id)))
    assert conversations is not None
    if not plan.follow_ups:
        return Counts(conversations.matched, 0, conversations.settled)
    theirs = f.workspace_id == workspace_id, or_(*plan.holders(f.assignee_id))
    counted = _counted(plan.is_settled(f.assignee_id)).where(*theirs)
    if plan.asks_of_conversations:
        fitting = select(c.id).where(*plan.conversation(workspace_id))
        if not plan.any_status:
            fitting = fitting.where(c.status.in_(plan.status))
        counted = counted.where(f.conversation_id.in_(fitting))
    follow_ups = await tx.row(counted)
    assert follow_ups is not None
    return Counts(conversations.matched, follow_ups.matched, conversations.settled + follow_ups.settled)


def _counted(settled: ColumnElement[bool]) -> Select[Any]:
    matched: ColumnElement[Any] = func.count().label("matched")
    return select(matched, func.count(case((settled, 1))).label("settled"))
