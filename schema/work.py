"""Types of work: conversations and what hangs on them, and bulk hand-overs."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from models.enums import BulkOperationStatus, ConversationStatus, FollowUpKind
from resolvers import actors, assignments, inbox, operations, teams, threads, users
from resolvers.pages import PageArgs
from resolvers.rows import AssignmentRow, BulkOperationRow, ConversationRow, CsatRow, FollowUpRow, NoteRow
from schema.base import Actor, Connection, Node, backed_by, id_field
from schema.context import Info
from schema.people import MutationError, Team, User


@strawberry.type(description="Who wrote to the inbox.")
class Customer:
    """See the description."""

    name: str = strawberry.field(description="The customer's name.")
    email: str | None = strawberry.field(description="The customer's address, if known.")


@strawberry.type(description="An internal remark on a conversation.")
class Note(Node):
    """See the description."""

    is_type_of = backed_by(NoteRow)
    id: strawberry.ID = id_field("Note")
    body: str = strawberry.field(description="The text, kept whatever becomes of its author.")
    created_at: datetime = strawberry.field(description="When it was written.")

    @strawberry.field(description="Who wrote it.", graphql_type=Actor)
    async def author(self: NoteRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.author_id)


@strawberry.type(description="A pending promise to a customer.")
class FollowUp(Node):
    """See the description."""

    is_type_of = backed_by(FollowUpRow)
    id: strawberry.ID = id_field("FollowUp")
    kind: FollowUpKind = strawberry.field(description="A call, or anything else.")
    due_at: datetime = strawberry.field(description="When it is due.")

    @strawberry.field(description="Who keeps the promise; null = nobody yet.")
    async def assignee(self: FollowUpRow, info: Info) -> User | None:
        """The user."""
        return await assignee_of(info, self)

    @strawberry.field(description="The conversation in which it was made.")
    async def conversation(self: FollowUpRow, info: Info) -> Annotated["Conversation", strawberry.lazy("schema.work")]:
        """The conversation."""
        return await info.context.load(inbox.conversations_by_id, self.conversation_id)


@strawberry.type(description="A customer's answer to 'how did we do?'.")
class CsatResponse:
    """See the description."""

    rating: int = strawberry.field(description="1 (bad) to 5 (good).")
    comment: str | None = strawberry.field(description="What the customer added.")
    responded_at: datetime = strawberry.field(description="When the customer answered.")

    @strawberry.field(description="Who handled it; null when nobody was assigned.", graphql_type=Actor | None)
    async def handled_by(self: CsatRow, info: Info) -> object:
        """The actor."""
        return self.handled_by_id and await info.context.load(actors.actors_by_id, self.handled_by_id)


@strawberry.type(description="A thread with a customer.")
class Conversation(Node):
    """See the description."""

    is_type_of = backed_by(ConversationRow)
    id: strawberry.ID = id_field("Conversation")
    subject: str = strawberry.field(description="What it is about.")
    status: ConversationStatus = strawberry.field(description="Open, snoozed or closed.")
    snoozed_until: datetime | None = strawberry.field(description="When it reopens by itself; null unless snoozed.")
    customer: Customer = strawberry.field(description="With whom.")
    created_at: datetime = strawberry.field(description="When it began.")
    updated_at: datetime = strawberry.field(
        description="When it last moved: a note, a wake-up. Assigning it does not move it."
    )

    @strawberry.field(description="Null = Unassigned. A deactivated user stays the assignee until it is handed over.")
    async def assignee(self: ConversationRow, info: Info) -> User | None:
        """The user."""
        return await assignee_of(info, self)

    @strawberry.field(description="The team that it belongs to.")
    async def team(self: ConversationRow, info: Info) -> Team | None:
        """The team."""
        return await info.context.load(teams.teams_by_id, self.team_id) if self.team_id else None

    @strawberry.field(description="Internal notes, newest first.")
    async def notes(
        self: ConversationRow, info: Info, first: int | None = 50, after: str | None = None
    ) -> Connection[Note]:
        """A page of notes; for many conversations still one statement."""
        args = PageArgs(first=first, after=after)
        return counted_connection(await info.context.load(threads.notes_of, self.id, args) or threads.NO_NOTES)

    @strawberry.field(description="To whom it went, one after the other, newest first.")
    async def assignments(
        self: ConversationRow, info: Info, first: int | None = 50, after: str | None = None
    ) -> Connection[Annotated["Assignment", strawberry.lazy("schema.work")]]:
        """A page of assignments; for many conversations still one statement."""
        args = PageArgs(first=first, after=after)
        found = await info.context.load(assignments.assignments_of, self.id, args)
        return counted_connection(found or assignments.NO_ASSIGNMENTS)

    @strawberry.field(description="Pending promises, soonest first.")
    async def follow_ups(self: ConversationRow, info: Info) -> list[FollowUp]:
        """The follow-ups."""
        return await info.context.load(threads.follow_ups_of, self.id) or []

    @strawberry.field(description="The customer's rating, once given.")
    async def csat(self: ConversationRow, info: Info) -> CsatResponse | None:
        """The answer."""
        return await info.context.load(threads.csat_of, self.id)


@strawberry.type(description="One hand-over of many conversations, or the undoing of one.")
class BulkOperation(Node):
    """See the description."""

    is_type_of = backed_by(BulkOperationRow)
    id: strawberry.ID = id_field("BulkOperation")
    status: BulkOperationStatus = strawberry.field(description="How far it is.")
    started_at: datetime = strawberry.field(description="When it started.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    matched: int = strawberry.field(
        description="Conversations and follow-ups that it set out to move: fixed at its start, except that what a "
        "deleted user had is counted as it is found."
    )
    processed: int = strawberry.field(description="How many of them it has dealt with.")
    reassigned_conversations: int = strawberry.field(description="Conversations that changed hands, or woke.")
    reassigned_follow_ups: int = strawberry.field(description="Follow-ups that changed hands.")
    skipped: int = strawberry.field(
        description="Matched, but touched by somebody before; left as they are. Counted at the end."
    )
    failure: MutationError | None = strawberry.field(description="Why it FAILED.")

    @strawberry.field(description="Who started it.", graphql_type=Actor)
    async def started_by(self: BulkOperationRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.started_by_id)

    @strawberry.field(description="The operation that this one undid.")
    async def undo_of(
        self: BulkOperationRow, info: Info
    ) -> Annotated["BulkOperation", strawberry.lazy("schema.work")] | None:
        """The undone operation."""
        return await info.context.load(operations.operations_by_id, self.undo_of_id) if self.undo_of_id else None


@strawberry.type(description="One change of a conversation's assignee.")
class Assignment:
    """See the description."""

    at: datetime = strawberry.field(description="When.")

    @strawberry.field(name="from", description="Whose it was; null = Unassigned.", graphql_type=Actor | None)
    async def from_(self: AssignmentRow, info: Info) -> object:
        """The actor."""
        return self.from_id and await info.context.load(actors.actors_by_id, self.from_id)

    @strawberry.field(description="To whom it went; null = Unassigned.", graphql_type=Actor | None)
    async def to(self: AssignmentRow, info: Info) -> object:
        """The actor."""
        return self.to_id and await info.context.load(actors.actors_by_id, self.to_id)

    @strawberry.field(description="Who did it.", graphql_type=Actor)
    async def by(self: AssignmentRow, info: Info) -> object:
        """The actor."""
        return await info.context.load(actors.actors_by_id, self.by_id)

    @strawberry.field(description="The hand-over that did it; null if it was assigned by itself.")
    async def operation(self: AssignmentRow, info: Info) -> BulkOperation | None:
        """The operation."""
        return await info.context.load(operations.operations_by_id, self.operation_id) if self.operation_id else None


async def assignee_of(info: Info, work: ConversationRow | FollowUpRow) -> Any:
    """The user to whom something is assigned."""
    return work.assignee_id and await info.context.load(users.users_by_actor, work.assignee_id)


def counted_connection(found: Any) -> Connection[Any]:
    """A page whose count is known already."""

    async def count() -> int:
        return int(found.total_count)

    return Connection[Any](page=found.page, count=count)
