"""Releasing what a deleted user had: it has read as Unassigned since the deletion, and now becomes it."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, case, cast, insert, literal, null, select, update

from models.database import Tx, table
from models.listed import LISTED, as_stored
from models.types import Timestamp
from models.work import Assignment, Conversation, FollowUp
from resolvers.bulk.operation import Chunk, Moved, Operation, Place, Step
from resolvers.bulk.prepared import OnChunks

ASSIGNMENT = table(Assignment)
CONVERSATION = table(Conversation)
FOLLOW_UP = table(FollowUp)


class Release:
    """The release of one actor's work, whoever has touched it since: nobody can have been given it back.

    It counts as having happened at the deletion: rows get that revision, unless they have a later one.
    """

    steps = (Step.CONVERSATIONS, Step.FOLLOW_UPS)

    def __init__(self, operation: Operation, released_id: UUID) -> None:
        self._operation = operation
        self._released_id = released_id
        self._note = self._noting()
        self._release = {step: self._releasing(step) for step in self.steps}

    def to_do(self, step: Step, _after: Place | None, limit: int) -> Select[Any]:
        """Whatever is left; what is done is assigned no longer."""
        work = _work(step)
        return (
            select(as_stored(work.c.id))
            .where(work.c.workspace_id == self._operation.workspace_id, work.c.assignee_id == self._released_id)
            .limit(limit)
        )

    async def move(self, tx: Tx, chunk: Chunk) -> Moved:
        """Release a chunk."""
        if chunk.step.is_of_conversations:
            await self._note(tx, chunk)
        moved = await self._release[chunk.step](tx, chunk)
        return Moved(moved, moved)

    def _releasing(self, step: Step) -> OnChunks:
        work, start = _work(step), self._operation.revision
        return OnChunks(
            update(work)
            .where(work.c.id.in_(select(LISTED.c.value)), work.c.assignee_id == self._released_id)
            .values(assignee_id=None, revision=case((work.c.revision < start, start), else_=work.c.revision))
        )

    def _noting(self) -> OnChunks:
        c = CONVERSATION.c
        return OnChunks(
            insert(ASSIGNMENT).from_select(
                ["conversation_id", "revision", "operation_id", "from_id", "to_id", "at"],
                select(
                    c.id,
                    literal(self._operation.revision),
                    literal(self._operation.id, Uuid()),
                    c.assignee_id,
                    cast(null(), Uuid()),
                    literal(self._operation.started_at, Timestamp()),
                )
                .join_from(LISTED, CONVERSATION, c.id == LISTED.c.value)
                .where(c.assignee_id == self._released_id),
            )
        )


def _work(step: Step) -> Any:
    return CONVERSATION if step.is_of_conversations else FOLLOW_UP
