"""Revisions: the order in which the work of a workspace changes hands."""

from uuid import UUID

from sqlalchemy import update

from models.database import WORKSPACE, Tx


async def next_revision(tx: Tx, workspace_id: UUID) -> int:
    """The number of this transaction among those that changed the workspace's work. It must hold the lock."""
    revision: int = await tx.scalar(
        update(WORKSPACE)
        .where(WORKSPACE.c.id == workspace_id)
        .values(revision=WORKSPACE.c.revision + 1)
        .returning(WORKSPACE.c.revision)
    )
    return revision
