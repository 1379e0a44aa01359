"""Deleting who has been inactive for long, where a workspace has asked for it (Workspace.deleteAfterDays).

Nobody is deleted whom the owners were not told of seven days before: an announcement is a row with the day of the
deletion, written with the mail that says so. Whatever makes that day wrong (a reactivation, a legal hold, another
setting) deletes the row, and what is still due then is announced anew.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, delete, exists, insert, select

from models import events
from models.database import WORKSPACE, Reader, Tx, table
from models.enums import AuditAction, DeletionReason, NoticeKind, UserChangeKind, UserStatus
from models.leaving import AnnouncedDeletion, LegalHold
from models.people import Actor, User
from models.types import now
from resolvers import audit
from resolvers.deletion import erase
from resolvers.members import load_member
from resolvers.notices import tell_owners
from resolvers.system import enter_as_system

ACTOR = table(Actor)
ANNOUNCED = table(AnnouncedDeletion)
HOLD = table(LegalHold)
USER = table(User)

BATCH = 200
NOTICE_PERIOD = timedelta(days=7)
IN_ONE_MAIL = timedelta(days=1)
"""Who comes due within a day of the first is announced with it, so that owners get one mail and not many."""


class DueDeletion(NamedTuple):
    """A user whose announced deletion is due."""

    user_id: UUID
    workspace_id: UUID


async def workspaces_that_delete(reader: Reader) -> list[UUID]:
    """Where inactive users are deleted by themselves."""
    rows = await reader.rows(select(WORKSPACE.c.id).where(WORKSPACE.c.delete_after_days.is_not(None)))
    return [row.id for row in rows]


async def announce_deletions(tx: Tx, workspace_id: UUID) -> int:
    """Announce to the owners whom the workspace deletes in seven days, at most 200; says how many."""
    system = await enter_as_system(tx, workspace_id)
    kept = await _kept(tx, workspace_id)
    if kept is None:
        return 0
    last_day = tx.now + NOTICE_PERIOD - kept
    found = await _unannounced(tx, workspace_id, last_day + IN_ONE_MAIL)
    if not found or found[0].deactivated_at > last_day:
        return 0
    days = {row.actor_id: max(row.deactivated_at + kept, tx.now + NOTICE_PERIOD) for row in found}
    await tx.run(
        insert(ANNOUNCED),
        [
            {
                "user_id": row.id,
                "workspace_id": workspace_id,
                "announced_at": tx.now,
                "delete_at": days[row.actor_id],
            }
            for row in found
        ],
    )
    for row in found:
        await audit.record(
            tx,
            workspace_id,
            AuditAction.DELETION_ANNOUNCED,
            actor_id=system.actor_id,
            target_id=row.actor_id,
            at=days[row.actor_id].isoformat(),
        )
    await events.append(tx, workspace_id, [events.user_changed(row.id, UserChangeKind.PLANS_CHANGED) for row in found])
    people = {str(actor_id): day.isoformat() for actor_id, day in days.items()}
    await tell_owners(tx, workspace_id, NoticeKind.DELETION_ANNOUNCED, people=people)
    return len(found)


async def _kept(tx: Tx, workspace_id: UUID) -> timedelta | None:
    """For how long the workspace keeps an inactive user; None for ever."""
    settings = await tx.row(
        select(WORKSPACE.c.delete_after_days, WORKSPACE.c.retention_days).where(WORKSPACE.c.id == workspace_id)
    )
    if settings is None or settings.delete_after_days is None:
        return None
    return timedelta(days=max(settings.delete_after_days, settings.retention_days))


async def _unannounced(tx: Tx, workspace_id: UUID, until: datetime) -> Sequence[Row[Any]]:
    return await tx.rows(
        select(USER.c.id, ACTOR.c.id.label("actor_id"), USER.c.deactivated_at)
        .join(ACTOR, ACTOR.c.user_id == USER.c.id)
        .where(
            USER.c.workspace_id == workspace_id,
            USER.c.deactivated_at <= until,
            USER.c.status == UserStatus.INACTIVE,
            ~exists().where(ANNOUNCED.c.user_id == USER.c.id),
            ~exists().where(HOLD.c.user_id == USER.c.id),
        )
        .order_by(USER.c.deactivated_at, USER.c.id)
        .limit(BATCH)
    )


async def due_deletions(reader: Reader) -> list[DueDeletion]:
    """Whose announced deletion is due, in the order of their times; at most 200."""
    rows = await reader.rows(
        select(ANNOUNCED.c.user_id, ANNOUNCED.c.workspace_id)
        .where(ANNOUNCED.c.delete_at <= now())
        .order_by(ANNOUNCED.c.delete_at, ANNOUNCED.c.user_id)
        .limit(BATCH)
    )
    return [DueDeletion(row.user_id, row.workspace_id) for row in rows]


async def delete_announced(tx: Tx, due: DueDeletion) -> None:
    """Delete a user whose announced time has come, as OFFBOARDED; nothing if that is not right any more."""
    system = await enter_as_system(tx, due.workspace_id)
    announced = await tx.run(
        delete(ANNOUNCED).where(ANNOUNCED.c.user_id == due.user_id, ANNOUNCED.c.delete_at <= tx.now)
    )
    kept = await _kept(tx, due.workspace_id)
    if not announced or kept is None:
        return
    member = await load_member(
        tx,
        USER.c.id == due.user_id,
        USER.c.status == UserStatus.INACTIVE,
        USER.c.deactivated_at <= tx.now - kept,
        ~exists().where(HOLD.c.user_id == USER.c.id),
    )
    if member is not None:
        await erase(tx, system, member, DeletionReason.OFFBOARDED)
