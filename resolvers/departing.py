"""What becomes of a scheduled departure at its time: the user leaves, and comes back if a return was planned.

It is done by the system, in the name of who scheduled it. That one's right was checked then, and need not last: a
planned departure stands until somebody calls it off. What protects the workspace is checked at its time, under the
lock.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from models import events
from models.database import Reader, Tx, table
from models.enums import AuditAction, ErrorCode, NoticeKind, UserChangeKind, UserStatus
from models.leaving import ScheduledDeparture
from models.people import Actor
from models.types import now
from resolvers import audit
from resolvers.departures import DEPARTURE, call_off, close
from resolvers.errors import Refused, not_found
from resolvers.handover import hand_over_work_of
from resolvers.lifecycle import let_in, shut_out
from resolvers.members import USER, Member, is_sole_owner, load_member
from resolvers.notices import tell_owners
from resolvers.system import enter_as_system
from resolvers.targets import Target
from resolvers.tokens import revoke_tokens_created_by
from resolvers.viewer import Viewer

ACTOR = table(Actor)

BATCH = 500
TRY_AGAIN = timedelta(days=1)


class DueDeparture(NamedTuple):
    """A departure about which something is to be done now."""

    id: UUID
    workspace_id: UUID


async def due_departures(reader: Reader) -> list[DueDeparture]:
    """The departures and returns whose time has come, in the order of their times; at most 500."""
    rows = await reader.rows(
        select(DEPARTURE.c.id, DEPARTURE.c.workspace_id)
        .where(DEPARTURE.c.due_at <= now())
        .order_by(DEPARTURE.c.due_at, DEPARTURE.c.id)
        .limit(BATCH)
    )
    return [DueDeparture(row.id, row.workspace_id) for row in rows]


async def carry_out(tx: Tx, due: DueDeparture) -> None:
    """Let a user leave or return whose time has come; nothing if that was done, changed or called off meanwhile.

    A sole owner stays: the owners are told by mail, and it is tried again daily. With a hand-over that cannot be done
    the user leaves all the same, and the owners are told.
    """
    system = await enter_as_system(tx, due.workspace_id)
    departure = await tx.get(ScheduledDeparture, id=due.id)
    if departure is None or departure.due_at > tx.now:
        return
    member = await load_member(tx, USER.c.id == departure.user_id)
    assert member is not None
    expected = UserStatus.ACTIVE if departure.departed_at is None else UserStatus.INACTIVE
    if member.user.status is not expected or _is_past(tx, departure):
        await call_off(tx, system, member)
    elif departure.departed_at is not None:
        await let_in(tx, system, member, onBehalfOf=str(departure.scheduled_by_id))
        await close(tx, departure)
    elif await is_sole_owner(tx, member):
        await _put_off(tx, system, member, departure)
    else:
        await _leave(tx, system, member, departure)


def _is_past(tx: Tx, departure: ScheduledDeparture) -> bool:
    """It could not be done until the time at which the user was to be back."""
    return departure.failure_code is not None and departure.return_at is not None and departure.return_at <= tx.now


async def _leave(tx: Tx, system: Viewer, member: Member, departure: ScheduledDeparture) -> None:
    behalf = {"onBehalfOf": str(departure.scheduled_by_id)}
    await shut_out(tx, system, member, departure.reason, departure.note, **behalf)
    if departure.revoke_access_tokens:
        await revoke_tokens_created_by(tx, system, member.actor.id)
    if departure.hand_over_to is not None:
        await _hand_over(tx, system, member, departure)
    if departure.return_at is None:
        await close(tx, departure)
        return
    departure.departed_at = tx.now
    departure.due_at = departure.return_at
    departure.failure_code = None
    await tx.add(departure)


async def _put_off(tx: Tx, system: Viewer, member: Member, departure: ScheduledDeparture) -> None:
    departure.failure_code = ErrorCode.SOLE_OWNER
    departure.due_at = tx.now + TRY_AGAIN
    await tx.add(departure)
    await _tell(tx, system, member, departure, ErrorCode.SOLE_OWNER, AuditAction.DEPARTURE_FAILED)
    await events.append(tx, system.workspace_id, [events.user_changed(member.user.id, UserChangeKind.PLANS_CHANGED)])


async def _hand_over(tx: Tx, system: Viewer, member: Member, departure: ScheduledDeparture) -> None:
    try:
        await hand_over_work_of(tx, system, member, await _target(tx, departure), even_nothing=True)
    except Refused as refused:
        code = refused.refusals[0].code
        await _tell(tx, system, member, departure, code, AuditAction.HAND_OVER_FAILED)


async def _target(tx: Tx, departure: ScheduledDeparture) -> Target:
    """To whom the work was to go. Refuses with NOT_FOUND if somebody of them was deleted since."""
    wanted = [UUID(text) for text in departure.hand_over_to or []]
    rows = await tx.rows(
        select(ACTOR.c.id, ACTOR.c.user_id).where(ACTOR.c.id.in_(wanted), ACTOR.c.user_id.is_not(None))
    )
    known = {row.id: row.user_id for row in rows}
    if not known.keys() >= set(wanted):
        raise not_found("user", "handOver")
    return Target(tuple(known[actor_id] for actor_id in wanted), ("handOver",))


_NOTICES = {
    AuditAction.DEPARTURE_FAILED: NoticeKind.DEPARTURE_FAILED,
    AuditAction.HAND_OVER_FAILED: NoticeKind.HAND_OVER_FAILED,
}


async def _tell(
    tx: Tx, system: Viewer, member: Member, departure: ScheduledDeparture, code: ErrorCode, what: AuditAction
) -> None:
    """Say in the audit log and to the owners what could not be done."""
    behalf = str(departure.scheduled_by_id)
    await audit.record(
        tx,
        system.workspace_id,
        what,
        actor_id=system.actor_id,
        target_id=member.actor.id,
        reason=code,
        onBehalfOf=behalf,
    )
    await tell_owners(
        tx,
        system.workspace_id,
        _NOTICES[what],
        code=code,
        whose=str(member.actor.id),
        scheduledBy=behalf,
        at=departure.at.isoformat(),
        to=departure.hand_over_to or [],
    )
