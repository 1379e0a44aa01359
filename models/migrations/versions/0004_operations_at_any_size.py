"""Operations at any size: revisions of a workspace, what an operation still has to do, and every change of assignee."""

import sqlalchemy as sa
from alembic import op

from models.types import Timestamp, where

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspace", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("conversation", sa.Column("woken", sa.Integer(), nullable=False, server_default="0"))
    # What was counted for each row until now stays below what is counted for the workspace from now on.
    op.execute(
        "UPDATE workspace SET revision = (SELECT coalesce(max(revision), 0) FROM ("
        "SELECT max(revision) AS revision FROM conversation WHERE workspace_id = workspace.id "
        "UNION ALL SELECT max(revision) FROM follow_up WHERE workspace_id = workspace.id) AS counted)"
    )

    op.add_column("bulk_operation", sa.Column("released_id", sa.Uuid(), nullable=True))
    op.add_column("bulk_operation", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("bulk_operation", sa.Column("plan", sa.JSON(), nullable=True))
    op.add_column("bulk_operation", sa.Column("state", sa.JSON(), nullable=True))
    op.add_column("bulk_operation", sa.Column("lease_owner_id", sa.Uuid(), nullable=True))
    op.add_column("bulk_operation", sa.Column("lease_until", Timestamp(), nullable=True))
    op.create_index(
        "bulk_operation_running", "bulk_operation", ["workspace_id", "started_at"], **where("status = 'RUNNING'")
    )

    op.create_table(
        "assignment",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("from_id", sa.Uuid(), nullable=True),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("woken_from", Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("conversation_id", "revision"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO assignment (conversation_id, revision, operation_id, from_id, to_id, at, woken_from) "
        "SELECT conversation_id, noted.revision, operation_id, from_id, to_id, started_at, woken_from "
        "FROM reassigned_conversation AS noted JOIN bulk_operation ON bulk_operation.id = operation_id"
    )
    op.create_index("assignment_operation", "assignment", ["operation_id", "conversation_id"])
    op.drop_table("reassigned_conversation")

    op.create_table(
        "follow_up_assignment",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=True),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("operation_id", "follow_up_id"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO follow_up_assignment (operation_id, follow_up_id, revision, from_id, to_id) "
        "SELECT operation_id, follow_up_id, revision, from_id, to_id FROM reassigned_follow_up"
    )
    op.drop_table("reassigned_follow_up")
