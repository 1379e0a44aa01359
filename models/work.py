"""The inbox: conversations and what hangs on them, and the record of bulk hand-overs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.enums import BulkOperationStatus, ConversationStatus, ErrorCode, FollowUpKind
from models.listed import Ids
from models.types import Named, Text, Timestamp, new_id, where

IS_UNASSIGNED = "(assignee_id IS NULL) IS TRUE"
"""Said so that SQLite finds no rows by it in an index with the assignee, which it would take instead."""


def _in_each_order(name: str, *columns: str, only: str | None = None) -> list[Index]:
    """For each order of the inbox an index that has it, once workspace, columns and status are given."""
    rows = where(only) if only else {}
    return [
        Index(f"{name}_{order}", "workspace_id", *columns, "status", f"{order}_at", "id", **rows)
        for order in ("updated", "created")
    ]


class Conversation(SQLModel, table=True):
    """A thread with a customer.

    `revision` is the workspace's when a person or a hand-over last changed it, `woken` the one when it last woke up:
    see resolvers.running.
    """

    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        *_in_each_order("conversation_status"),
        *_in_each_order("conversation_assignee", "assignee_id"),
        # That a column IS NULL gives PostgreSQL no order in an index with that column.
        *_in_each_order("conversation_unassigned", only="assignee_id IS NULL"),
        *_in_each_order("conversation_team", "team_id"),
        *_in_each_order("conversation_team_unassigned", "team_id", only=IS_UNASSIGNED),
        # For counting: PostgreSQL keeps what is equal in it once. With the assignee before the team it would be taken
        # for pages, too, where the planner believes somebody to have little.
        Index("conversation_team_assignee", "workspace_id", "team_id", "assignee_id", "status"),
        Index("conversation_snoozed", "snoozed_until", **where("snoozed_until IS NOT NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    external_id: str | None = Field(default=None, sa_type=Text)
    subject: str = Field(sa_type=Text)
    status: ConversationStatus = Field(sa_type=Named(ConversationStatus))
    snoozed_until: datetime | None = Field(default=None, sa_type=Timestamp)
    customer_name: str = Field(sa_type=Text)
    customer_email: str | None = Field(default=None, sa_type=Text)
    assignee_id: UUID | None = None
    team_id: UUID | None = Field(default=None, foreign_key="team.id")
    created_at: datetime = Field(sa_type=Timestamp)
    updated_at: datetime = Field(sa_type=Timestamp)
    revision: int = 0
    woken: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class ConversationWord(SQLModel, table=True):
    """A term under which a conversation is found, see models.search."""

    __tablename__ = "conversation_word"
    __table_args__ = {"sqlite_with_rowid": False}

    workspace_id: UUID = Field(primary_key=True, foreign_key="workspace.id")
    word: str = Field(primary_key=True, sa_type=Text)
    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id", index=True)


class Note(SQLModel, table=True):
    """An internal remark on a conversation."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        Index("note_conversation", "conversation_id", "created_at", "id"),
        Index("note_author", "author_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    conversation_id: UUID = Field(foreign_key="conversation.id")
    external_id: str | None = Field(default=None, sa_type=Text)
    body: str = Field(sa_type=Text)
    author_id: UUID
    created_at: datetime = Field(sa_type=Timestamp)


class FollowUp(SQLModel, table=True):
    """A pending promise to a customer; the row goes when the promise is kept. `revision`: as of a conversation."""

    __tablename__ = "follow_up"
    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        Index("follow_up_conversation", "conversation_id", "due_at", "id"),
        Index("follow_up_assignee", "workspace_id", "assignee_id", "kind"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    conversation_id: UUID = Field(foreign_key="conversation.id")
    external_id: str | None = Field(default=None, sa_type=Text)
    kind: FollowUpKind = Field(sa_type=Named(FollowUpKind))
    due_at: datetime = Field(sa_type=Timestamp)
    assignee_id: UUID | None = None
    revision: int = 0


class CsatResponse(SQLModel, table=True):
    """A customer's answer to "how did we do?", one per conversation."""

    __tablename__ = "csat_response"

    conversation_id: UUID = Field(primary_key=True, foreign_key="conversation.id")
    workspace_id: UUID = Field(foreign_key="workspace.id")
    rating: int
    comment: str | None = Field(default=None, sa_type=Text)
    responded_at: datetime = Field(sa_type=Timestamp)
    handled_by_id: UUID | None = Field(default=None, index=True)


class BulkOperation(SQLModel, table=True):
    """One hand-over of many conversations, or the undoing of one, or the release of a deleted user's work.

    Which one, `undo_of_id` and `released_id` (the deleted user's actor) tell. `revision` is the workspace's at its
    start. `settled` of those that it matched had nothing to change. `plan` and `state` say what is still to do, and
    are empty once it has ended; whoever holds the lease does it. See resolvers.running.
    """

    __tablename__ = "bulk_operation"
    __table_args__ = (
        Index("bulk_operation_started", "workspace_id", "started_at", "id"),
        Index("bulk_operation_key", "workspace_id", "started_by_id", "idempotency_key"),
        Index("bulk_operation_running", "workspace_id", "started_at", **where("status = 'RUNNING'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    status: BulkOperationStatus = Field(sa_type=Named(BulkOperationStatus))
    started_by_id: UUID
    started_at: datetime = Field(sa_type=Timestamp)
    finished_at: datetime | None = Field(default=None, sa_type=Timestamp)
    matched: int = 0
    processed: int = 0
    reassigned_conversations: int = 0
    reassigned_follow_ups: int = 0
    skipped: int = 0
    undo_of_id: UUID | None = Field(default=None, foreign_key="bulk_operation.id")
    failure_code: ErrorCode | None = Field(default=None, sa_type=Named(ErrorCode))
    failure_message: str | None = Field(default=None, sa_type=Text)
    idempotency_key: str | None = Field(default=None, sa_type=Text)
    released_id: UUID | None = None
    revision: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    plan: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    state: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    lease_owner_id: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_type=Timestamp)


class Assignment(SQLModel, table=True):
    """One change of a conversation's assignee, by an operation or by hand: its history, and what an undo takes back.

    `revision` is the conversation's after it; `woken_from` the end of the snooze that it cut short; `by_id` is left out
    where the operation says it. Where an operation found that nothing had to change, `from_id` is `to_id`.
    Neither conversations nor operations are ever deleted, so nothing dangles without foreign keys: checking them took a
    third of the time of a hand-over.
    """

    __table_args__ = {"sqlite_with_rowid": False}

    conversation_id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    operation_id: UUID | None = None
    from_id: UUID | None = None
    to_id: UUID | None = None
    by_id: UUID | None = None
    at: datetime = Field(sa_type=Timestamp)
    woken_from: datetime | None = Field(default=None, sa_type=Timestamp)


class BulkChunk(SQLModel, table=True):
    """The conversations that an operation dealt with in one transaction: by these an undo finds them.

    An index of assignments by their operation took a tenth of the time of a hand-over.
    """

    __tablename__ = "bulk_chunk"
    __table_args__ = {"sqlite_with_rowid": False}

    operation_id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    conversation_ids: Any = Field(sa_type=Ids)


class FollowUpAssignment(SQLModel, table=True):
    """What one operation did to one follow-up, likewise."""

    __tablename__ = "follow_up_assignment"
    __table_args__ = {"sqlite_with_rowid": False}

    operation_id: UUID = Field(primary_key=True)
    follow_up_id: UUID = Field(primary_key=True)
    revision: int
    from_id: UUID | None = None
    to_id: UUID | None = None
