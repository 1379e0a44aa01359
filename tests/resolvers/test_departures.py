"""Planning departures: who may, what is refused, what replaces what, and what calls a plan off."""

from datetime import timedelta
from typing import Any

import pytest

from models.enums import AuditAction, DeactivationReason, DeletionReason, ErrorCode, Role, UserChangeKind, UserStatus
from models.leaving import ScheduledDeparture
from models.people import User
from models.types import NOBODY
from resolvers.deletion import delete_user
from resolvers.departures import FARTHEST, cancel_departure, schedule_departure
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.provisioning import secure_restored
from resolvers.targets import Target
from tests.records import audit_rows, call, event_rows, refused, unchanged
from tests.resolvers.leaving import carry_out_due, in_days, pass_time, pending, schedule
from tests.workshop import Person, Workshop

A = AuditAction


async def test_a_plan_is_kept_recorded_and_told(workshop: Workshop, ana: Person) -> None:
    bob, at, back = await workshop.person("Bob", Role.AGENT), in_days(3), in_days(10)
    words = {
        "at": at,
        "return_at": back,
        "reason": DeactivationReason.EXTENDED_LEAVE,
        "note": " Parental leave ",
        "hand_over": Target((bob.id, workshop.olivia.id)),
        "revoke_access_tokens": True,
    }
    departure_id = await schedule(workshop, ana, **words)
    plan = await pending(workshop, ana)
    assert (plan.id, plan.at, plan.return_at, plan.due_at) == (departure_id, at, back, at)
    assert (plan.reason, plan.note) == (DeactivationReason.EXTENDED_LEAVE, "Parental leave")
    assert plan.hand_over_to == [str(bob.actor_id), str(workshop.olivia.actor_id)]
    assert (plan.revoke_access_tokens, plan.scheduled_by_id) == (True, workshop.olivia.actor_id)
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.target_id) == (A.DEPARTURE_SCHEDULED, ana.actor_id)
    assert entry.details == {"at": at.isoformat(), "returnAt": back.isoformat()}
    assert [row.change for row in await event_rows(workshop)] == [UserChangeKind.PLANS_CHANGED]
    assert (await workshop.load(User, id=ana.id)).status is UserStatus.ACTIVE
    await unchanged(workshop, schedule_departure, workshop.olivia, user_id=ana.id, **words)


async def test_scheduling_again_replaces_the_plan(workshop: Workshop, ana: Person) -> None:
    adam = await workshop.person("Adam", Role.ADMIN)
    await workshop.sign_in(adam)
    first = await schedule(workshop, ana, at=in_days(1), note="Soon", hand_over=Target(()))
    later = in_days(5)
    assert await schedule(workshop, ana, adam, at=later) == first
    plan = await pending(workshop, ana)
    assert (plan.at, plan.due_at, plan.note, plan.hand_over_to) == (later, later, None, None)
    assert plan.scheduled_by_id == adam.actor_id
    assert await workshop.count(ScheduledDeparture) == 1


async def test_a_repeated_request_succeeds_even_when_its_time_has_come(workshop: Workshop, ana: Person) -> None:
    await schedule(workshop, ana)
    await pass_time(workshop, days=2)
    past = (await pending(workshop, ana)).at
    await unchanged(workshop, schedule_departure, workshop.olivia, user_id=ana.id, at=past)


@pytest.mark.parametrize(
    ("at", "return_at", "field"),
    [
        (timedelta(0), None, "at"),
        (timedelta(days=-1), None, "at"),
        (FARTHEST + timedelta(days=1), None, "at"),
        (timedelta(days=2), timedelta(days=2), "returnAt"),
        (timedelta(days=2), timedelta(days=1), "returnAt"),
        (timedelta(days=2), FARTHEST + timedelta(days=1), "returnAt"),
    ],
)
async def test_times_that_cannot_be_meant(
    workshop: Workshop, ana: Person, at: timedelta, return_at: timedelta | None, field: str
) -> None:
    start = in_days(0)
    refusal = await refused(
        workshop,
        schedule_departure,
        workshop.olivia,
        user_id=ana.id,
        at=start + at,
        return_at=return_at and start + return_at,
    )
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, [field])


async def test_what_deactivating_would_refuse_is_refused(workshop: Workshop, ana: Person) -> None:
    gone = await workshop.person("Gus", Role.AGENT, inactive=True)
    other = await Workshop.open(workshop.database, "other")
    olivia = workshop.olivia

    async def code(**words: Any) -> str:
        words = {"user_id": ana.id, "at": in_days(1)} | words
        return (await refused(workshop, schedule_departure, olivia, **words)).code

    assert await code(user_id=olivia.id) == ErrorCode.SOLE_OWNER
    assert await code(user_id=NOBODY) == await code(user_id=other.olivia.id) == ErrorCode.NOT_FOUND
    assert await code(user_id=gone.id) == ErrorCode.USER_INACTIVE
    assert await code(hand_over=Target((gone.id,))) == ErrorCode.ASSIGNEE_INACTIVE
    assert await code(hand_over=Target((other.olivia.id,))) == ErrorCode.NOT_FOUND
    assert await code(note="a\0b") == ErrorCode.INVALID_INPUT


async def test_cancelling_leaves_nothing(workshop: Workshop, ana: Person) -> None:
    await unchanged(workshop, cancel_departure, workshop.olivia, user_id=ana.id)
    await schedule(workshop, ana)
    assert await call(workshop, cancel_departure, workshop.olivia, user_id=ana.id) == ana.id
    assert await pending(workshop, ana) is None
    assert [row.action for row in await audit_rows(workshop)] == [A.DEPARTURE_SCHEDULED, A.DEPARTURE_CANCELLED]
    await unchanged(workshop, cancel_departure, workshop.olivia, user_id=ana.id)
    assert (await refused(workshop, cancel_departure, workshop.olivia, user_id=NOBODY)).code == ErrorCode.NOT_FOUND


async def test_by_hand_overrides_the_plan(workshop: Workshop, ana: Person) -> None:
    """Whoever is shut out by hand is not let in by a return that was planned before."""
    await schedule(workshop, ana, return_at=in_days(5))
    await call(workshop, deactivate_user, workshop.olivia, user_id=ana.id)
    assert await pending(workshop, ana) is None
    assert [row.action for row in await audit_rows(workshop)] == [
        A.DEPARTURE_SCHEDULED,
        A.DEPARTURE_CANCELLED,
        A.USER_DEACTIVATED,
    ]
    await call(workshop, reactivate_user, workshop.olivia, user_id=ana.id)
    await schedule(workshop, ana)
    await unchanged(workshop, reactivate_user, workshop.olivia, user_id=ana.id)
    assert await pending(workshop, ana) is not None


async def away(shop: Workshop, who: Person) -> Any:
    """Somebody who has departed and comes back in ten days."""
    await schedule(shop, who, return_at=in_days(11))
    await pass_time(shop, days=1)
    assert await carry_out_due(shop.database) == 1
    return await pending(shop, who)


async def test_of_somebody_away_the_return_can_be_changed(workshop: Workshop, ana: Person) -> None:
    plan, later = await away(workshop, ana), in_days(20)
    assert await schedule(workshop, ana, at=plan.at, return_at=later) == plan.id
    plan = await pending(workshop, ana)
    assert (plan.return_at, plan.due_at) == (later, later)
    assert (await audit_rows(workshop))[-1].details == {"returnAt": later.isoformat()}
    for words in ({"at": in_days(1), "return_at": later}, {"at": plan.at, "return_at": None}):
        refusal = await refused(workshop, schedule_departure, workshop.olivia, user_id=ana.id, **words)
        assert (refusal.code, refusal.field) == (ErrorCode.USER_INACTIVE, ["at"])
    words = {"at": plan.at, "return_at": in_days(-0.5)}
    refusal = await refused(workshop, schedule_departure, workshop.olivia, user_id=ana.id, **words)
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, ["returnAt"])


async def test_of_somebody_away_the_return_can_be_called_off_or_brought_forward(workshop: Workshop) -> None:
    for number, verb in enumerate((cancel_departure, reactivate_user)):
        who = await workshop.person(f"Away{number}", Role.AGENT)
        await away(workshop, who)
        await call(workshop, verb, workshop.olivia, user_id=who.id)
        assert await pending(workshop, who) is None
        expected = UserStatus.INACTIVE if verb is cancel_departure else UserStatus.ACTIVE
        assert (await workshop.load(User, id=who.id)).status is expected
        assert A.DEPARTURE_CANCELLED in {row.action for row in await audit_rows(workshop)}


async def test_a_deleted_user_departs_no_more(workshop: Workshop, ana: Person) -> None:
    await schedule(workshop, ana)
    words = {"user_id": ana.id, "confirmation": ana.email, "reason": DeletionReason.PRIVACY_REQUEST}
    await call(workshop, delete_user, workshop.olivia, **words)
    assert await workshop.count(ScheduledDeparture) == 0


async def test_after_a_restore_departures_stand_and_returns_do_not(workshop: Workshop, ana: Person) -> None:
    gone = await workshop.person("Gus", Role.AGENT)
    await away(workshop, gone)
    await schedule(workshop, ana, return_at=in_days(5))
    await workshop.database.transact(secure_restored)
    assert await pending(workshop, gone) is None
    plan = await pending(workshop, ana)
    assert (plan.due_at, plan.return_at) == (plan.at, None)
