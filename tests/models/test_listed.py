"""What roles and teams repeat of their users is always what the users are."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from models.database import Tx, table
from models.enums import Role, UserStatus
from models.people import Listed, TeamMember, User, UserRole
from tests.crowd import minute
from tests.races import until_it_waits
from tests.workshop import Person, Workshop

USER = table(User)
REPEATED = tuple(Listed.model_fields)


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    return await workshop.person("Ana", Role.ADMIN, teams=(await workshop.team("Support"),))


async def said(shop: Workshop, person: Person) -> list[Any]:
    """What the user's own row says, then what each of its roles and teams does."""
    rows = ((USER, "id"), (table(UserRole), "user_id"), (table(TeamMember), "user_id"))
    ways = [select(*(each.c[name] for name in REPEATED)).where(each.c[key] == person.id) for each, key in rows]
    async with shop.database.read() as reader:
        return [tuple(row) for way in ways for row in await reader.rows(way)]


async def test_they_repeat_a_user_from_the_beginning(workshop: Workshop, ana: Person) -> None:
    user = await workshop.load(User, id=ana.id)
    expected = tuple(getattr(user, name) for name in REPEATED)
    assert None not in expected
    assert await said(workshop, ana) == [expected] * 3


@pytest.mark.parametrize(
    "changed",
    [
        {"status": UserStatus.INACTIVE},
        {"name_key": "anne"},
        {"created_at": minute(7)},
        {"last_signed_in_at": minute(8)},
    ],
    ids=REPEATED,
)
async def test_they_follow_each_change(workshop: Workshop, ana: Person, changed: dict[str, Any]) -> None:
    bob = await workshop.person("Bob", Role.ADMIN)
    others = await said(workshop, bob)
    await workshop.change(User, ana.id, **changed)
    own, *repeated = await said(workshop, ana)
    assert set(changed.values()) < set(own)
    assert repeated == [own] * 2
    assert await said(workshop, bob) == others


@pytest.mark.only_on("postgresql")
async def test_a_role_given_meanwhile_repeats_what_was_not_yet_committed(workshop: Workshop, ana: Person) -> None:
    """Who signs in does not take the workspace's lock. Red without FOR SHARE in the trigger."""

    async def give(tx: Tx) -> None:
        await tx.add(UserRole(user_id=ana.id, role=Role.AGENT, workspace_id=workshop.workspace_id))

    async with workshop.database.begin() as tx:
        await tx.run(USER.update().where(USER.c.id == ana.id).values(last_signed_in_at=minute(9)))
        giving = asyncio.create_task(workshop.database.transact(give))
        await until_it_waits(tx, giving)
    await giving
    own, *repeated = await said(workshop, ana)
    assert minute(9) in own
    assert repeated == [own] * 3
