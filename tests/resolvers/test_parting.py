"""What deactivating does on request: handing the work over, and revoking access tokens."""

from typing import Any
from uuid import UUID

import pytest

from models.enums import (
    AuditAction,
    BulkOperationStatus,
    ConversationStatus,
    ErrorCode,
    EventKind,
    NoticeKind,
    RevocationReason,
    Role,
    TokenScope,
    UserStatus,
)
from models.leaving import Notice
from models.people import AccessToken, User
from models.types import NOBODY
from models.work import BulkOperation, Conversation, FollowUp
from resolvers.bulk import running
from resolvers.handover import cancel_bulk_reassign
from resolvers.lifecycle import Deactivated, deactivate_user
from resolvers.targets import Target
from resolvers.viewer import authenticate
from tests.records import audit_rows, call, event_rows, refused, unchanged, why_signed_out
from tests.resolvers.handing_over import hand_over
from tests.resolvers.leaving import carry_out_due, pass_time, schedule
from tests.resolvers.running import Node
from tests.workshop import Person, Workshop

FIELD = ("handOver", "userId")


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    ana = await workshop.person("Ana Abel", Role.AGENT, Role.VIEWER)
    await workshop.sign_in(ana)
    return ana


@pytest.fixture
async def other(workshop: Workshop) -> Workshop:
    return await Workshop.open(workshop.database, "other")


async def deactivate(shop: Workshop, who: Person, by: Person | None = None, **words: Any) -> Deactivated:
    done: Deactivated = await call(shop, deactivate_user, by or shop.olivia, user_id=who.id, **words)
    return done


async def assignee(shop: Workshop, conversation_id: UUID) -> UUID | None:
    found: UUID | None = (await shop.load(Conversation, id=conversation_id)).assignee_id
    return found


async def test_handing_over_in_the_same_transaction(workshop: Workshop, ana: Person) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    unfinished = [await workshop.conversation(assignee=ana)]
    unfinished.append(await workshop.conversation(assignee=ana, status=ConversationStatus.SNOOZED))
    closed = await workshop.conversation(assignee=ana, status=ConversationStatus.CLOSED)
    bobs = await workshop.conversation(assignee=bob)
    promises = [await workshop.follow_up(closed, ana), await workshop.follow_up(bobs, ana)]
    done = await deactivate(workshop, ana, hand_over=Target((bob.id,), FIELD))
    assert {await assignee(workshop, each) for each in unfinished} == {bob.actor_id}
    assert await assignee(workshop, closed) == ana.actor_id
    assert {(await workshop.load(FollowUp, id=each)).assignee_id for each in promises} == {bob.actor_id}
    assert (await workshop.load(Conversation, id=unfinished[1])).status is ConversationStatus.SNOOZED
    operation = await workshop.load(BulkOperation, id=done.operation_id)
    assert (operation.matched, operation.reassigned_conversations, operation.reassigned_follow_ups) == (4, 2, 2)
    away, moved = await audit_rows(workshop)
    assert (away.action, moved.action) == (AuditAction.USER_DEACTIVATED, AuditAction.BULK_REASSIGNED)
    assert moved.target_id == ana.actor_id


async def test_a_hand_over_of_nothing_is_an_operation_too(workshop: Workshop, ana: Person) -> None:
    done = await deactivate(workshop, ana, hand_over=Target(()))
    assert (await workshop.load(BulkOperation, id=done.operation_id)).matched == 0


async def test_handing_over_what_an_inactive_user_has_left(workshop: Workshop, ana: Person) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    await deactivate(workshop, ana)
    left = await workshop.conversation(assignee=ana)
    words = {"user_id": ana.id, "hand_over": Target((bob.id,), FIELD)}
    done = await call(workshop, deactivate_user, workshop.olivia, **words)
    assert (done.revoked_sessions, await assignee(workshop, left)) == (0, bob.actor_id)
    assert done.operation_id is not None
    assert [row.action for row in await audit_rows(workshop)] == [
        AuditAction.USER_DEACTIVATED,
        AuditAction.BULK_REASSIGNED,
    ]
    assert len(await event_rows(workshop)) == 2
    assert await unchanged(workshop, deactivate_user, workshop.olivia, **words) == Deactivated(ana.id, 0, None)


@pytest.mark.parametrize("already", [False, True])
async def test_the_heir_must_be_active_here_and_somebody_else(
    workshop: Workshop, other: Workshop, ana: Person, already: bool
) -> None:
    await workshop.conversation(assignee=ana)
    ivy = await workshop.person("Ivy Imms", Role.AGENT, inactive=True)
    if already:
        await deactivate(workshop, ana)
    for heir, code in (
        (ana.id, ErrorCode.ASSIGNEE_INACTIVE),
        (ivy.id, ErrorCode.ASSIGNEE_INACTIVE),
        (other.olivia.id, ErrorCode.NOT_FOUND),
        (NOBODY, ErrorCode.NOT_FOUND),
    ):
        to = Target((workshop.olivia.id, heir), FIELD)
        refusal = await refused(workshop, deactivate_user, workshop.olivia, user_id=ana.id, hand_over=to)
        assert (refusal.code, refusal.field) == (code, list(FIELD))
    user = await workshop.load(User, id=ana.id)
    assert user.status is (UserStatus.INACTIVE if already else UserStatus.ACTIVE)


@pytest.mark.parametrize("already", [False, True])
async def test_access_tokens_that_the_user_created_go_on_request(
    workshop: Workshop, ana: Person, already: bool
) -> None:
    hers = [await workshop.partner(TokenScope.USERS_READ, creator=ana) for _ in range(2)]
    olivias = await workshop.partner(TokenScope.USERS_READ)
    if already:
        await deactivate(workshop, ana)
        assert await workshop.count(AccessToken, revoked_at=None) == 3
    await deactivate(workshop, ana, revoke_access_tokens=True)
    for partner in hers:
        assert await why_signed_out(workshop, partner.token) is RevocationReason.TOKEN_REVOKED
    async with workshop.database.read() as reader:
        assert (await authenticate(reader, olivias.token)).access_token_id == olivias.id
    told = [row.access_token_id for row in await event_rows(workshop) if row.kind is EventKind.TOKEN_REVOKED]
    assert set(told) == {each.id for each in hers}
    entries = [row for row in await audit_rows(workshop) if row.action is AuditAction.TOKEN_REVOKED]
    assert [entry.target_id for entry in entries] == [ana.actor_id] * 2
    await unchanged(workshop, deactivate_user, workshop.olivia, user_id=ana.id, revoke_access_tokens=True)


async def by_hand(shop: Workshop, who: Person, to: Target) -> None:
    await deactivate(shop, who, hand_over=to)


async def as_planned(shop: Workshop, who: Person, to: Target) -> None:
    await schedule(shop, who, hand_over=to)
    await pass_time(shop, days=1)
    await carry_out_due(shop.database)


@pytest.fixture
async def holder(workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Ana with five conversations and a follow-up, all of which are handed over in the background."""
    monkeypatch.setattr(running, "AT_ONCE", 0)
    held = [await workshop.conversation(assignee=ana) for _ in range(5)]
    await workshop.follow_up(held[0], ana)
    return ana


@pytest.mark.parametrize("leave", [by_hand, as_planned])
async def test_owners_are_told_that_the_work_stays_with_who_left(
    workshop: Workshop, holder: Person, bob: Person, leave: Any
) -> None:
    omar = await workshop.person("Omar", Role.OWNER)
    await workshop.person("Ina", Role.OWNER, inactive=True)
    await workshop.person("Adam", Role.ADMIN)
    runner = Node(workshop.database)
    await leave(workshop, holder, Target((workshop.olivia.id, bob.id), FIELD))
    job = await runner.take_on()
    assert job is not None
    job = await runner.go_on(job, 2)
    assert job is not None
    await deactivate(workshop, bob)
    assert await workshop.count(Notice) == 0
    await runner.finish(job)
    assert (await workshop.load(BulkOperation)).status is BulkOperationStatus.FAILED
    for owner in (workshop.olivia, omar):
        notice = await workshop.load(Notice, user_id=owner.id)
        assert notice.kind is NoticeKind.HAND_OVER_STOPPED
        assert notice.details == {
            "code": "ASSIGNEE_INACTIVE",
            "whose": str(holder.actor_id),
            "to": [str(workshop.olivia.actor_id), str(bob.actor_id)],
            "conversations": 2,
            "followUps": 0,
            "left": 4,
        }
    assert await workshop.count(Notice) == 2
    assert await workshop.count(Conversation, assignee_id=holder.actor_id) == 3


async def test_a_hand_over_of_its_own_is_followed_by_who_asked_for_it(
    workshop: Workshop, holder: Person, bob: Person
) -> None:
    await hand_over(workshop, Target((bob.id,), FIELD), assigned_to_user_id=holder.id)
    await deactivate(workshop, holder)
    await deactivate(workshop, bob)
    await Node(workshop.database).finish_all()
    assert (await workshop.load(BulkOperation)).status is BulkOperationStatus.FAILED
    assert await workshop.count(Notice) == 0


@pytest.mark.parametrize("stop", [True, False])
async def test_owners_are_not_told_of_what_was_finished_or_stopped_by_hand(
    workshop: Workshop, holder: Person, bob: Person, stop: bool
) -> None:
    done = await deactivate(workshop, holder, hand_over=Target((bob.id,), FIELD))
    if stop:
        await call(workshop, cancel_bulk_reassign, workshop.olivia, operation_id=done.operation_id)
    await Node(workshop.database).finish_all()
    assert await workshop.count(Notice) == 0


async def test_leaving_during_a_hand_over_of_its_own_starts_one_that_owners_hear_of(
    workshop: Workshop, holder: Person, bob: Person
) -> None:
    target = Target((bob.id,), FIELD)
    first = await hand_over(workshop, target, assigned_to_user_id=holder.id)
    second = await deactivate(workshop, holder, hand_over=target)
    again = await deactivate(workshop, holder, hand_over=target)
    assert first.operation_id != second.operation_id == again.operation_id
    await deactivate(workshop, bob)
    await Node(workshop.database).finish_all()
    assert (await workshop.load(Notice)).details["left"] == 6
