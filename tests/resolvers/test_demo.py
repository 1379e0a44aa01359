from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models.database import Database, table
from models.enums import AuditAction, ClientKind, ConversationStatus, FollowUpKind, Role, UserStatus
from models.log import AuditEntry
from models.people import Account, TeamMember, User, UserRole, Workspace
from models.types import now
from models.work import Conversation, CsatResponse, FollowUp, Note
from resolvers.demo import PASSWORD, SLUG, open_demo
from resolvers.demo.story import Story
from resolvers.errors import Refused
from resolvers.passwords import hash_password
from resolvers.signing_in import SignedIn, sign_in
from tests.resolvers.test_importing import dump
from tests.workshop import Workshop

pytestmark = pytest.mark.long


async def column(database: Database, model: Any, name: str) -> list[Any]:
    async with database.read() as reader:
        return [row[0] for row in await reader.rows(select(table(model).c[name]))]


async def enter(database: Database, email: str) -> SignedIn:
    return await sign_in(
        database,
        workspace=SLUG,
        email=email,
        password=PASSWORD,
        lifetime=timedelta(days=1),
        hash_cost=1,
        client=ClientKind.WEB,
        device_name=None,
        user_agent=None,
        ip_address=None,
    )


async def test_the_demo_is_lively(database: Database) -> None:
    assert await open_demo(database, hash_cost=1)

    assert Counter(await column(database, User, "status"))[UserStatus.INACTIVE] == 5
    assert len(await column(database, User, "id")) == 30
    assert set(await column(database, UserRole, "role")) == set(Role)
    assert len(await column(database, TeamMember, "user_id")) > 30
    statuses = Counter(await column(database, Conversation, "status"))
    assert sum(statuses.values()) == 2_000
    assert min(statuses[status] for status in ConversationStatus) > 200
    kinds = Counter(await column(database, FollowUp, "kind"))
    assert min(kinds[kind] for kind in FollowUpKind) > 100
    assert len(await column(database, Note, "id")) > 1_000
    assert set(await column(database, CsatResponse, "rating")) == {1, 2, 3, 4, 5}
    for model, name in ((User, "email"), (Account, "email"), (Conversation, "customer_email")):
        assert all(email.endswith("@demo.test") for email in await column(database, model, name))

    olivia, omar, ana = [await enter(database, f"{name}@demo.test") for name in ("olivia", "omar", "ana")]
    assert Role.OWNER in olivia.viewer.roles
    assert Role.OWNER in omar.viewer.roles
    assert ana.viewer.roles == {Role.AGENT}


async def test_somebody_left_with_a_reason_and_a_note(database: Database) -> None:
    await open_demo(database, hash_cost=1)
    users = table(User)
    async with database.read() as reader:
        left = await reader.rows(select(users).where(users.c.status == UserStatus.INACTIVE))
    assert all(user.deactivation_reason and user.created_at < user.deactivated_at < now() for user in left)
    assert any(user.deactivation_note for user in left)
    actions = Counter(await column(database, AuditEntry, "action"))
    assert actions[AuditAction.USER_INVITED] == 30
    assert actions[AuditAction.USER_DEACTIVATED] == 5
    assert actions[AuditAction.ROLE_ASSIGNED] == 2
    assert max(await column(database, AuditEntry, "at")) <= now()


async def test_the_second_run_changes_nothing(database: Database) -> None:
    await open_demo(database, hash_cost=1)
    before = await dump(database)
    assert not await open_demo(database, hash_cost=1)
    assert await dump(database) == before


async def test_the_story_is_the_same_each_time(database: Database) -> None:
    moment = now()
    assert list(Story(moment).lines()) == list(Story(moment).lines())
    later = moment + timedelta(days=1)
    for one, other in zip(Story(moment).colleagues, Story(later).colleagues, strict=True):
        assert one.email == other.email
        assert other.joined_at - one.joined_at == timedelta(days=1)


async def test_an_account_with_another_password_stands_in_the_way(workshop: Workshop) -> None:
    await workshop.person(
        "Ana Ruiz", Role.AGENT, email="ana@demo.test", password_hash=await hash_password("another password", 1)
    )
    with pytest.raises(Refused, match=r"ana@demo\.test has an account already"):
        await open_demo(workshop.database, hash_cost=1)
    assert await workshop.count(Workspace) == 1


async def test_an_account_with_the_same_password_is_kept(workshop: Workshop) -> None:
    known = await hash_password(PASSWORD, 1)
    await workshop.person("Olivia Owens", Role.AGENT, email="olivia@demo.test", password_hash=known)
    assert await open_demo(workshop.database, hash_cost=1)
    assert (await workshop.load(Account, email="olivia@demo.test")).password_hash == known
