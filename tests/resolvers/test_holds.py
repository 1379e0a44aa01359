"""Legal holds: nobody deletes who is under one."""

from typing import Any

import pytest

from models.enums import AuditAction, DeletionReason, ErrorCode, Role, UserChangeKind
from models.leaving import LegalHold
from models.people import User
from models.types import NOBODY
from resolvers.deletion import delete_user
from resolvers.holds import lift_legal_hold, place_legal_hold
from tests.crowd import minute
from tests.records import audit_rows, call, event_rows, refused, unchanged
from tests.workshop import Person, Workshop


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    return await workshop.person("Ana Abel", Role.AGENT, inactive=True)


@pytest.fixture
async def held(workshop: Workshop, ana: Person) -> Person:
    await call(workshop, place_legal_hold, workshop.olivia, user_id=ana.id, note=" Case 12 ")
    return ana


async def test_a_hold_says_who_why_and_since(workshop: Workshop, held: Person) -> None:
    hold = await workshop.load(LegalHold, user_id=held.id)
    assert (hold.note, hold.placed_by_id) == ("Case 12", workshop.olivia.actor_id)
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.target_id, entry.at) == (
        AuditAction.LEGAL_HOLD_PLACED,
        held.actor_id,
        hold.placed_at,
    )
    assert [row.change for row in await event_rows(workshop)] == [UserChangeKind.PLANS_CHANGED]
    await unchanged(workshop, place_legal_hold, workshop.olivia, user_id=held.id, note="Another case")


@pytest.mark.parametrize("reason", DeletionReason)
async def test_on_no_ground_is_somebody_deleted_who_is_held(
    workshop: Workshop, held: Person, reason: DeletionReason
) -> None:
    await workshop.change(User, held.id, deactivated_at=minute(0))
    words: dict[str, Any] = {"user_id": held.id, "confirmation": held.email, "reason": reason}
    refusal = await refused(workshop, delete_user, workshop.olivia, **words)
    assert (refusal.code, refusal.field) == (ErrorCode.LEGAL_HOLD, ["userId"])
    await call(workshop, lift_legal_hold, workshop.olivia, user_id=held.id)
    assert (await audit_rows(workshop))[-1].action is AuditAction.LEGAL_HOLD_LIFTED
    await unchanged(workshop, lift_legal_hold, workshop.olivia, user_id=held.id)
    assert await call(workshop, delete_user, workshop.olivia, **words) == held.id


async def test_what_is_refused(workshop: Workshop, ana: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    for note in ("", " ", "x" * 10_001, "a\0b"):
        refusal = await refused(workshop, place_legal_hold, workshop.olivia, user_id=ana.id, note=note)
        assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, ["note"])
    for user_id in (NOBODY, other.olivia.id):
        refusal = await refused(workshop, place_legal_hold, workshop.olivia, user_id=user_id, note="Case")
        assert refusal.code is ErrorCode.NOT_FOUND
        assert (await refused(workshop, lift_legal_hold, workshop.olivia, user_id=user_id)).code is ErrorCode.NOT_FOUND
