"""Users of a role or team have an order of their own: what they are listed by is repeated there, by triggers.

SQLite drops a table's triggers with it: a migration that builds "user", `user_role` or `team_member` anew (Alembic's
batch mode does) has to make them again.
"""

import sqlalchemy as sa
from alembic import op

from models.types import Text, Timestamp, where

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LISTS = {"user_role": ["workspace_id", "role"], "team_member": ["team_id"]}
ORDERS = {"name": "name_key", "created": "created_at", "signed_in": "last_signed_in_at"}

BEFORE = (
    """UPDATE user_role SET (status, name_key, created_at, last_signed_in_at) = (
        SELECT status, name_key, created_at, last_signed_in_at FROM "user" WHERE id = user_role.user_id)""",
    """UPDATE team_member SET (status, name_key, created_at, last_signed_in_at) = (
        SELECT status, name_key, created_at, last_signed_in_at FROM "user" WHERE id = team_member.user_id)""",
)

ON_SQLITE = (
    """CREATE TRIGGER user_moved AFTER UPDATE OF status, name_key, created_at, last_signed_in_at ON "user" BEGIN
        UPDATE user_role SET (status, name_key, created_at, last_signed_in_at)
            = (new.status, new.name_key, new.created_at, new.last_signed_in_at) WHERE user_id = new.id;
        UPDATE team_member SET (status, name_key, created_at, last_signed_in_at)
            = (new.status, new.name_key, new.created_at, new.last_signed_in_at) WHERE user_id = new.id;
    END""",
    """CREATE TRIGGER user_role_added AFTER INSERT ON user_role BEGIN
        UPDATE user_role SET (status, name_key, created_at, last_signed_in_at) = (
            SELECT status, name_key, created_at, last_signed_in_at FROM "user" WHERE id = new.user_id)
        WHERE user_id = new.user_id;
    END""",
    """CREATE TRIGGER team_member_added AFTER INSERT ON team_member BEGIN
        UPDATE team_member SET (status, name_key, created_at, last_signed_in_at) = (
            SELECT status, name_key, created_at, last_signed_in_at FROM "user" WHERE id = new.user_id)
        WHERE user_id = new.user_id;
    END""",
)

# FOR SHARE: who signs in at the same time is waited for, whose own trigger does not see the new row.
ON_POSTGRESQL = (
    """CREATE FUNCTION move_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE user_role SET (status, name_key, created_at, last_signed_in_at)
            = (new.status, new.name_key, new.created_at, new.last_signed_in_at) WHERE user_id = new.id;
        UPDATE team_member SET (status, name_key, created_at, last_signed_in_at)
            = (new.status, new.name_key, new.created_at, new.last_signed_in_at) WHERE user_id = new.id;
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION list_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        SELECT status, name_key, created_at, last_signed_in_at
            INTO new.status, new.name_key, new.created_at, new.last_signed_in_at
            FROM "user" WHERE id = new.user_id FOR SHARE;
        RETURN new;
    END $$""",
    """CREATE TRIGGER user_moved AFTER UPDATE OF status, name_key, created_at, last_signed_in_at ON "user"
        FOR EACH ROW EXECUTE FUNCTION move_user()""",
    "CREATE TRIGGER user_role_added BEFORE INSERT ON user_role FOR EACH ROW EXECUTE FUNCTION list_user()",
    "CREATE TRIGGER team_member_added BEFORE INSERT ON team_member FOR EACH ROW EXECUTE FUNCTION list_user()",
)


def upgrade() -> None:
    for name in LISTS:
        op.add_column(name, sa.Column("status", Text(40), nullable=True))
        op.add_column(name, sa.Column("name_key", Text(), nullable=True))
        op.add_column(name, sa.Column("created_at", Timestamp(), nullable=True))
        op.add_column(name, sa.Column("last_signed_in_at", Timestamp(), nullable=True))
    for statement in (*BEFORE, *(ON_SQLITE if op.get_bind().dialect.name == "sqlite" else ON_POSTGRESQL)):
        op.execute(statement)
    op.drop_index("user_role_role", "user_role")
    for name, columns in LISTS.items():
        for order, key in ORDERS.items():
            op.create_index(f"{name}_{order}", name, [*columns, "status", key, "user_id"])

    for order in ("updated", "created"):
        op.create_index(
            f"conversation_team_unassigned_{order}",
            "conversation",
            ["workspace_id", "team_id", "status", f"{order}_at", "id"],
            **where("(assignee_id IS NULL) IS TRUE"),
        )
