"""Revisions: the order in which the work of a workspace changes hands."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from models.database import WORKSPACE, Tx
from models.prepared import Prepared
from resolvers.targets import ACTIVE

_NEXT = (
    update(WORKSPACE)
    .where(WORKSPACE.c.id == bindparam("workspace"))
    .values(revision=WORKSPACE.c.revision + 1)
    .returning(WORKSPACE.c.revision)
)
_HOW_MANY_ARE_ACTIVE = select(func.count()).select_from(ACTIVE.cte("active")).scalar_subquery()
_NEXT_FOR_TARGETS = Prepared(_NEXT.where(bindparam("how_many") == _HOW_MANY_ARE_ACTIVE))


async def next_revision(tx: Tx, workspace_id: UUID) -> int:
    """The number of this transaction among those that changed the workspace's work. It must hold the lock."""
    revision: int = await tx.scalar(_NEXT, {"workspace": workspace_id})
    return revision


async def next_revision_for(tx: Tx, workspace_id: UUID, targets: Sequence[UUID]) -> int | None:
    """Likewise, if the actors to whom work goes are all active users, who stay locked until the commit; else None."""
    if not targets:
        return await next_revision(tx, workspace_id)
    values = {"workspace": workspace_id, "ids": targets, "how_many": len(set(targets))}
    revision: int | None = await tx.changed(_NEXT_FOR_TARGETS, values)
    return revision
