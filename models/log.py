"""What happened: the audit log for people, the event feed for connected clients."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field, SQLModel

from models.enums import AuditAction, EventKind, RevocationReason, UserChangeKind
from models.types import Named, Timestamp, new_id


class AuditEntry(SQLModel, table=True):
    """Who did what to whom, by actor ids.

    `details` holds ids, numbers, times and enum names, never a name or a secret.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("audit_at", "workspace_id", "at", "id"),
        Index("audit_action", "workspace_id", "action", "at", "id"),
        Index("audit_actor", "workspace_id", "actor_id", "at", "id"),
        Index("audit_actor_action", "workspace_id", "actor_id", "action", "at", "id"),
        Index("audit_target", "workspace_id", "target_id", "at", "id"),
        Index("audit_target_action", "workspace_id", "target_id", "action", "at", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    at: datetime = Field(sa_type=Timestamp)
    action: AuditAction = Field(sa_type=Named(AuditAction))
    actor_id: UUID
    target_id: UUID | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Event(SQLModel, table=True):
    """One thing that connected clients must hear of. See models.events for the rule that makes positions safe."""

    __table_args__ = (Index("event_occurred", "occurred_at"), {"sqlite_with_rowid": False})

    workspace_id: UUID = Field(primary_key=True, foreign_key="workspace.id")
    position: int = Field(primary_key=True, sa_type=BigInteger)
    kind: EventKind = Field(sa_type=Named(EventKind))
    occurred_at: datetime = Field(sa_type=Timestamp)
    user_id: UUID | None = None
    session_id: UUID | None = None
    access_token_id: UUID | None = None
    reason: RevocationReason | None = Field(default=None, sa_type=Named(RevocationReason))
    change: UserChangeKind | None = Field(default=None, sa_type=Named(UserChangeKind))
