"""Legal holds: while one is on a user, nobody deletes that user, on whatever ground."""

from uuid import UUID

from sqlalchemy import delete

from models import events
from models.database import Tx, table
from models.enums import AuditAction, ErrorCode, UserChangeKind
from models.leaving import AnnouncedDeletion, LegalHold
from resolvers import audit, authority
from resolvers.errors import refuse
from resolvers.members import Member, find_member
from resolvers.texts import LONGEST_TEXT, required_text
from resolvers.viewer import Viewer, enter, require

ANNOUNCED = table(AnnouncedDeletion)
HOLD = table(LegalHold)


async def place_legal_hold(tx: Tx, viewer: Viewer, *, user_id: UUID, note: str) -> UUID:
    """Keep a user from being deleted, for a reason, until the hold is lifted. Who is held already stays so, unchanged.

    For whoever may delete the user. Raises Forbidden; refuses with NOT_FOUND, OWNER_REQUIRED or INVALID_INPUT.
    """
    viewer, member = await _enter(tx, viewer, user_id)
    note = required_text(note, "note", LONGEST_TEXT)
    if await tx.get(LegalHold, user_id=user_id) is not None:
        return user_id
    await tx.add(
        LegalHold(
            user_id=user_id,
            workspace_id=viewer.workspace_id,
            placed_by_id=viewer.actor_id,
            placed_at=tx.now,
            note=note,
        )
    )
    await tx.run(delete(ANNOUNCED).where(ANNOUNCED.c.user_id == user_id))
    await _record(tx, viewer, member, AuditAction.LEGAL_HOLD_PLACED)
    return user_id


async def lift_legal_hold(tx: Tx, viewer: Viewer, *, user_id: UUID) -> UUID:
    """Let a user be deleted again. Without a hold, nothing changes.

    For whoever may delete the user. Raises Forbidden; refuses with NOT_FOUND or OWNER_REQUIRED.
    """
    viewer, member = await _enter(tx, viewer, user_id)
    if await tx.run(delete(HOLD).where(HOLD.c.user_id == user_id)):
        await _record(tx, viewer, member, AuditAction.LEGAL_HOLD_LIFTED)
    return user_id


async def check_hold(tx: Tx, member: Member) -> None:
    """Refuse with LEGAL_HOLD while a user must not be deleted."""
    hold = await tx.get(LegalHold, user_id=member.user.id)
    if hold is not None:
        raise refuse(
            ErrorCode.LEGAL_HOLD,
            f"This user is under a legal hold since {hold.placed_at:%Y-%m-%d}. It must be lifted before the deletion.",
            "userId",
        )


async def _enter(tx: Tx, viewer: Viewer, user_id: UUID) -> tuple[Viewer, Member]:
    viewer = await enter(tx, viewer)
    require(viewer.is_admin)
    member = await find_member(tx, viewer.workspace_id, user_id)
    authority.act_on(viewer, member.roles)
    return viewer, member


async def _record(tx: Tx, viewer: Viewer, member: Member, action: AuditAction) -> None:
    await audit.record(tx, viewer.workspace_id, action, actor_id=viewer.actor_id, target_id=member.actor.id)
    await events.append(tx, viewer.workspace_id, [events.user_changed(member.user.id, UserChangeKind.PLANS_CHANGED)])
