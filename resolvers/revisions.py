"""Revisions: the order in which the work of a workspace changes hands."""

from uuid import UUID

from sqlalchemy import bindparam, update

from models.database import WORKSPACE, Tx

_NEXT = (
    update(WORKSPACE)
    .where(WORKSPACE.c.id == bindparam("workspace"))
    .values(revision=WORKSPACE.c.revision + 1)
    .returning(WORKSPACE.c.revision)
)


async def next_revision(tx: Tx, workspace_id: UUID) -> int:
    """The number of this transaction among those that changed the workspace's work. It must hold the lock."""
    revision: int = await tx.scalar(_NEXT, {"workspace": workspace_id})
    return revision
