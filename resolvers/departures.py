"""Departures with a date: scheduling and cancelling them. What becomes of them at their time: resolvers.departing."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from models import events
from models.database import Tx, table
from models.enums import AuditAction, DeactivationReason, ErrorCode, UserChangeKind, UserStatus
from models.leaving import ScheduledDeparture
from resolvers import audit, authority
from resolvers.errors import Refused, refuse
from resolvers.members import Member, find_member, is_sole_owner
from resolvers.targets import Target, resolve_target
from resolvers.texts import optional_text
from resolvers.viewer import Viewer, enter, require

DEPARTURE = table(ScheduledDeparture)

FARTHEST = timedelta(days=3653)
"""Ten years: what is farther away is a slip of the keyboard."""


async def schedule_departure(
    tx: Tx,
    viewer: Viewer,
    *,
    user_id: UUID,
    at: datetime,
    reason: DeactivationReason = DeactivationReason.OTHER,
    note: str | None = None,
    hand_over: Target | None = None,
    revoke_access_tokens: bool = False,
    return_at: datetime | None = None,
) -> UUID:
    """Plan what deactivate_user() does for a time to come, and perhaps a return; answers with the departure's id.

    Whoever may deactivate the user now may do this, and what would refuse that now refuses this. A user has one pending
    departure: scheduling again replaces it, and the same again changes nothing. Of somebody who has departed and is to
    return, only the return can still be changed: `at` must be what it was.

    Raises Forbidden; refuses with NOT_FOUND, OWNER_REQUIRED, SOLE_OWNER, USER_INACTIVE, ASSIGNEE_INACTIVE or
    INVALID_INPUT.
    """
    viewer = await enter(tx, viewer)
    require(viewer.manages_users)
    require(hand_over is None or viewer.writes_inbox, "Handing work over needs the INBOX_WRITE scope.")
    member = await find_member(tx, viewer.workspace_id, user_id)
    if found := authority.blockers(viewer, member.roles, is_sole_owner=await is_sole_owner(tx, member)):
        raise Refused(*found)
    plan = {
        "at": at,
        "return_at": return_at,
        "reason": reason,
        "note": optional_text(note, "note"),
        "hand_over_to": None if hand_over is None else list(map(str, await resolve_target(tx, viewer, hand_over))),
        "revoke_access_tokens": revoke_access_tokens,
    }
    pending = await pending_departure(tx, user_id)
    if pending is not None and _says(pending, plan):
        return pending.id
    if pending is not None and pending.departed_at is not None:
        return await _change_return(tx, viewer, member, pending, at, return_at)
    if member.user.status is UserStatus.INACTIVE:
        raise refuse(ErrorCode.USER_INACTIVE, "This user is inactive already. Reactivate the user first.", "userId")
    _check_times(tx, at, return_at)
    return await _write(tx, viewer, member, pending, plan)


def _says(departure: ScheduledDeparture, plan: dict[str, Any]) -> bool:
    return all(getattr(departure, column) == value for column, value in plan.items())


def _check_times(tx: Tx, at: datetime, return_at: datetime | None) -> None:
    if at <= tx.now:
        raise refuse(ErrorCode.INVALID_INPUT, "`at` must be in the future. To do it now, use deactivateUser.", "at")
    if at > tx.now + FARTHEST:
        raise refuse(ErrorCode.INVALID_INPUT, "`at` must be within ten years from now.", "at")
    _check_return(tx, at, return_at)


def _check_return(tx: Tx, after: datetime, return_at: datetime | None) -> None:
    if return_at is None:
        return
    if return_at <= after:
        raise refuse(ErrorCode.INVALID_INPUT, "`returnAt` must be later than `at`, and in the future.", "returnAt")
    if return_at > tx.now + FARTHEST:
        raise refuse(ErrorCode.INVALID_INPUT, "`returnAt` must be within ten years from now.", "returnAt")


async def _write(
    tx: Tx, viewer: Viewer, member: Member, pending: ScheduledDeparture | None, plan: dict[str, Any]
) -> UUID:
    departure = pending or ScheduledDeparture(workspace_id=viewer.workspace_id, user_id=member.user.id, **plan)
    departure.sqlmodel_update(plan)
    departure.scheduled_by_id = viewer.actor_id
    departure.scheduled_at = tx.now
    departure.due_at = departure.at
    departure.failure_code = None
    await tx.add(departure)
    await _record(tx, viewer, member, AuditAction.DEPARTURE_SCHEDULED, departure)
    return departure.id


async def _change_return(
    tx: Tx,
    viewer: Viewer,
    member: Member,
    departure: ScheduledDeparture,
    at: datetime,
    return_at: datetime | None,
) -> UUID:
    if at != departure.at or return_at is None:
        raise refuse(
            ErrorCode.USER_INACTIVE,
            "This user has departed already: only `returnAt` can still be changed, with the same `at` as before. "
            "To call the return off, use cancelDeparture.",
            "at",
        )
    _check_return(tx, tx.now, return_at)
    departure.return_at = departure.due_at = return_at
    departure.scheduled_by_id = viewer.actor_id
    departure.scheduled_at = tx.now
    await tx.add(departure)
    await _record(tx, viewer, member, AuditAction.DEPARTURE_SCHEDULED, departure)
    return departure.id


async def cancel_departure(tx: Tx, viewer: Viewer, *, user_id: UUID) -> UUID:
    """Call a pending departure off; of somebody who has departed, the return. Without one, nothing changes.

    Raises Forbidden; refuses with NOT_FOUND or OWNER_REQUIRED.
    """
    viewer = await enter(tx, viewer)
    require(viewer.manages_users)
    member = await find_member(tx, viewer.workspace_id, user_id)
    authority.act_on(viewer, member.roles)
    await call_off(tx, viewer, member)
    return user_id


async def call_off(tx: Tx, viewer: Viewer, member: Member) -> None:
    """Forget a user's pending departure, if there is one, inside a verb that has decided so by its own means."""
    departure = await pending_departure(tx, member.user.id)
    if departure is not None:
        await close(tx, departure)
        await _record(tx, viewer, member, AuditAction.DEPARTURE_CANCELLED, departure)


async def close(tx: Tx, departure: ScheduledDeparture) -> None:
    """A departure is over: its row goes."""
    await tx.run(delete(DEPARTURE).where(DEPARTURE.c.id == departure.id))


async def pending_departure(tx: Tx, user_id: UUID) -> ScheduledDeparture | None:
    """A user's pending departure, to be changed."""
    return await tx.get(ScheduledDeparture, user_id=user_id)


async def _record(tx: Tx, viewer: Viewer, member: Member, action: AuditAction, departure: ScheduledDeparture) -> None:
    times = {"at": departure.at, "returnAt": departure.return_at}
    if departure.departed_at is not None:
        del times["at"]
    await audit.record(
        tx,
        viewer.workspace_id,
        action,
        actor_id=viewer.actor_id,
        target_id=member.actor.id,
        **{name: moment.isoformat() for name, moment in times.items() if moment is not None},
    )
    await events.append(tx, viewer.workspace_id, [events.user_changed(member.user.id, UserChangeKind.PLANS_CHANGED)])
