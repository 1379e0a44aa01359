"""The workspace's own settings."""

from enum import Enum
from typing import Any, Literal

from sqlalchemy import delete, update

from models.database import WORKSPACE, Tx, table
from models.enums import AuditAction, ErrorCode
from models.leaving import AnnouncedDeletion
from models.people import Workspace
from resolvers import audit
from resolvers.errors import Refused, refuse
from resolvers.texts import required_text
from resolvers.viewer import Viewer, enter, require

ANNOUNCED = table(AnnouncedDeletion)

LONGEST_RETENTION_DAYS = 3650

_SHOWN_AS = {"name": "name", "retention_days": "retentionDays", "delete_after_days": "deleteAfterDays"}


class Unchanged(Enum):
    """Stands for a setting that is left as it is, where None says something else."""

    UNCHANGED = "unchanged"


UNCHANGED: Literal[Unchanged.UNCHANGED] = Unchanged.UNCHANGED


async def update_workspace(
    tx: Tx,
    viewer: Viewer,
    *,
    name: str | None = None,
    retention_days: int | None = None,
    delete_after_days: int | Literal[Unchanged.UNCHANGED] | None = UNCHANGED,
) -> None:
    """Change what is given; `delete_after_days` None is never.

    When that or `retention_days` changes, deletions that were announced are void: what is still due is announced anew.
    Raises Forbidden unless the viewer is an owner; refuses with INVALID_INPUT.
    """
    viewer = await enter(tx, viewer)
    require(viewer.is_owner)
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = required_text(name, "name")
    if retention_days is not None:
        if not 0 <= retention_days <= LONGEST_RETENTION_DAYS:
            raise _out_of_bounds("retentionDays", 0)
        wanted["retention_days"] = retention_days
    if delete_after_days is not UNCHANGED:
        if delete_after_days is not None and not 1 <= delete_after_days <= LONGEST_RETENTION_DAYS:
            raise _out_of_bounds("deleteAfterDays", 1)
        wanted["delete_after_days"] = delete_after_days
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
    if not changed.keys().isdisjoint({"retention_days", "delete_after_days"}):
        await tx.run(delete(ANNOUNCED).where(ANNOUNCED.c.workspace_id == viewer.workspace_id))


def _out_of_bounds(setting: str, least: int) -> Refused:
    return refuse(ErrorCode.INVALID_INPUT, f"{setting} must be {least} to {LONGEST_RETENTION_DAYS}.", setting)
