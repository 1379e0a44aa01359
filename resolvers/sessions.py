"""Sessions: ending them, with the events that tell connected clients so."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import ColumnElement, update

from models import events
from models.database import Tx, table
from models.enums import RevocationReason
from models.people import UserSession

SESSION = table(UserSession)


async def end_sessions(tx: Tx, *which: ColumnElement[bool], reason: RevocationReason) -> int:
    """End every session that `which` selects and that has not ended; says how many.

    Each gets an event. What told of the device is erased. The locks of all workspaces concerned must be held.
    """
    ended = await tx.rows(
        update(SESSION)
        .where(SESSION.c.ended_at.is_(None), *which)
        .values(ended_at=tx.now, end_reason=reason, device_name=None, user_agent=None, ip_address=None)
        .returning(SESSION.c.id, SESSION.c.user_id, SESSION.c.workspace_id)
    )
    by_workspace: defaultdict[UUID, list[events.FeedEvent]] = defaultdict(list)
    for session in sorted(ended, key=lambda session: session.id):
        by_workspace[session.workspace_id].append(events.session_revoked(session.id, session.user_id, reason))
    for workspace_id, revocations in by_workspace.items():
        await events.append(tx, workspace_id, revocations)
    return len(ended)
