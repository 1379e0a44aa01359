"""Giving roles and taking them."""

from typing import Any
from uuid import uuid4

import pytest

from models.enums import AuditAction, ErrorCode, EventKind, Role, UserChangeKind
from models.people import UserRole
from models.types import NOBODY
from resolvers.roles import assign_role, remove_role
from resolvers.viewer import recheck
from tests.records import audit_rows, call, event_rows, refused, unchanged
from tests.workshop import Person, Workshop


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    ana = await workshop.person("Ana Abel", Role.AGENT)
    await workshop.sign_in(ana)
    return ana


async def roles_of(shop: Workshop, person: Person) -> frozenset[Role]:
    async with shop.database.read() as reader:
        return (await recheck(reader, person.viewer)).roles


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.VIEWER])
async def test_a_role_counts_from_the_next_request_on_until_it_is_taken(
    workshop: Workshop, ana: Person, role: Role
) -> None:
    assert await call(workshop, assign_role, workshop.olivia, user_id=ana.id, role=role) == ana.id
    assert await roles_of(workshop, ana) == {Role.AGENT, role}
    assert await call(workshop, remove_role, workshop.olivia, user_id=ana.id, role=role) == ana.id
    assert await roles_of(workshop, ana) == {Role.AGENT}


async def test_each_change_is_told_and_written_down(workshop: Workshop, ana: Person) -> None:
    for verb in (assign_role, remove_role):
        await call(workshop, verb, workshop.olivia, user_id=ana.id, role=Role.ADMIN)
    assert [(row.kind, row.user_id, row.change) for row in await event_rows(workshop)] == [
        (EventKind.USER_CHANGED, ana.id, UserChangeKind.ROLES_CHANGED)
    ] * 2
    entries = await audit_rows(workshop)
    assert [entry.action for entry in entries] == [AuditAction.ROLE_ASSIGNED, AuditAction.ROLE_REMOVED]
    for entry in entries:
        assert (entry.actor_id, entry.target_id) == (workshop.olivia.actor_id, ana.actor_id)
        assert entry.details == {"role": "ADMIN"}


async def test_a_repeated_call_changes_nothing(workshop: Workshop, ana: Person) -> None:
    await unchanged(workshop, assign_role, workshop.olivia, user_id=ana.id, role=Role.AGENT)
    await unchanged(workshop, remove_role, workshop.olivia, user_id=ana.id, role=Role.ADMIN)


async def test_the_last_role_may_go_and_signs_nobody_out(workshop: Workshop, ana: Person) -> None:
    await call(workshop, remove_role, workshop.olivia, user_id=ana.id, role=Role.AGENT)
    assert await roles_of(workshop, ana) == frozenset()


async def test_inactive_users_keep_and_get_roles(workshop: Workshop) -> None:
    ivy = await workshop.person("Ivy Imms", Role.AGENT, inactive=True)
    await call(workshop, assign_role, workshop.olivia, user_id=ivy.id, role=Role.ADMIN)
    assert await workshop.count(UserRole, user_id=ivy.id) == 2


@pytest.mark.parametrize("others", [None, {"inactive": True}, {"pending": True}])
async def test_the_sole_owner_stays_owner(workshop: Workshop, others: dict[str, Any] | None) -> None:
    if others is not None:
        await workshop.person("Omar Otis", Role.OWNER, **others)
    await call(workshop, assign_role, workshop.olivia, user_id=workshop.olivia.id, role=Role.ADMIN)
    refusal = await refused(workshop, remove_role, workshop.olivia, user_id=workshop.olivia.id, role=Role.OWNER)
    assert (refusal.code, refusal.field) == (ErrorCode.SOLE_OWNER, ["userId"])
    assert "Assign Owner to another user first" in refusal.message
    await call(workshop, remove_role, workshop.olivia, user_id=workshop.olivia.id, role=Role.ADMIN)


async def test_ownership_passes_on_as_the_message_advises(workshop: Workshop, ana: Person) -> None:
    await call(workshop, assign_role, workshop.olivia, user_id=ana.id, role=Role.OWNER)
    await call(workshop, remove_role, ana, user_id=workshop.olivia.id, role=Role.OWNER)
    assert (await refused(workshop, remove_role, ana, user_id=ana.id, role=Role.OWNER)).code is ErrorCode.SOLE_OWNER


@pytest.mark.parametrize("verb", [assign_role, remove_role])
async def test_nobody_of_another_workspace_is_found(workshop: Workshop, verb: Any) -> None:
    other = await Workshop.open(workshop.database, "other")
    for user_id in (other.olivia.id, uuid4(), NOBODY):
        refusal = await refused(workshop, verb, workshop.olivia, user_id=user_id, role=Role.OWNER)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["userId"])
