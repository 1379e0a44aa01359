"""Any one thing by kind and id: who may read it, and the walls between workspaces."""

from uuid import UUID

import pytest

from models.enums import AuditAction, BulkOperationStatus, Role, TokenScope
from models.people import TeamMember
from models.types import NOBODY, new_id, now
from models.work import BulkOperation
from resolvers.nodes import read_node
from resolvers.viewer import Viewer
from tests import crowd
from tests.resolvers.leaving import schedule
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop

INBOX = {"Conversation", "Note", "FollowUp", "BulkOperation"}
PEOPLE = {"User", "Team"}
EVERY_KIND = {*INBOX, *PEOPLE, "Workspace", "Session", "AuditEntry", "AccessToken", "ScheduledDeparture"}


async def one_of_each(shop: Workshop, ana: Person) -> dict[str, UUID]:
    """The id of one thing of each kind; the user is Ana, so are the session's and the access token's owner."""
    session_id = (await shop.sign_in(ana)).session_id
    assert session_id is not None
    conversation_id = await shop.conversation(assignee=ana)
    operation = BulkOperation(
        workspace_id=shop.workspace_id,
        status=BulkOperationStatus.COMPLETED,
        started_by_id=ana.actor_id,
        started_at=now(),
    )
    async with shop.database.begin() as tx:
        await tx.add(operation)
    return {
        "Workspace": shop.workspace_id,
        "User": ana.id,
        "Team": await shop.team("Support"),
        "Session": session_id,
        "Conversation": conversation_id,
        "Note": await shop.note(conversation_id, ana),
        "FollowUp": await shop.follow_up(conversation_id, ana),
        "BulkOperation": operation.id,
        "AuditEntry": (await crowd.audit_entries(shop, [1], ana, AuditAction.SIGNED_IN))[0],
        "AccessToken": (await shop.partner(creator=ana)).id,
        "ScheduledDeparture": await schedule(shop, ana),
    }


async def readable(shop: Workshop, plans: Plans, viewer: Viewer, things: dict[str, UUID]) -> set[str]:
    """The kinds of which the viewer reads the thing, each in at most one statement that scans nothing."""
    found = set()
    async with shop.database.read() as reader:
        for kind, thing_id in things.items():
            with watched(shop.database) as statements:
                row = await read_node(reader, viewer, kind, thing_id)
            assert len(statements) == 1
            assert await plans.scans(statements[0]) == []
            if row is not None:
                assert row.id == thing_id
                assert type(row).__name__ == f"{kind}Row"
                found.add(kind)
    return found


@pytest.mark.parametrize(
    ("roles", "kinds"),
    [
        ((Role.OWNER,), EVERY_KIND),
        ((Role.ADMIN,), EVERY_KIND),
        ((Role.AGENT,), {*INBOX, *PEOPLE, "Workspace"}),
        ((Role.VIEWER,), {*INBOX, *PEOPLE, "Workspace"}),
        ((), set()),
    ],
)
async def test_what_each_role_reads(workshop: Workshop, plans: Plans, roles: tuple[Role, ...], kinds: set[str]) -> None:
    ana = await workshop.person("Ana", Role.AGENT)
    things = await one_of_each(workshop, ana)
    viewer = await workshop.sign_in(await workshop.person("Reader", *roles))
    assert await readable(workshop, plans, viewer, things) == kinds


@pytest.mark.parametrize(
    ("scopes", "kinds"),
    [
        ((), {"Workspace"}),
        ((TokenScope.USERS_READ,), {"Workspace", *PEOPLE}),
        ((TokenScope.USERS_WRITE,), {"Workspace", "AccessToken", "ScheduledDeparture"}),
        ((TokenScope.INBOX_READ,), {"Workspace", *INBOX}),
        ((TokenScope.INBOX_WRITE,), {"Workspace"}),
        ((TokenScope.SESSIONS_WATCH,), {"Workspace"}),
        ((TokenScope.AUDIT_READ,), {"Workspace", "AuditEntry"}),
    ],
)
async def test_what_each_scope_reads(
    workshop: Workshop, plans: Plans, scopes: tuple[TokenScope, ...], kinds: set[str]
) -> None:
    ana = await workshop.person("Ana", Role.AGENT)
    things = await one_of_each(workshop, ana)
    assert await readable(workshop, plans, (await workshop.partner(*scopes)).viewer, things) == kinds


async def test_without_a_role_one_reads_oneself_ones_sessions_and_teams(workshop: Workshop, plans: Plans) -> None:
    nil = await workshop.person("Nil")
    things = await one_of_each(workshop, nil)
    async with workshop.database.begin() as tx:
        await tx.add(TeamMember(team_id=things["Team"], user_id=nil.id))
    assert await readable(workshop, plans, nil.viewer, things) == {"User", "Session", "Team"}


async def test_an_administrator_does_not_read_an_owners_access_token(workshop: Workshop, plans: Plans) -> None:
    things = {"AccessToken": (await workshop.partner()).id}
    adam = await workshop.sign_in(await workshop.person("Adam", Role.ADMIN))
    assert await readable(workshop, plans, adam, things) == set()
    assert await readable(workshop, plans, workshop.olivia.viewer, things) == {"AccessToken"}


async def test_another_workspaces_owner_reads_nothing(workshop: Workshop, plans: Plans) -> None:
    other = await Workshop.open(workshop.database, "other")
    things = await one_of_each(workshop, await workshop.person("Ana", Role.AGENT))
    assert await readable(workshop, plans, other.olivia.viewer, things) == set()
    assert await readable(workshop, plans, workshop.olivia.viewer, things) == EVERY_KIND


async def test_an_id_of_nothing_or_of_another_kind_is_none(workshop: Workshop, plans: Plans) -> None:
    things = await one_of_each(workshop, await workshop.person("Ana", Role.AGENT))
    viewer = workshop.olivia.viewer
    for thing_id in (NOBODY, new_id()):
        assert await readable(workshop, plans, viewer, dict.fromkeys(EVERY_KIND, thing_id)) == set()
    for wrong in EVERY_KIND - {"User"}:
        assert await readable(workshop, plans, viewer, {wrong: things["User"]}) == set()
    async with workshop.database.read() as reader:
        for unknown in ("DeletedUser", "Account", "", "user"):
            assert await read_node(reader, viewer, unknown, things["User"]) is None
