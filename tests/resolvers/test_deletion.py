"""Deleting: the rules for it, what goes, and what stays without a name."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import SQLModel

from models.enums import (
    AuditAction,
    BulkOperationStatus,
    DeletionReason,
    ErrorCode,
    EventKind,
    RevocationReason,
    Role,
    TokenScope,
    UserChangeKind,
)
from models.log import AuditEntry
from models.people import User, UserSession, Workspace
from models.types import NOBODY, now
from models.work import BulkOperation, CsatResponse, Note
from resolvers.deletion import delete_user
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.roles import assign_role
from tests.records import audit_rows, call, event_rows, refused, unchanged, why_signed_out
from tests.workshop import Person, Workshop

NAME, EMAIL = "Zebedee Quixworth", "z.quixworth@acme.test"


@pytest.fixture
async def zeb(workshop: Workshop) -> Person:
    return await workshop.person(NAME, Role.AGENT, email=EMAIL)


async def delete(
    shop: Workshop, who: Person, reason: DeletionReason = DeletionReason.PRIVACY_REQUEST, by: Person | None = None
) -> Any:
    words = {"user_id": who.id, "confirmation": who.email, "reason": reason}
    return await call(shop, delete_user, by or shop.olivia, **words)


async def why_not(shop: Workshop, who: Person, **words: Any) -> Any:
    kept: dict[str, Any] = {"confirmation": who.email, "reason": DeletionReason.PRIVACY_REQUEST}
    return await refused(shop, delete_user, shop.olivia, user_id=who.id, **(kept | words))


async def test_it_is_told_and_written_down(workshop: Workshop, zeb: Person) -> None:
    await workshop.sign_in(zeb)
    await delete(workshop, zeb)
    session, user = await event_rows(workshop)
    assert (session.kind, session.session_id, session.reason) == (
        EventKind.SESSION_REVOKED,
        zeb.viewer.session_id,
        RevocationReason.USER_DELETED,
    )
    assert (user.kind, user.user_id, user.change) == (EventKind.USER_CHANGED, zeb.id, UserChangeKind.DELETED)
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id, entry.target_id) == (
        AuditAction.USER_DELETED,
        workshop.olivia.actor_id,
        zeb.actor_id,
    )
    assert entry.details == {"reason": "PRIVACY_REQUEST", "sessions": 1}
    assert await why_signed_out(workshop, zeb.token) is RevocationReason.USER_DELETED
    assert await workshop.count(UserSession, user_id=zeb.id, device_name=None) == 1


async def test_a_repeated_call_changes_nothing_whatever_it_says(workshop: Workshop, zeb: Person) -> None:
    await delete(workshop, zeb)
    for reason in DeletionReason:
        words = {"user_id": zeb.id, "confirmation": "forgotten", "reason": reason}
        assert await unchanged(workshop, delete_user, workshop.olivia, **words) == zeb.id


@pytest.mark.parametrize("typed", ["", "zebedee", "z.quixworth@acme.tes", "olivia@acme.test"])
async def test_the_email_must_be_typed_again(workshop: Workshop, zeb: Person, typed: str) -> None:
    refusal = await why_not(workshop, zeb, confirmation=typed)
    assert (refusal.code, refusal.field) == (ErrorCode.CONFIRMATION_MISMATCH, ["confirmation"])
    assert "email" in refusal.message
    assert EMAIL not in refusal.message


async def test_the_email_may_be_typed_in_any_case(workshop: Workshop, zeb: Person) -> None:
    words = {"user_id": zeb.id, "confirmation": f" {EMAIL.upper()} ", "reason": DeletionReason.CREATED_IN_ERROR}
    assert await call(workshop, delete_user, workshop.olivia, **words) == zeb.id


@pytest.mark.parametrize("reason", DeletionReason)
@pytest.mark.parametrize("others", [None, {"inactive": True}, {"pending": True}])
async def test_the_sole_owner_stays(workshop: Workshop, others: dict[str, Any] | None, reason: DeletionReason) -> None:
    if others is not None:
        await workshop.person("Omar Otis", Role.OWNER, **others)
    refusal = await why_not(workshop, workshop.olivia, reason=reason)
    assert (refusal.code, refusal.field) == (ErrorCode.SOLE_OWNER, ["userId"])
    assert "Assign Owner to another user first" in refusal.message


async def test_one_of_two_owners_may_delete_themself(workshop: Workshop) -> None:
    await workshop.person("Omar Otis", Role.OWNER)
    await delete(workshop, workshop.olivia)
    assert await workshop.load(User, id=workshop.olivia.id) is None
    assert await why_signed_out(workshop, workshop.olivia.token) is RevocationReason.USER_DELETED


async def test_a_privacy_request_is_an_owners_decision_and_needs_no_wait(workshop: Workshop, zeb: Person) -> None:
    ada = await workshop.person("Ada Ames", Role.ADMIN)
    await workshop.sign_in(ada)
    words = {"user_id": zeb.id, "confirmation": zeb.email, "reason": DeletionReason.PRIVACY_REQUEST}
    refusal = await refused(workshop, delete_user, ada, **words)
    assert refusal.code is ErrorCode.OWNER_REQUIRED
    assert "Ask an owner" in refusal.message
    await delete(workshop, zeb)


async def trace(shop: Workshop, zeb: Person, kind: str) -> None:
    conversation = await shop.conversation(assignee=zeb)
    common: dict[str, Any] = {"workspace_id": shop.workspace_id}
    rows: dict[str, SQLModel] = {
        "note": Note(**common, conversation_id=conversation, body="x", author_id=zeb.actor_id, created_at=now()),
        "audit": AuditEntry(**common, at=now(), action=AuditAction.USER_INVITED, actor_id=zeb.actor_id),
        "csat": CsatResponse(
            **common, conversation_id=conversation, rating=1, responded_at=now(), handled_by_id=zeb.actor_id
        ),
        "hand-over": BulkOperation(
            **common, status=BulkOperationStatus.COMPLETED, started_by_id=zeb.actor_id, started_at=now()
        ),
    }
    if kind == "sign-in":
        await shop.change(User, zeb.id, last_signed_in_at=now())
    elif kind == "token":
        await shop.partner(TokenScope.USERS_READ, creator=zeb)
    else:
        async with shop.database.begin() as tx:
            await tx.add(rows[kind])


@pytest.mark.parametrize("kind", ["sign-in", "note", "audit", "csat", "hand-over", "token"])
async def test_an_account_in_use_was_not_created_in_error(workshop: Workshop, zeb: Person, kind: str) -> None:
    await trace(workshop, zeb, kind)
    refusal = await why_not(workshop, zeb, reason=DeletionReason.CREATED_IN_ERROR)
    assert (refusal.code, refusal.field) == (ErrorCode.ACCOUNT_IN_USE, ["reason"])
    assert "Deactivate it instead" in refusal.message


async def test_what_others_did_to_it_does_not_make_an_account_used(workshop: Workshop, zeb: Person) -> None:
    await call(workshop, assign_role, workshop.olivia, user_id=zeb.id, role=Role.VIEWER)
    await workshop.conversation(assignee=zeb)
    assert await delete(workshop, zeb, DeletionReason.CREATED_IN_ERROR) == zeb.id


async def deactivated(shop: Workshop, zeb: Person, days: int, at: datetime) -> None:
    await shop.change(Workspace, shop.workspace_id, retention_days=days)
    await call(shop, deactivate_user, shop.olivia, user_id=zeb.id)
    await shop.change(User, zeb.id, deactivated_at=at)


async def test_the_retention_period_must_be_over(workshop: Workshop, zeb: Person) -> None:
    at = now() - timedelta(days=30) + timedelta(minutes=2)
    await deactivated(workshop, zeb, 30, at)
    refusal = await why_not(workshop, zeb, reason=DeletionReason.OFFBOARDED)
    assert (refusal.code, refusal.field) == (ErrorCode.RETENTION_PERIOD, ["reason"])
    assert f"{at + timedelta(days=30):%Y-%m-%d %H:%M} UTC" in refusal.message
    assert "30 days" in refusal.message
    await workshop.change(User, zeb.id, deactivated_at=now() - timedelta(days=30))
    assert await delete(workshop, zeb, DeletionReason.OFFBOARDED) == zeb.id


async def test_no_retention_means_at_once_but_never_while_active(workshop: Workshop, zeb: Person) -> None:
    await workshop.change(Workspace, workshop.workspace_id, retention_days=0)
    refusal = await why_not(workshop, zeb, reason=DeletionReason.OFFBOARDED)
    assert refusal.code is ErrorCode.RETENTION_PERIOD
    assert refusal.message.startswith("Deactivate the user first")
    await deactivated(workshop, zeb, 0, now())
    assert await delete(workshop, zeb, DeletionReason.OFFBOARDED) == zeb.id


async def test_reactivation_starts_the_period_anew(workshop: Workshop, zeb: Person) -> None:
    await deactivated(workshop, zeb, 30, now() - timedelta(days=400))
    await call(workshop, reactivate_user, workshop.olivia, user_id=zeb.id)
    assert (await why_not(workshop, zeb, reason=DeletionReason.OFFBOARDED)).code is ErrorCode.RETENTION_PERIOD
    await call(workshop, deactivate_user, workshop.olivia, user_id=zeb.id)
    assert (await why_not(workshop, zeb, reason=DeletionReason.OFFBOARDED)).code is ErrorCode.RETENTION_PERIOD


async def test_nobody_of_another_workspace_is_found(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    gone = await other.person("Ira Imms", Role.AGENT)
    await delete(other, gone)
    for user_id in (other.olivia.id, gone.id, uuid4(), NOBODY):
        words = {"user_id": user_id, "confirmation": "olivia@other.test", "reason": DeletionReason.PRIVACY_REQUEST}
        refusal = await refused(workshop, delete_user, workshop.olivia, **words)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["userId"])
