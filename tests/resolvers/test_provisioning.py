from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from models.database import Database
from models.enums import ActorKind, AuditAction, ClientKind, EventKind, LinkKind, RevocationReason, Role, UserChangeKind
from models.events import read_after, state
from models.log import AuditEntry
from models.people import Account, Actor, MailedLink, TeamMember, User, UserRole, UserSession, Workspace
from models.types import now
from resolvers.errors import Refused, Unauthenticated
from resolvers.passwords import verify_password
from resolvers.provisioning import create_user, create_workspace, find_workspace, password_hash_for, secure_restored
from resolvers.signing_in import sign_in
from resolvers.viewer import authenticate
from tests.workshop import Workshop

PASSWORD = "correct horse battery"
OWNER = {"slug": "blue-2", "name": "Blue", "owner_email": "Bo@Blue.test", "owner_name": "Bo Blue"}


async def hashed(database: Database, email: str, password: str = PASSWORD, *context: str) -> str:
    async with database.read() as reader:
        return await password_hash_for(reader, email=email, password=password, context=context, cost=1)


async def open_blue(database: Database, **changes: str) -> UUID:
    values = {**OWNER, "password_hash": "hash", **changes}
    return await database.transact(lambda tx: create_workspace(tx, **values))


async def add(database: Database, **changes: Any) -> UUID:
    values: dict[str, Any] = {
        "workspace": "acme",
        "email": "ana@acme.test",
        "name": "Ana Ruiz",
        "roles": [Role.AGENT],
        "teams": [],
        "password_hash": "hash",
        **changes,
    }
    return await database.transact(lambda tx: create_user(tx, **values))


async def test_a_workspace_opens_with_an_owner_who_can_sign_in(database: Database) -> None:
    workspace_id = await open_blue(database, password_hash=await hashed(database, "bo@blue.test"))
    signed_in = await sign_in(
        database,
        workspace="blue-2",
        email="bo@blue.test",
        password=PASSWORD,
        lifetime=timedelta(days=1),
        hash_cost=1,
        client=ClientKind.WEB,
        device_name=None,
        user_agent=None,
        ip_address=None,
    )
    assert signed_in.viewer.workspace_id == workspace_id
    assert signed_in.viewer.roles == {Role.OWNER}
    async with database.read() as reader:
        assert await find_workspace(reader, "blue-2") == workspace_id


async def test_a_new_user_is_told_and_recorded_by_the_system(database: Database) -> None:
    workspace_id = await open_blue(database)
    shop = Workshop(database, workspace_id, workspace_id)
    system = await shop.load(Actor, workspace_id=workspace_id, kind=ActorKind.SYSTEM)
    user = await shop.load(User, workspace_id=workspace_id)
    actor = await shop.load(Actor, user_id=user.id)
    assert (user.email, user.pending) == ("bo@blue.test", False)
    entry = await shop.load(AuditEntry, workspace_id=workspace_id)
    assert (entry.action, entry.actor_id, entry.target_id) == (AuditAction.USER_INVITED, system.id, actor.id)
    assert entry.details == {"roles": ["OWNER"]}
    async with database.read() as reader:
        (event,) = await read_after(reader, workspace_id, 0)
    assert (event.kind, event.change, event.user_id) == (EventKind.USER_CHANGED, UserChangeKind.INVITED, user.id)


@pytest.mark.parametrize("slug", ["a", "Blue", "blue_2", "blue 2", "x" * 64, "bleu\n", "blüe"])
async def test_a_malformed_slug_is_refused(database: Database, slug: str) -> None:
    with pytest.raises(Refused, match="cannot be a slug"):
        await open_blue(database, slug=slug)


async def test_a_taken_slug_is_refused_and_nothing_is_left(workshop: Workshop) -> None:
    with pytest.raises(Refused, match='The slug "acme" is taken'):
        await open_blue(workshop.database, slug="acme")
    assert await workshop.count(Account) == 1


@pytest.mark.parametrize(("field", "value"), [("owner_email", "bo"), ("owner_name", "  "), ("name", "")])
async def test_a_bad_value_is_refused_and_nothing_is_left(workshop: Workshop, field: str, value: str) -> None:
    with pytest.raises(Refused):
        await open_blue(workshop.database, **{field: value})
    assert await workshop.count(Workspace) == 1
    assert await workshop.count(Actor) == 2


async def test_a_user_gets_roles_and_teams(workshop: Workshop) -> None:
    billing = await workshop.team("Billing")
    user_id = await add(workshop.database, roles=[Role.ADMIN, Role.AGENT, Role.ADMIN], teams=["Billing", "Billing"])
    assert await workshop.count(UserRole, user_id=user_id) == 2
    assert await workshop.count(TeamMember, user_id=user_id, team_id=billing) == 1
    assert not (await workshop.load(User, id=user_id)).pending


async def test_an_unknown_team_is_refused_and_the_existing_ones_are_named(workshop: Workshop) -> None:
    with pytest.raises(Refused, match="There are no teams yet"):
        await add(workshop.database, teams=["Billing"])
    await workshop.team("Support")
    await workshop.team("Onboarding")
    with pytest.raises(Refused, match=r'no team "Billing".*The teams are: Onboarding, Support\.'):
        await add(workshop.database, teams=["Billing"])


async def test_teams_of_another_workspace_are_unknown(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    await other.team("Billing")
    with pytest.raises(Refused, match="There are no teams yet"):
        await add(workshop.database, teams=["Billing"])


async def test_no_role_an_unknown_workspace_and_a_taken_address_are_refused(workshop: Workshop) -> None:
    with pytest.raises(Refused, match="at least one role"):
        await add(workshop.database, roles=[])
    with pytest.raises(Refused, match='no workspace "nowhere"'):
        await add(workshop.database, workspace="nowhere")
    with pytest.raises(Refused, match=r"olivia@acme\.test is a user of this workspace already"):
        await add(workshop.database, email="OLIVIA@acme.test", password_hash="unusable")


async def test_an_account_keeps_its_one_password(database: Database) -> None:
    await open_blue(database, password_hash=await hashed(database, "bo@blue.test"))
    known = await hashed(database, "Bo@blue.test")
    await open_blue(database, slug="second", password_hash=known)
    with pytest.raises(Refused, match="with another password"):
        await hashed(database, "bo@blue.test", "another horse battery")
    with pytest.raises(Refused, match="with another password"):
        await open_blue(database, slug="third", password_hash="another")


async def test_a_weak_password_is_refused(database: Database) -> None:
    with pytest.raises(Refused, match="too short"):
        await hashed(database, "bo@blue.test", "short")
    with pytest.raises(Refused, match="made of your name"):
        await hashed(database, "bo@blue.test", "Bonifatius Blue", "Bonifatius Blue")
    assert await verify_password(PASSWORD, await hashed(database, "bo@blue.test"))


async def test_after_a_restore_nothing_of_before_works(workshop: Workshop) -> None:
    database = workshop.database
    other = await Workshop.open(database, "other")
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    for kind in LinkKind:
        link = MailedLink(
            workspace_id=workshop.workspace_id, user_id=ana.id, kind=kind, created_at=now(), expires_at=now()
        )
        async with database.begin() as tx:
            await tx.add(link)
    async with database.read() as reader:
        before = {shop.workspace_id: await state(reader, shop.workspace_id) for shop in (workshop, other)}

    assert await database.transact(secure_restored) == 2

    for shop in (workshop, other):
        async with database.read() as reader:
            with pytest.raises(Unauthenticated) as caught:
                await authenticate(reader, shop.olivia.token)
            assert caught.value.reason is RevocationReason.SESSION_REVOKED
            after = await state(reader, shop.workspace_id)
        assert after.generation != before[shop.workspace_id].generation
        assert (await shop.load(User, id=shop.olivia.id)).epoch == 1
        entry = await shop.load(AuditEntry, workspace_id=shop.workspace_id)
        assert (entry.actor_id, entry.target_id) == (shop.system_id, shop.olivia.actor_id)
        assert entry.details == {"sessions": 1}
    assert (await workshop.load(User, id=ana.id)).epoch == 1
    assert await workshop.count(MailedLink, kind=LinkKind.PASSWORD_RESET) == 0
    assert await workshop.count(MailedLink, kind=LinkKind.INVITATION) == 1
    assert await workshop.count(UserSession, ended_at=None) == 0
