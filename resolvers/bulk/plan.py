"""What a hand-over set out to do, in a form that is stored and means the same later."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, false, or_, select, true

from models.database import table
from models.enums import ConversationStatus
from models.search import matches
from models.work import Conversation, ConversationWord, FollowUp
from resolvers.released import held_by_nobody

CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)
WORD = table(ConversationWord)


@dataclass(frozen=True, slots=True)
class Plan:
    """Which conversations and follow-ups go to which actors in turn; none means Unassigned.

    `holder_id` is the actor whose work is meant. `any_status` tells that follow-ups go along whatever the status of
    their conversation. `released` are those whose work read as Unassigned when the hand-over started. `departure` tells
    that it belongs to the holder's: whoever asked for that may not follow it to its end.
    """

    to: tuple[UUID, ...]
    status: tuple[ConversationStatus, ...]
    any_status: bool
    ids: tuple[UUID, ...] | None = None
    holder_id: UUID | None = None
    unassigned: bool | None = None
    team_id: UUID | None = None
    search: str | None = None
    unsnooze: bool = False
    follow_ups: bool = True
    released: tuple[UUID, ...] = ()
    departure: bool = False

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        found: dict[str, Any] = _PLANS.dump_python(self, mode="json")
        return found

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Plan":
        """The inverse of dump()."""
        return _PLANS.validate_python(dumped)

    def holders(self, assignee: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """What the filter demands of an assignee, as conditions of which each row fulfils one at most."""
        if self.holder_id is not None:
            return [assignee == self.holder_id] if self.unassigned is None else [false()]
        if self.unassigned is None:
            return [true()]
        if self.unassigned:
            return [assignee.is_(None), *(assignee == each for each in self.released)]
        return [and_(assignee.is_not(None), assignee.not_in(self.released))]

    @property
    def is_from_one_to_one(self) -> bool:
        """Whether all comes from one person, and goes to one or to nobody, as it is."""
        return self.holder_id is not None and self.unassigned is None and len(self.to) <= 1 and not self.unsnooze

    def is_settled(self, assignee: ColumnElement[Any]) -> ColumnElement[bool]:
        """The condition that something is with the only target already. With several in turn, its turn tells."""
        match self.to:
            case ():
                return held_by_nobody(assignee, self.released)
            case (only,):
                return assignee.is_not_distinct_from(only)
        return false()

    def conversation(self, workspace_id: UUID) -> list[ColumnElement[bool]]:
        """What the filter demands of a conversation besides its status and assignee."""
        c = CONVERSATION.c
        conditions = [c.workspace_id == workspace_id]
        if self.ids is not None:
            conditions.append(c.id.in_(self.ids))
        if self.team_id is not None:
            conditions.append(c.team_id == self.team_id)
        if self.search is not None:
            conditions.append(matches(self.search, c.id, WORD, "conversation_id", workspace_id))
        return conditions

    @property
    def asks_of_conversations(self) -> bool:
        """Whether it depends on its conversation which follow-up goes along."""
        return not self.any_status or (self.ids, self.team_id, self.search) != (None, None, None)

    def matched_conversations(self, workspace_id: UUID, start: int | None = None) -> list[ColumnElement[bool]]:
        """The conditions on a conversation: now, or on one that is untouched since an operation's `start`."""
        c = CONVERSATION.c
        conditions = [*self.conversation(workspace_id), or_(*self.holders(c.assignee_id))]
        if start is None:
            return [*conditions, c.status.in_(self.status)]
        return [*conditions, c.revision < start, self.had_status(start)]

    def matched_follow_ups(self, workspace_id: UUID, start: int | None = None) -> list[ColumnElement[bool]]:
        """Likewise on a follow-up."""
        f, c = FOLLOW_UP.c, CONVERSATION.c
        conditions = [f.workspace_id == workspace_id, or_(*self.holders(f.assignee_id))]
        if start is not None:
            conditions.append(f.revision < start)
        if self.asks_of_conversations:
            fitting = select(c.id).where(*self.conversation(workspace_id))
            if start is not None:
                fitting = fitting.where(c.revision < start)
            if not self.any_status:
                fitting = fitting.where(c.status.in_(self.status) if start is None else self.had_status(start))
            conditions.append(f.conversation_id.in_(fitting))
        return conditions

    def had_status(self, start: int) -> ColumnElement[bool]:
        """The condition on the status that a conversation had at an operation's start, as far as the clock goes."""
        c = CONVERSATION.c
        slept = c.woken >= start
        awake = and_(~slept, c.status.in_(self.status))
        return or_(awake, slept) if ConversationStatus.SNOOZED in self.status else awake


_PLANS = TypeAdapter(Plan)
