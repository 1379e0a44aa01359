"""Indexes for pages of a million rows: every order of the inbox, and the audit log by actor or target and action."""

from alembic import op

from models.types import where

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ADDED = {
    "conversation_status_created": ["status", "created_at", "id"],
    "conversation_assignee_created": ["assignee_id", "status", "created_at", "id"],
    "conversation_unassigned_created": ["status", "created_at", "id"],
    "conversation_team_created": ["team_id", "status", "created_at", "id"],
    "conversation_team_updated": ["team_id", "status", "updated_at", "id"],
    "conversation_team_assignee": ["team_id", "assignee_id"],
}
REPLACED = ("conversation_updated", "conversation_created", "conversation_team_updated", "conversation_snoozed")


def upgrade() -> None:
    for name in REPLACED:
        op.drop_index(name, "conversation")
    for name, columns in ADDED.items():
        only = where("assignee_id IS NULL") if "unassigned" in name else {}
        op.create_index(name, "conversation", ["workspace_id", *columns], **only)
    op.create_index("conversation_snoozed", "conversation", ["snoozed_until"], **where("snoozed_until IS NOT NULL"))
    for whose in ("actor", "target"):
        op.create_index(f"audit_{whose}_action", "audit_entry", ["workspace_id", f"{whose}_id", "action", "at", "id"])
    op.create_index(op.f("ix_conversation_word_conversation_id"), "conversation_word", ["conversation_id"])
