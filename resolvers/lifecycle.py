"""Deactivating and reactivating a user."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from models import events
from models.database import Tx, table
from models.enums import AuditAction, DeactivationReason, RevocationReason, UserChangeKind, UserStatus
from models.leaving import AnnouncedDeletion
from models.people import MailedLink
from resolvers import audit, authority, departures
from resolvers.errors import Refused
from resolvers.handover import hand_over_work_of
from resolvers.members import Member, find_member, is_sole_owner
from resolvers.sessions import SESSION, end_sessions
from resolvers.targets import Target
from resolvers.texts import optional_text
from resolvers.tokens import revoke_tokens_created_by
from resolvers.viewer import Viewer, enter, require

ANNOUNCED = table(AnnouncedDeletion)
LINK = table(MailedLink)


@dataclass(frozen=True, slots=True)
class Deactivated:
    """What deactivate_user() did: how many sessions ended, and the hand-over if one was asked for."""

    user_id: UUID
    revoked_sessions: int
    operation_id: UUID | None


async def deactivate_user(
    tx: Tx,
    viewer: Viewer,
    *,
    user_id: UUID,
    reason: DeactivationReason = DeactivationReason.OTHER,
    note: str | None = None,
    hand_over: Target | None = None,
    revoke_access_tokens: bool = False,
) -> Deactivated:
    """Shut a user out at once; history, roles, teams and assignments stay.

    A departure that was scheduled is called off, and a return with it: who is deactivated by hand stays out. Every
    session ends, invitations and reset links are void. On request the unfinished work is handed over and the
    access tokens that the user created are revoked. On an inactive user only these two are done, for what is left: no
    operation then tells of a hand-over of nothing.

    Raises Forbidden; refuses with NOT_FOUND, OWNER_REQUIRED, SOLE_OWNER, ASSIGNEE_INACTIVE or INVALID_INPUT.
    """
    viewer = await enter(tx, viewer)
    require(viewer.manages_users)
    require(hand_over is None or viewer.writes_inbox, "Handing work over needs the INBOX_WRITE scope.")
    member = await find_member(tx, viewer.workspace_id, user_id)
    if found := authority.blockers(viewer, member.roles, is_sole_owner=await is_sole_owner(tx, member)):
        raise Refused(*found)
    note = optional_text(note, "note")
    was_active = member.user.status is UserStatus.ACTIVE
    ended = 0
    if was_active:
        await departures.call_off(tx, viewer, member)
        ended = await shut_out(tx, viewer, member, reason, note)
    if revoke_access_tokens:
        await revoke_tokens_created_by(tx, viewer, member.actor.id)
    operation_id = None
    if hand_over is not None:
        operation_id = await hand_over_work_of(tx, viewer, member, hand_over, even_nothing=was_active)
    return Deactivated(user_id, ended, operation_id)


async def shut_out(
    tx: Tx, viewer: Viewer, member: Member, reason: DeactivationReason, note: str | None, **details: Any
) -> int:
    """Make an active user inactive, inside a verb that may; says how many sessions ended. `details` are the entry's."""
    user = member.user
    user.status = UserStatus.INACTIVE
    user.epoch += 1
    user.deactivated_at = tx.now
    user.deactivated_by_id = viewer.actor_id
    user.deactivation_reason = reason
    user.deactivation_note = note
    await tx.add(user)
    await tx.run(delete(LINK).where(LINK.c.user_id == user.id))
    ended = await end_sessions(tx, SESSION.c.user_id == user.id, reason=RevocationReason.USER_DEACTIVATED)
    await events.append(tx, viewer.workspace_id, [events.user_changed(user.id, UserChangeKind.DEACTIVATED)])
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.USER_DEACTIVATED,
        actor_id=viewer.actor_id,
        target_id=member.actor.id,
        reason=reason,
        sessions=ended,
        **details,
    )
    return ended


async def reactivate_user(tx: Tx, viewer: Viewer, *, user_id: UUID) -> UUID:
    """Let a user in again, with the password, roles and teams of before; sessions of before stay dead.

    A return that was scheduled is called off: it is done. An active user stays as it is. Raises Forbidden; refuses with
    NOT_FOUND or OWNER_REQUIRED.
    """
    viewer = await enter(tx, viewer)
    require(viewer.manages_users)
    member = await find_member(tx, viewer.workspace_id, user_id)
    authority.act_on(viewer, member.roles)
    if member.user.status is UserStatus.INACTIVE:
        await departures.call_off(tx, viewer, member)
        await let_in(tx, viewer, member)
    return user_id


async def let_in(tx: Tx, viewer: Viewer, member: Member, **details: Any) -> None:
    """Make an inactive user active, inside a verb that may. `details` are the entry's."""
    user = member.user
    user.status = UserStatus.ACTIVE
    user.deactivated_at = user.deactivated_by_id = user.deactivation_reason = user.deactivation_note = None
    await tx.add(user)
    await tx.run(delete(ANNOUNCED).where(ANNOUNCED.c.user_id == user.id))
    await events.append(tx, viewer.workspace_id, [events.user_changed(user.id, UserChangeKind.REACTIVATED)])
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.USER_REACTIVATED,
        actor_id=viewer.actor_id,
        target_id=member.actor.id,
        **details,
    )
