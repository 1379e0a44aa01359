"""What is planned for users, what keeps them from being deleted, and what their owners are told of it by mail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from models.enums import DeactivationReason, ErrorCode, NoticeKind
from models.types import Named, Text, Timestamp, new_id


class ScheduledDeparture(SQLModel, table=True):
    """A user's pending departure; the row goes when it is over, the audit log keeps what became of it.

    `due_at` is when something is next done about it: leaving, trying again, or, after `departed_at`, returning.
    `hand_over_to` are actor ids as text: none of them for Unassigned, null where assignments stay.
    """

    __tablename__ = "scheduled_departure"
    __table_args__ = (Index("scheduled_departure_at", "workspace_id", "at", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    user_id: UUID = Field(foreign_key="user.id", ondelete="CASCADE", unique=True)
    scheduled_by_id: UUID
    scheduled_at: datetime = Field(sa_type=Timestamp)
    at: datetime = Field(sa_type=Timestamp)
    return_at: datetime | None = Field(default=None, sa_type=Timestamp)
    reason: DeactivationReason = Field(sa_type=Named(DeactivationReason))
    note: str | None = Field(default=None, sa_type=Text)
    hand_over_to: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    revoke_access_tokens: bool = False
    due_at: datetime = Field(sa_type=Timestamp, index=True)
    departed_at: datetime | None = Field(default=None, sa_type=Timestamp)
    failure_code: ErrorCode | None = Field(default=None, sa_type=Named(ErrorCode))


class LegalHold(SQLModel, table=True):
    """Why a user must not be deleted. The user's row cannot go before this one: the foreign key refuses it."""

    __tablename__ = "legal_hold"

    user_id: UUID = Field(primary_key=True, foreign_key="user.id")
    workspace_id: UUID = Field(foreign_key="workspace.id")
    placed_by_id: UUID
    placed_at: datetime = Field(sa_type=Timestamp)
    note: str = Field(sa_type=Text)


class AnnouncedDeletion(SQLModel, table=True):
    """An inactive user whose deletion the owners were told of; done at `delete_at` if it is still right then."""

    __tablename__ = "announced_deletion"
    __table_args__ = (Index("announced_deletion_workspace", "workspace_id"),)

    user_id: UUID = Field(primary_key=True, foreign_key="user.id", ondelete="CASCADE")
    workspace_id: UUID = Field(foreign_key="workspace.id")
    announced_at: datetime = Field(sa_type=Timestamp)
    delete_at: datetime = Field(sa_type=Timestamp, index=True)


class Notice(SQLModel, table=True):
    """A mail to one owner that waits for the mailer; the row goes when the mail was handed over.

    `details` holds actor ids, times, counts and enum names, never a name or an address: the mail is put together when
    it is sent.
    """

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    user_id: UUID = Field(foreign_key="user.id", ondelete="CASCADE", index=True)
    kind: NoticeKind = Field(sa_type=Named(NoticeKind))
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(sa_type=Timestamp)
    mail_due_at: datetime = Field(sa_type=Timestamp, index=True)
    attempts: int = 0
