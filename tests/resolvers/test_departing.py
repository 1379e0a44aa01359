"""What becomes of a scheduled departure at its time, whatever has happened meanwhile."""

import asyncio
from typing import Any

import pytest

from models.database import Database, Tx
from models.enums import (
    AuditAction,
    DeactivationReason,
    DeletionReason,
    ErrorCode,
    NoticeKind,
    Role,
    TokenScope,
    UserChangeKind,
    UserStatus,
)
from models.leaving import Notice, ScheduledDeparture
from models.people import AccessToken, User
from models.work import BulkOperation, Conversation
from resolvers import departures
from resolvers.deletion import delete_user
from resolvers.departing import TRY_AGAIN, carry_out, due_departures
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.roles import assign_role, remove_role
from resolvers.targets import Target
from resolvers.upkeep import next_due
from tests.races import together
from tests.records import audit_rows, call, dump, event_rows, why_signed_out
from tests.resolvers.leaving import carry_out_due, in_days, pass_time, pending, schedule
from tests.workshop import Person, Workshop

A = AuditAction
INACTIVE, ACTIVE = UserStatus.INACTIVE, UserStatus.ACTIVE


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    ana = await workshop.person("Ana Abel", Role.AGENT)
    await workshop.sign_in(ana)
    return ana


async def status(shop: Workshop, who: Person) -> UserStatus:
    found: UserStatus = (await shop.load(User, id=who.id)).status
    return found


async def told(shop: Workshop) -> list[tuple[Any, ...]]:
    """The audit log but for the planning: action, actor, target."""
    planning = (A.DEPARTURE_SCHEDULED, A.DEPARTURE_CANCELLED)
    return [(r.action, r.actor_id, r.target_id) for r in await audit_rows(shop) if r.action not in planning]


async def test_at_its_time_the_user_is_out_by_the_system_in_the_planners_name(
    workshop: Workshop, ana: Person, bob: Person
) -> None:
    conversation = await workshop.conversation(assignee=ana)
    token = await workshop.partner(TokenScope.INBOX_READ, creator=ana)
    await schedule(
        workshop,
        ana,
        reason=DeactivationReason.LEFT_COMPANY,
        note="Thank you",
        hand_over=Target((bob.id,)),
        revoke_access_tokens=True,
    )
    before = await dump(workshop.database)
    assert await carry_out_due(workshop.database) == 0
    assert await dump(workshop.database) == before
    await pass_time(workshop, days=1)
    assert await carry_out_due(workshop.database) == 1
    user = await workshop.load(User, id=ana.id)
    assert (user.status, user.deactivation_reason, user.deactivation_note) == (INACTIVE, "LEFT_COMPANY", "Thank you")
    assert user.deactivated_by_id == workshop.system_id
    assert await why_signed_out(workshop, ana.token) == "USER_DEACTIVATED"
    assert (await workshop.load(AccessToken, id=token.id)).revoked_at is not None
    assert (await workshop.load(BulkOperation)).started_by_id == workshop.system_id
    assert (await workshop.load(Conversation, id=conversation)).assignee_id in (ana.actor_id, bob.actor_id)
    (_, entry, *_) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id, entry.target_id) == (A.USER_DEACTIVATED, workshop.system_id, ana.actor_id)
    assert entry.details["onBehalfOf"] == str(workshop.olivia.actor_id)
    assert await pending(workshop, ana) is None


async def test_the_user_comes_back_at_the_planned_time(workshop: Workshop, ana: Person) -> None:
    await schedule(workshop, ana, return_at=in_days(3))
    await pass_time(workshop, days=1)
    assert await carry_out_due(workshop.database) == 1
    assert await status(workshop, ana) is INACTIVE
    plan = await pending(workshop, ana)
    assert plan.departed_at is not None
    assert plan.due_at == plan.return_at
    await pass_time(workshop, days=2)
    assert await carry_out_due(workshop.database) == 1
    assert await status(workshop, ana) is ACTIVE
    assert await pending(workshop, ana) is None
    system = workshop.system_id
    assert await told(workshop) == [
        (A.USER_DEACTIVATED, system, ana.actor_id),
        (A.USER_REACTIVATED, system, ana.actor_id),
    ]
    assert {r.details.get("onBehalfOf") for r in await audit_rows(workshop)} == {None, str(workshop.olivia.actor_id)}


async def test_what_fell_due_while_nobody_looked_is_done_in_order(workshop: Workshop, ana: Person, bob: Person) -> None:
    await schedule(workshop, ana, at=in_days(2), return_at=in_days(4))
    await schedule(workshop, bob, at=in_days(1), return_at=in_days(9))
    await pass_time(workshop, days=7)
    assert await carry_out_due(workshop.database) == 3
    assert [(action, target) for action, _, target in await told(workshop)] == [
        (A.USER_DEACTIVATED, bob.actor_id),
        (A.USER_DEACTIVATED, ana.actor_id),
        (A.USER_REACTIVATED, ana.actor_id),
    ]
    assert await status(workshop, bob) is INACTIVE
    assert await status(workshop, ana) is ACTIVE


async def demote(shop: Workshop, adam: Person) -> None:
    await call(shop, remove_role, shop.olivia, user_id=adam.id, role=Role.ADMIN)


async def deactivate(shop: Workshop, adam: Person) -> None:
    await call(shop, deactivate_user, shop.olivia, user_id=adam.id)


async def delete(shop: Workshop, adam: Person) -> None:
    words = {"user_id": adam.id, "confirmation": adam.email, "reason": DeletionReason.PRIVACY_REQUEST}
    await call(shop, delete_user, shop.olivia, **words)


@pytest.mark.parametrize("end", [demote, deactivate, delete])
async def test_it_stands_whatever_becomes_of_the_planner(workshop: Workshop, ana: Person, end: Any) -> None:
    adam = await workshop.person("Adam", Role.ADMIN)
    await workshop.sign_in(adam)
    await schedule(workshop, ana, adam)
    await end(workshop, adam)
    await pass_time(workshop, days=1)
    await carry_out_due(workshop.database)
    assert await status(workshop, ana) is INACTIVE
    assert (await audit_rows(workshop))[-1].details["onBehalfOf"] == str(adam.actor_id)


async def sole_owner_to_be(shop: Workshop, **words: Any) -> Person:
    """Omar, whose departure is due when he is the only owner left."""
    omar = await shop.person("Omar", Role.OWNER)
    await schedule(shop, omar, **words)
    await call(shop, remove_role, shop.olivia, user_id=shop.olivia.id, role=Role.OWNER)
    await pass_time(shop, days=1)
    return omar


async def test_a_sole_owner_stays_is_told_and_it_is_tried_daily(workshop: Workshop) -> None:
    omar = await sole_owner_to_be(workshop)
    for attempt in (1, 2):
        assert await carry_out_due(workshop.database) == 1
        assert await status(workshop, omar) is ACTIVE
        plan = await pending(workshop, omar)
        assert plan.failure_code is ErrorCode.SOLE_OWNER
        async with workshop.database.read() as reader:
            assert await next_due(reader) is not None
        failed = [row for row in await audit_rows(workshop) if row.action is A.DEPARTURE_FAILED]
        assert [(row.actor_id, row.target_id) for row in failed] == [(workshop.system_id, omar.actor_id)] * attempt
        assert failed[0].details == {"reason": "SOLE_OWNER", "onBehalfOf": str(workshop.olivia.actor_id)}
        assert await workshop.count(Notice, user_id=omar.id, kind=NoticeKind.DEPARTURE_FAILED) == attempt
        assert (await event_rows(workshop))[-1].change is UserChangeKind.PLANS_CHANGED
        await pass_time(workshop, seconds=TRY_AGAIN.total_seconds())
    nel = await workshop.person("Nel", Role.OWNER)
    await carry_out_due(workshop.database)
    assert await status(workshop, omar) is INACTIVE
    assert await workshop.count(Notice, user_id=nel.id) == 0
    assert await pending(workshop, omar) is None


async def test_who_could_not_leave_until_the_return_stays(workshop: Workshop) -> None:
    omar = await sole_owner_to_be(workshop, return_at=in_days(1.5))
    await carry_out_due(workshop.database)
    await workshop.person("Nel", Role.OWNER)
    await pass_time(workshop, days=1)
    await carry_out_due(workshop.database)
    assert await status(workshop, omar) is ACTIVE
    assert await pending(workshop, omar) is None
    assert (await audit_rows(workshop))[-1].action is A.DEPARTURE_CANCELLED


@pytest.mark.parametrize(("end", "code"), [(deactivate, "ASSIGNEE_INACTIVE"), (delete, "NOT_FOUND")])
async def test_who_was_to_get_the_work_is_gone(
    workshop: Workshop, ana: Person, bob: Person, end: Any, code: str
) -> None:
    """The lock-out counts: it is done on time, and the owners are told that the work stays."""
    conversation = await workshop.conversation(assignee=ana)
    await schedule(workshop, ana, hand_over=Target((workshop.olivia.id, bob.id)))
    await end(workshop, bob)
    await pass_time(workshop, days=1)
    await carry_out_due(workshop.database)
    assert await status(workshop, ana) is INACTIVE
    assert (await workshop.load(Conversation, id=conversation)).assignee_id == ana.actor_id
    last = (await audit_rows(workshop))[-1]
    assert (last.action, last.actor_id, last.target_id) == (A.HAND_OVER_FAILED, workshop.system_id, ana.actor_id)
    assert last.details == {"reason": code, "onBehalfOf": str(workshop.olivia.actor_id)}
    notice = await workshop.load(Notice)
    assert (notice.user_id, notice.kind) == (workshop.olivia.id, NoticeKind.HAND_OVER_FAILED)
    assert await workshop.count(BulkOperation) == 0
    assert await pending(workshop, ana) is None


async def test_what_the_previous_release_did_by_hand_counts(workshop: Workshop, ana: Person) -> None:
    """A node of before knows no plans and calls none off: the plan finds the user where it was to bring it."""
    await schedule(workshop, ana, return_at=in_days(2))
    await workshop.change(User, ana.id, status=INACTIVE, deactivated_at=in_days(0))
    await pass_time(workshop, days=3)
    await carry_out_due(workshop.database)
    assert await status(workshop, ana) is INACTIVE
    assert await pending(workshop, ana) is None
    last = (await audit_rows(workshop))[-1]
    assert (last.action, last.actor_id) == (A.DEPARTURE_CANCELLED, workshop.system_id)


async def test_two_clocks_do_it_once(workshop: Workshop, node: Database) -> None:
    for number in range(10):
        who = await workshop.person(f"Who{number}", Role.AGENT)
        await schedule(workshop, who)
    await pass_time(workshop, days=1)
    async with workshop.database.read() as reader:
        due = await due_departures(reader)
    for each in due:
        await together(*(database.transact(lambda tx: carry_out(tx, each)) for database in (workshop.database, node)))  # noqa: B023
    assert len([row for row in await audit_rows(workshop) if row.action is A.USER_DEACTIVATED]) == len(due) == 10
    assert await workshop.count(ScheduledDeparture) == 0


async def test_cancelling_at_the_last_moment_races_with_the_clock(workshop: Workshop, node: Database) -> None:
    """Either it was called off and the user stays, or it was done and the log says so."""
    for number in range(10):
        who = await workshop.person(f"Who{number}", Role.AGENT)
        await schedule(workshop, who)
        await pass_time(workshop, days=1)
        async with node.read() as reader:
            (due,) = await due_departures(reader)

        async def cancel(tx: Tx) -> None:
            await departures.cancel_departure(tx, workshop.olivia.viewer, user_id=who.id)  # noqa: B023

        await asyncio.gather(node.transact(lambda tx: carry_out(tx, due)), workshop.database.transact(cancel))  # noqa: B023
        left = [row.action for row in await audit_rows(workshop) if row.target_id == who.actor_id][1:]
        expected = A.DEPARTURE_CANCELLED if await status(workshop, who) is ACTIVE else A.USER_DEACTIVATED
        assert left == [expected]
        assert await pending(workshop, who) is None


async def test_an_owner_who_has_a_colleague_leaves(workshop: Workshop) -> None:
    omar = await workshop.person("Omar", Role.AGENT)
    await schedule(workshop, omar)
    await call(workshop, assign_role, workshop.olivia, user_id=omar.id, role=Role.OWNER)
    await pass_time(workshop, days=1)
    await carry_out_due(workshop.database)
    assert await status(workshop, omar) is INACTIVE
    await call(workshop, reactivate_user, workshop.olivia, user_id=omar.id)
