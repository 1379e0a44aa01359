"""Scheduled departures, legal holds, announced deletions, and mail to owners."""

import sqlalchemy as sa
from alembic import op

from models.types import Text, Timestamp

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspace", sa.Column("delete_after_days", sa.Integer(), nullable=True))
    op.create_index("user_deactivated", "user", ["workspace_id", "deactivated_at", "id"])

    op.create_table(
        "scheduled_departure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("scheduled_by_id", sa.Uuid(), nullable=False),
        sa.Column("scheduled_at", Timestamp(), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("return_at", Timestamp(), nullable=True),
        sa.Column("reason", Text(40), nullable=False),
        sa.Column("note", Text(), nullable=True),
        sa.Column("hand_over_to", sa.JSON(), nullable=True),
        sa.Column("revoke_access_tokens", sa.Boolean(), nullable=False),
        sa.Column("due_at", Timestamp(), nullable=False),
        sa.Column("departed_at", Timestamp(), nullable=True),
        sa.Column("failure_code", Text(40), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id"),
    )
    op.create_index("scheduled_departure_at", "scheduled_departure", ["workspace_id", "at", "id"])
    op.create_index(op.f("ix_scheduled_departure_due_at"), "scheduled_departure", ["due_at"])

    op.create_table(
        "legal_hold",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("placed_by_id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", Timestamp(), nullable=False),
        sa.Column("note", Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"]),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )

    op.create_table(
        "announced_deletion",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("announced_at", Timestamp(), nullable=False),
        sa.Column("delete_at", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index("announced_deletion_workspace", "announced_deletion", ["workspace_id"])
    op.create_index(op.f("ix_announced_deletion_delete_at"), "announced_deletion", ["delete_at"])

    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", Text(40), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("mail_due_at", Timestamp(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_notice_mail_due_at"), "notice", ["mail_due_at"])
    op.create_index(op.f("ix_notice_user_id"), "notice", ["user_id"])
