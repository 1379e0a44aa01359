"""What deactivating does on request: handing the work over, and revoking access tokens."""

from typing import Any
from uuid import UUID

import pytest

from models.enums import (
    AuditAction,
    ConversationStatus,
    ErrorCode,
    EventKind,
    RevocationReason,
    Role,
    TokenScope,
    UserStatus,
)
from models.people import AccessToken, User
from models.types import NOBODY
from models.work import BulkOperation, Conversation, FollowUp
from resolvers.lifecycle import Deactivated, deactivate_user
from resolvers.targets import Target
from resolvers.viewer import authenticate
from tests.records import audit_rows, call, event_rows, refused, unchanged, why_signed_out
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
