"""The system as the one who acts: what has become due is done by it, in its own name."""

from uuid import UUID

from models import events
from models.database import Tx
from resolvers.members import system_actor
from resolvers.viewer import Viewer


async def enter_as_system(tx: Tx, workspace_id: UUID) -> Viewer:
    """Begin what the system does by itself: take the lifecycle lock; the viewer stands for the SystemActor.

    It holds no role: who asked for what is done now was allowed to when asking.
    """
    await tx.lock(workspace_id)
    return Viewer(
        workspace_id=workspace_id,
        actor_id=await system_actor(tx, workspace_id),
        feed=await events.state(tx, workspace_id),
        last_seen_at=None,
        expires_at=None,
    )
