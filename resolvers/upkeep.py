"""What the system does by itself when its time has come; each function is one transaction and may be repeated."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, select, update

from models.database import WORKSPACE, Reader, Tx, table
from models.enums import ConversationStatus, RevocationReason
from models.events import EVENT
from models.leaving import AnnouncedDeletion, ScheduledDeparture
from models.people import MailedLink
from models.types import now
from models.work import Conversation
from resolvers.sessions import SESSION, end_sessions

ANNOUNCED = table(AnnouncedDeletion)
CONVERSATION = table(Conversation)
DEPARTURE = table(ScheduledDeparture)
LINK = table(MailedLink)
BATCH = 500

_ASLEEP = and_(CONVERSATION.c.status == ConversationStatus.SNOOZED, CONVERSATION.c.snoozed_until.is_not(None))


async def wake_conversations(tx: Tx) -> int:
    """Reopen snoozed conversations whose time has come, whoever they are assigned to; at most 500, says how many."""
    due = (_ASLEEP, CONVERSATION.c.snoozed_until <= tx.now)
    found = await tx.rows(
        select(CONVERSATION.c.id, CONVERSATION.c.workspace_id)
        .where(*due)
        .order_by(CONVERSATION.c.snoozed_until)
        .limit(BATCH)
    )
    workspaces = {row.workspace_id for row in found}
    await tx.lock(*workspaces)
    await tx.run(update(WORKSPACE).where(WORKSPACE.c.id.in_(workspaces)).values(revision=WORKSPACE.c.revision + 1))
    return await tx.run(
        update(CONVERSATION)
        .where(CONVERSATION.c.id.in_([row.id for row in found]), *due)
        .values(
            status=ConversationStatus.OPEN,
            snoozed_until=None,
            updated_at=tx.now,
            woken=select(WORKSPACE.c.revision).where(WORKSPACE.c.id == CONVERSATION.c.workspace_id).scalar_subquery(),
        )
    )


async def workspaces_with_expired_sessions(reader: Reader) -> list[UUID]:
    """Where expire_sessions() has something to do."""
    rows = await reader.rows(
        select(SESSION.c.workspace_id)
        .where(SESSION.c.ended_at.is_(None), SESSION.c.expires_at <= now())
        .distinct()
        .limit(BATCH)
    )
    return [row.workspace_id for row in rows]


async def expire_sessions(tx: Tx, workspace_id: UUID) -> int:
    """End the sessions of a workspace whose time is over, with reason EXPIRED; says how many."""
    await tx.lock(workspace_id)
    due = (
        select(SESSION.c.id)
        .where(SESSION.c.ended_at.is_(None), SESSION.c.expires_at <= tx.now, SESSION.c.workspace_id == workspace_id)
        .limit(BATCH)
    )
    return await end_sessions(tx, SESSION.c.id.in_(due), reason=RevocationReason.EXPIRED)


async def prune(tx: Tx, retention: timedelta) -> None:
    """Forget events and ended sessions older than `retention`, and links that have expired.

    Each workspace remembers the last position pruned, so that a cursor from before it is told apart.
    """
    oldest = tx.now - retention
    concerned = await tx.rows(select(EVENT.c.workspace_id).where(EVENT.c.occurred_at < oldest).distinct())
    await tx.lock(*(row.workspace_id for row in concerned))
    ends = await tx.rows(
        select(EVENT.c.workspace_id, func.max(EVENT.c.position).label("last"))
        .where(EVENT.c.occurred_at < oldest, EVENT.c.workspace_id.in_([row.workspace_id for row in concerned]))
        .group_by(EVENT.c.workspace_id)
    )
    for end in ends:
        await tx.run(delete(EVENT).where(EVENT.c.workspace_id == end.workspace_id, EVENT.c.position <= end.last))
        await tx.run(update(WORKSPACE).where(WORKSPACE.c.id == end.workspace_id).values(pruned_position=end.last))
    await tx.run(delete(SESSION).where(SESSION.c.ended_at < oldest))
    await tx.run(delete(LINK).where(LINK.c.expires_at <= tx.now))


async def next_due(reader: Reader) -> datetime | None:
    """When something is next due: a snooze, a session, a departure or return, a deletion; None if nothing is."""
    times = [
        await reader.scalar(
            select(CONVERSATION.c.snoozed_until).where(_ASLEEP).order_by(CONVERSATION.c.snoozed_until).limit(1)
        ),
        await reader.scalar(select(func.min(SESSION.c.expires_at)).where(SESSION.c.ended_at.is_(None))),
        await reader.scalar(select(func.min(DEPARTURE.c.due_at))),
        await reader.scalar(select(func.min(ANNOUNCED.c.delete_at))),
    ]
    return min((time for time in times if time is not None), default=None)
