"""What an undo goes by: the chunks in which operations dealt with conversations, in place of an index."""

import sqlalchemy as sa
from alembic import op

from models.listed import Ids

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ON_SQLITE = """
INSERT INTO bulk_chunk (operation_id, revision, conversation_ids)
SELECT operation_id, assignment.revision, json_group_array(conversation_id)
FROM assignment JOIN bulk_operation ON bulk_operation.id = operation_id
WHERE undo_of_id IS NULL AND released_id IS NULL GROUP BY operation_id, assignment.revision
"""

ON_POSTGRESQL = ON_SQLITE.replace("json_group_array", "array_agg")


def upgrade() -> None:
    op.create_table(
        "bulk_chunk",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("conversation_ids", Ids(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "revision"),
        sqlite_with_rowid=False,
    )
    op.execute(ON_SQLITE if op.get_bind().dialect.name == "sqlite" else ON_POSTGRESQL)
    op.drop_index("assignment_operation", "assignment")
    # An undo that was under way begins again: it told by an id how far it had come, and finds nothing done twice.
    op.execute("UPDATE bulk_operation SET state = NULL WHERE undo_of_id IS NOT NULL AND status = 'RUNNING'")
