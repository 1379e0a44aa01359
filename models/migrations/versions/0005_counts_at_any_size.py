"""What is assigned in a team, or is not, is counted by status without a look at the rows."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("conversation_team_assignee", "conversation")
    op.create_index("conversation_team_assignee", "conversation", ["workspace_id", "team_id", "assignee_id", "status"])
