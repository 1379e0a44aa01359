"""Deleting a user: the account and the membership go, the work stays and reads "Deleted user"."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, exists, func, or_, select, update

from models import events
from models.database import WORKSPACE, Tx, table
from models.enums import (
    AuditAction,
    DeletionReason,
    ErrorCode,
    EventKind,
    RevocationReason,
    UserChangeKind,
    UserStatus,
)
from models.log import AuditEntry
from models.people import AccessToken, Account, Actor, User
from models.types import NEVER
from models.work import BulkOperation, CsatResponse, Note
from resolvers import audit, authority
from resolvers.errors import Refused, refuse
from resolvers.handover import release_work_of
from resolvers.holds import check_hold
from resolvers.members import Member, find_member, is_sole_owner
from resolvers.sessions import SESSION, end_sessions
from resolvers.viewer import Viewer, enter, require

ACCOUNT = table(Account)
ACTOR = table(Actor)
EVENT = events.EVENT
USER = table(User)

_TRACES = (
    table(Note).c.author_id,
    table(AuditEntry).c.actor_id,
    table(CsatResponse).c.handled_by_id,
    table(BulkOperation).c.started_by_id,
    table(AccessToken).c.created_by_id,
)


async def delete_user(tx: Tx, viewer: Viewer, *, user_id: UUID, confirmation: str, reason: DeletionReason) -> UUID:
    """Delete a user for good. Sessions end with USER_DELETED, assigned work reads as Unassigned.

    That takes no longer for who had or wrote much: an operation moves the work afterwards.
    Repeating it while the deletion is still in the event feed succeeds and changes nothing. Raises Forbidden; refuses
    with NOT_FOUND, OWNER_REQUIRED, SOLE_OWNER, LEGAL_HOLD, CONFIRMATION_MISMATCH, ACCOUNT_IN_USE or RETENTION_PERIOD.
    """
    viewer = await enter(tx, viewer)
    require(viewer.is_admin)
    if await _was_deleted(tx, viewer.workspace_id, user_id):
        return user_id
    member = await find_member(tx, viewer.workspace_id, user_id)
    authority.act_on(viewer, member.roles)
    if reason is DeletionReason.PRIVACY_REQUEST and not viewer.is_owner:
        raise Refused(authority.OWNER_REQUIRED)
    if await is_sole_owner(tx, member):
        raise Refused(authority.SOLE_OWNER)
    await check_hold(tx, member)
    if confirmation.strip().lower() != member.user.email:
        raise refuse(
            ErrorCode.CONFIRMATION_MISMATCH, "Type the user's email address to confirm the deletion.", "confirmation"
        )
    if reason is DeletionReason.CREATED_IN_ERROR:
        await _check_unused(tx, member)
    if reason is DeletionReason.OFFBOARDED:
        await _check_retention(tx, member)
    await erase(tx, viewer, member, reason)
    return user_id


async def _was_deleted(tx: Tx, workspace_id: UUID, user_id: UUID) -> bool:
    return bool(
        await tx.scalar(
            select(
                exists().where(
                    EVENT.c.workspace_id == workspace_id,
                    EVENT.c.kind == EventKind.USER_CHANGED,
                    EVENT.c.change == UserChangeKind.DELETED,
                    EVENT.c.user_id == user_id,
                )
            )
        )
    )


async def _check_unused(tx: Tx, member: Member) -> None:
    left = [
        exists().where(trace == member.actor.id, trace.table.c.workspace_id == member.user.workspace_id)
        for trace in _TRACES
    ]
    wrote = await tx.scalar(select(or_(*left)))
    if wrote or member.user.last_signed_in_at != NEVER:
        raise refuse(
            ErrorCode.ACCOUNT_IN_USE,
            "This account has been used, so it was not created in error. Deactivate it instead; once the retention "
            "period is over it can be deleted as OFFBOARDED.",
            "reason",
        )


async def _check_retention(tx: Tx, member: Member) -> None:
    user = member.user
    days = await tx.scalar(select(WORKSPACE.c.retention_days).where(WORKSPACE.c.id == user.workspace_id))
    inactive = user.status is UserStatus.INACTIVE and user.deactivated_at is not None
    due = (user.deactivated_at or tx.now) + timedelta(days=days)
    if inactive and due <= tx.now:
        return
    first = "" if inactive else "Deactivate the user first. "
    raise refuse(
        ErrorCode.RETENTION_PERIOD,
        f"{first}This workspace keeps a deactivated user's record for {days} days: "
        f"it can be deleted from {due:%Y-%m-%d %H:%M} UTC on.",
        "reason",
    )


async def erase(tx: Tx, viewer: Viewer, member: Member, reason: DeletionReason) -> None:
    """Delete a user, inside a verb that has checked that it may."""
    user, actor_id = member.user, member.actor.id
    await tx.hold(Account, id=user.account_id)
    ended = await end_sessions(tx, SESSION.c.user_id == user.id, reason=RevocationReason.USER_DELETED)
    await tx.run(update(ACTOR).where(ACTOR.c.id == actor_id).values(user_id=None, reference=uuid4()))
    await tx.run(delete(USER).where(USER.c.id == user.id))
    others = await tx.scalar(select(func.count()).select_from(USER).where(USER.c.account_id == user.account_id))
    if not others:
        await tx.run(delete(ACCOUNT).where(ACCOUNT.c.id == user.account_id))
    await events.append(tx, user.workspace_id, [events.user_changed(user.id, UserChangeKind.DELETED)])
    await audit.record(
        tx,
        user.workspace_id,
        AuditAction.USER_DELETED,
        actor_id=viewer.actor_id,
        target_id=actor_id,
        reason=reason,
        sessions=ended,
    )
    await release_work_of(tx, user.workspace_id, actor_id)
    tx.erased = True
