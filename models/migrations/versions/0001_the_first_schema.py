"""The first schema."""

import sqlalchemy as sa
from alembic import op

from models.types import Text, Timestamp, where

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", Text(), nullable=False),
        sa.Column("password_hash", Text(), nullable=True),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stray_attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "workspace",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", Text(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("feed_generation", Text(), nullable=False),
        sa.Column("event_position", sa.BigInteger(), nullable=False),
        sa.Column("pruned_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "access_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("scopes", Text(), nullable=False),
        sa.Column("secret_hash", Text(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=True),
        sa.Column("last_used_at", Timestamp(), nullable=True),
        sa.Column("revoked_at", Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("access_token_workspace", "access_token", ["workspace_id", "created_at"], unique=False)
    op.create_index(op.f("ix_access_token_created_by_id"), "access_token", ["created_by_id"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column(
            "action",
            Text(40),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_action", "audit_entry", ["workspace_id", "action", "at", "id"], unique=False)
    op.create_index("audit_actor", "audit_entry", ["workspace_id", "actor_id", "at", "id"], unique=False)
    op.create_index("audit_at", "audit_entry", ["workspace_id", "at", "id"], unique=False)
    op.create_index("audit_target", "audit_entry", ["workspace_id", "target_id", "at", "id"], unique=False)

    op.create_table(
        "bulk_operation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            Text(40),
            nullable=False,
        ),
        sa.Column("started_by_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", Timestamp(), nullable=False),
        sa.Column("finished_at", Timestamp(), nullable=True),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("reassigned_conversations", sa.Integer(), nullable=False),
        sa.Column("reassigned_follow_ups", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("undo_of_id", sa.Uuid(), nullable=True),
        sa.Column(
            "failure_code",
            Text(40),
            nullable=True,
        ),
        sa.Column("failure_message", Text(), nullable=True),
        sa.Column("idempotency_key", Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["undo_of_id"],
            ["bulk_operation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "bulk_operation_key", "bulk_operation", ["workspace_id", "started_by_id", "idempotency_key"], unique=False
    )
    op.create_index("bulk_operation_started", "bulk_operation", ["workspace_id", "started_at", "id"], unique=False)

    op.create_table(
        "event",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            Text(40),
            nullable=False,
        ),
        sa.Column("occurred_at", Timestamp(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("access_token_id", sa.Uuid(), nullable=True),
        sa.Column(
            "reason",
            Text(40),
            nullable=True,
        ),
        sa.Column(
            "change",
            Text(40),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("workspace_id", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_occurred", "event", ["occurred_at"], unique=False)

    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("client", Text(40), nullable=False),
        sa.Column("device_name", Text(), nullable=True),
        sa.Column("user_agent", Text(), nullable=True),
        sa.Column("ip_address", Text(), nullable=True),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("last_seen_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("ended_at", Timestamp(), nullable=True),
        sa.Column(
            "end_reason",
            Text(40),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("session_ended", "session", ["ended_at"], unique=False)
    op.create_index("session_expiry", "session", ["expires_at"], unique=False, **where("ended_at IS NULL"))
    op.create_index("session_user", "session", ["user_id", "ended_at"], unique=False)

    op.create_table(
        "team",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("email", Text(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("name_key", Text(), nullable=False),
        sa.Column("status", Text(40), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("last_signed_in_at", Timestamp(), nullable=False),
        sa.Column("deactivated_at", Timestamp(), nullable=True),
        sa.Column("deactivated_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "deactivation_reason",
            Text(40),
            nullable=True,
        ),
        sa.Column("deactivation_note", Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "email"),
    )
    op.create_index(op.f("ix_user_account_id"), "user", ["account_id"], unique=False)
    op.create_index("user_created", "user", ["workspace_id", "created_at", "id"], unique=False)
    op.create_index("user_name", "user", ["workspace_id", "name_key", "id"], unique=False)
    op.create_index("user_signed_in", "user", ["workspace_id", "last_signed_in_at", "id"], unique=False)
    op.create_index("user_status_created", "user", ["workspace_id", "status", "created_at", "id"], unique=False)
    op.create_index("user_status_name", "user", ["workspace_id", "status", "name_key", "id"], unique=False)
    op.create_index(
        "user_status_signed_in", "user", ["workspace_id", "status", "last_signed_in_at", "id"], unique=False
    )

    op.create_table(
        "actor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", Text(40), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("access_token_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["access_token_id"],
            ["access_token.id"],
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("access_token_id"),
        sa.UniqueConstraint("reference"),
        sa.UniqueConstraint("user_id"),
    )
    op.create_index("actor_system", "actor", ["workspace_id", "kind"], unique=False)

    op.create_table(
        "conversation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", Text(), nullable=True),
        sa.Column("subject", Text(), nullable=False),
        sa.Column(
            "status",
            Text(40),
            nullable=False,
        ),
        sa.Column("snoozed_until", Timestamp(), nullable=True),
        sa.Column("customer_name", Text(), nullable=False),
        sa.Column("customer_email", Text(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("updated_at", Timestamp(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["team.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "external_id"),
    )
    op.create_index(
        "conversation_assignee_updated",
        "conversation",
        ["workspace_id", "assignee_id", "status", "updated_at", "id"],
        unique=False,
    )
    op.create_index("conversation_created", "conversation", ["workspace_id", "created_at", "id"], unique=False)
    op.create_index("conversation_snoozed", "conversation", ["snoozed_until"], unique=False)
    op.create_index(
        "conversation_status_updated", "conversation", ["workspace_id", "status", "updated_at", "id"], unique=False
    )
    op.create_index(
        "conversation_team_updated", "conversation", ["workspace_id", "team_id", "updated_at", "id"], unique=False
    )
    op.create_index(
        "conversation_unassigned_updated",
        "conversation",
        ["workspace_id", "status", "updated_at", "id"],
        unique=False,
        **where("assignee_id IS NULL"),
    )
    op.create_index("conversation_updated", "conversation", ["workspace_id", "updated_at", "id"], unique=False)

    op.create_table(
        "mailed_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            Text(40),
            nullable=False,
        ),
        sa.Column("sent_by_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", Text(), nullable=True),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("mail_due_at", Timestamp(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
        sa.UniqueConstraint("user_id", "kind"),
    )
    op.create_index(op.f("ix_mailed_link_mail_due_at"), "mailed_link", ["mail_due_at"], unique=False)

    op.create_table(
        "team_member",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"],
            ["team.id"],
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("team_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_team_member_user_id"), "team_member", ["user_id"], unique=False)

    op.create_table(
        "user_role",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            Text(40),
            nullable=False,
        ),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("user_id", "role"),
        sqlite_with_rowid=False,
    )
    op.create_index("user_role_role", "user_role", ["workspace_id", "role", "user_id"], unique=False)

    op.create_table(
        "user_word",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("word", Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("workspace_id", "word", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_user_word_user_id"), "user_word", ["user_id"], unique=False)

    op.create_table(
        "conversation_word",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("word", Text(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("workspace_id", "word", "conversation_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "csat_response",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("comment", Text(), nullable=True),
        sa.Column("responded_at", Timestamp(), nullable=False),
        sa.Column("handled_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("conversation_id"),
    )
    op.create_index(op.f("ix_csat_response_handled_by_id"), "csat_response", ["handled_by_id"], unique=False)

    op.create_table(
        "follow_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", Text(), nullable=True),
        sa.Column("kind", Text(40), nullable=False),
        sa.Column("due_at", Timestamp(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "external_id"),
    )
    op.create_index("follow_up_assignee", "follow_up", ["workspace_id", "assignee_id", "kind"], unique=False)
    op.create_index("follow_up_conversation", "follow_up", ["conversation_id", "due_at", "id"], unique=False)

    op.create_table(
        "note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", Text(), nullable=True),
        sa.Column("body", Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workspace_id", "external_id"),
    )
    op.create_index("note_author", "note", ["author_id"], unique=False)
    op.create_index("note_conversation", "note", ["conversation_id", "created_at", "id"], unique=False)

    op.create_table(
        "reassigned_conversation",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=True),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("woken_from", Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversation.id"],
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["bulk_operation.id"],
        ),
        sa.PrimaryKeyConstraint("operation_id", "conversation_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reassigned_follow_up",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=True),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["follow_up_id"],
            ["follow_up.id"],
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["bulk_operation.id"],
        ),
        sa.PrimaryKeyConstraint("operation_id", "follow_up_id"),
        sqlite_with_rowid=False,
    )
