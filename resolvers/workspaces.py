"""The workspace's own settings."""

from sqlalchemy import update

from models.database import WORKSPACE, Tx
from models.enums import AuditAction, ErrorCode
from models.people import Workspace
from resolvers import audit
from resolvers.errors import refuse
from resolvers.texts import required_text
from resolvers.viewer import Viewer, enter, require

LONGEST_RETENTION_DAYS = 3650

_SHOWN_AS = {"name": "name", "retention_days": "retentionDays"}


async def update_workspace(
    tx: Tx, viewer: Viewer, *, name: str | None = None, retention_days: int | None = None
) -> None:
    """Change what is given. Raises Forbidden unless the viewer is an owner; refuses with INVALID_INPUT."""
    viewer = await enter(tx, viewer)
    require(viewer.is_owner)
    wanted: dict[str, str | int] = {}
    if name is not None:
        wanted["name"] = required_text(name, "name")
    if retention_days is not None:
        if not 0 <= retention_days <= LONGEST_RETENTION_DAYS:
            raise refuse(
                ErrorCode.INVALID_INPUT, f"retentionDays must be 0 to {LONGEST_RETENTION_DAYS}.", "retentionDays"
            )
        wanted["retention_days"] = retention_days
    workspace = await tx.get(Workspace, id=viewer.workspace_id)
    changed = {key: value for key, value in wanted.items() if getattr(workspace, key) != value}
    if changed:
        await tx.run(update(WORKSPACE).where(WORKSPACE.c.id == viewer.workspace_id).values(**changed))
        await audit.record(
            tx,
            viewer.workspace_id,
            AuditAction.WORKSPACE_UPDATED,
            actor_id=viewer.actor_id,
            changed=sorted(_SHOWN_AS[column] for column in changed),
        )
