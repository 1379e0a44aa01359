"""Races about an account that several workspaces share: each has a lock of its own, so the account's row decides."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from models.database import Database, Tx
from models.enums import ClientKind, DeletionReason, ErrorCode, LinkKind, Role, UserStatus
from models.people import Account, MailedLink, User, UserSession, Workspace
from models.types import now
from resolvers import resets
from resolvers.deletion import delete_user
from resolvers.errors import Refused
from resolvers.invitations import accept_invitation, invite_user
from resolvers.lifecycle import deactivate_user
from resolvers.passwords import hash_password, verify_password
from resolvers.provisioning import create_workspace
from resolvers.resets import change_password, request_password_reset
from resolvers.viewer import digest
from tests.attempts import allowing
from tests.races import FEWER_ROUNDS, refusals, together, until_it_waits
from tests.records import event_rows
from tests.workshop import Person, Workshop

pytestmark = pytest.mark.long

OLD, NEW = "lantern orbit velvet", "harbour kettle 27"
DEVICE: dict[str, Any] = {
    "client": ClientKind.WEB,
    "device_name": None,
    "user_agent": None,
    "ip_address": None,
    "lifetime": timedelta(days=1),
    "hash_cost": 1,
}


@pytest.fixture
async def other(workshop: Workshop, node: Database) -> Workshop:
    """Another workspace, on another node."""
    return await Workshop.open(node, "other")


async def invited(shop: Workshop, email: str) -> tuple[Person, str]:
    """Somebody who is invited, and the token of the link."""
    person, token = await shop.person("Zoe Zahn", Role.AGENT, email=email, pending=True), f"{shop.workspace_id}{email}"
    async with shop.database.begin() as tx:
        await tx.add(
            MailedLink(
                workspace_id=shop.workspace_id,
                user_id=person.id,
                kind=LinkKind.INVITATION,
                token_hash=digest(token),
                created_at=now(),
                expires_at=now() + timedelta(days=1),
            )
        )
    return person, token


def accept(shop: Workshop, token: str, password: str) -> Awaitable[Any]:
    return accept_invitation(shop.database, token=token, password=password, attempts=allowing(), **DEVICE)


def change(shop: Workshop, member: Person) -> Awaitable[None]:
    given: dict[str, Any] = {"current_password": OLD, "new_password": NEW, "hash_cost": 1}
    return change_password(shop.database, member.viewer, attempts=allowing(), ip_address=None, **given)


def invite(shop: Workshop, email: str) -> Awaitable[Any]:
    return shop.database.transact(
        lambda tx: invite_user(
            tx,
            shop.olivia.viewer,
            email=email,
            name="Zoe Zahn",
            roles=[Role.AGENT],
            team_ids=[],
            lifetime=timedelta(days=1),
        )
    )


def delete(shop: Workshop, person: Person) -> Awaitable[Any]:
    return shop.database.transact(
        lambda tx: delete_user(
            tx,
            shop.olivia.viewer,
            user_id=person.id,
            confirmation=person.email,
            reason=DeletionReason.PRIVACY_REQUEST,
        )
    )


async def invite_twice(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when a transaction that lost a race is not run again."""
    assert refusals(await together(invite(workshop, email), invite(other, email))) == []
    assert await workshop.count(Account, email=email) == 1
    assert await workshop.count(User, email=email) == 2


async def accept_twice(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when coming in sets the password without asking whether it is still the one that was read."""
    (_, here), (_, there) = await invited(workshop, email), await invited(other, email)
    outcomes = await together(accept(workshop, here, OLD), accept(other, there, NEW))
    assert refusals(outcomes) == [ErrorCode.INVALID_CREDENTIALS]
    chosen = NEW if isinstance(outcomes[0], Refused) else OLD
    assert await verify_password(chosen, (await workshop.load(Account, email=email)).password_hash)


async def accept_while_the_password_changes(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when coming in sets the password without asking whether it is still the one that was read."""
    member = await workshop.person("Zoe Zahn", Role.AGENT, email=email, password_hash=await hash_password(OLD, 1))
    await workshop.sign_in(member)
    person, token = await invited(other, email)
    accepted, changed = await together(
        accept(other, token, OLD),
        change(workshop, member),
    )
    assert changed is None
    assert refusals([accepted]) in ([], [ErrorCode.INVALID_CREDENTIALS])
    assert await other.count(UserSession, user_id=person.id, ended_at=None) == 0


async def delete_from_both(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when a deletion does not hold the account: then each leaves it to the other to remove it."""
    here, there = [await shop.person("Zoe Zahn", Role.AGENT, email=email) for shop in (workshop, other)]
    assert refusals(await together(delete(workshop, here), delete(other, there))) == []
    assert await workshop.count(Account, email=email) == 0


async def delete_while_invited_elsewhere(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when an invitation does not hold the account, and a transaction that lost a race is not run again."""
    here = await workshop.person("Zoe Zahn", Role.AGENT, email=email)
    assert refusals(await together(delete(workshop, here), invite(other, email))) == []
    assert await workshop.count(Account, email=email) == await workshop.count(User, email=email) == 1


async def ask_for_resets(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when several links of one kind can be stored, or when who inserts a second one is not run again."""
    person = await workshop.person("Zoe Zahn", Role.AGENT, email=email)
    hour = timedelta(hours=1)
    await together(
        *(
            request_password_reset(shop.database, workspace="acme", email=email, lifetime=hour)
            for shop in (workshop, other)
        )
    )
    assert await workshop.count(MailedLink, user_id=person.id) == 1


async def ask_for_a_reset_while_deactivated(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when a link is written for a user whose row is not locked."""
    person = await workshop.person("Zoe Zahn", Role.AGENT, email=email)
    await together(
        request_password_reset(other.database, workspace="acme", email=email, lifetime=timedelta(hours=1)),
        workshop.database.transact(lambda tx: deactivate_user(tx, workshop.olivia.viewer, user_id=person.id)),
    )
    assert (await workshop.load(User, id=person.id)).status is UserStatus.INACTIVE
    assert await workshop.count(MailedLink, user_id=person.id) == 0


async def open_two_of_one_name(workshop: Workshop, other: Workshop, email: str) -> None:
    """Red when a transaction that lost a race is not run again."""
    slug = email.partition("@")[0]

    async def open_one(tx: Tx) -> Any:
        return await create_workspace(
            tx, slug=slug, name="Z", owner_email=email, owner_name="Zoe Zahn", password_hash="same"
        )

    outcomes = await together(workshop.database.transact(open_one), other.database.transact(open_one))
    assert refusals(outcomes) == [ErrorCode.INVALID_INPUT]
    assert await workshop.count(Workspace, slug=slug) == 1


@pytest.mark.parametrize(
    "play",
    [
        invite_twice,
        accept_twice,
        accept_while_the_password_changes,
        delete_from_both,
        delete_while_invited_elsewhere,
        ask_for_resets,
        ask_for_a_reset_while_deactivated,
        open_two_of_one_name,
    ],
)
async def test_a_race(workshop: Workshop, other: Workshop, play: Callable[..., Awaitable[None]]) -> None:
    """Each round has an address of its own."""
    for number in range(FEWER_ROUNDS):
        await play(workshop, other, f"zoe{number}@shared.test")


@pytest.mark.only_on("postgresql")
async def test_a_workspace_that_the_account_comes_to_meanwhile_is_locked_in_its_turn(
    workshop: Workshop, other: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when the account's workspaces are not read again under the locks."""
    email = "zoe@shared.test"
    member = await workshop.person("Zoe Zahn", Role.AGENT, email=email, password_hash=await hash_password(OLD, 1))
    await workshop.sign_in(member)
    locked: list[set[UUID]] = []
    lock = Tx.lock

    async def lock_late(tx: Tx, *workspace_ids: UUID) -> None:
        if not locked:
            await other.sign_in(await other.person("Zoe Zahn", Role.AGENT, email=email))
        locked.append(set(workspace_ids))
        await lock(tx, *workspace_ids)

    monkeypatch.setattr(Tx, "lock", lock_late)
    await change(workshop, member)
    assert locked == [{workshop.workspace_id}, {workshop.workspace_id, other.workspace_id}]
    assert len(await event_rows(other)) == 1


@pytest.mark.only_on("postgresql")
async def test_the_account_comes_to_no_other_workspace_while_its_password_changes(
    workshop: Workshop, other: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when a new password locks the workspaces of the account but not the account."""
    email = "zoe@shared.test"
    member = await workshop.person("Zoe Zahn", Role.AGENT, email=email, password_hash=await hash_password(OLD, 1))
    await workshop.sign_in(member)
    arriving: list[asyncio.Task[Person]] = []
    set_password = resets._set_password

    async def while_somebody_arrives(tx: Tx, *words: Any, **more: Any) -> None:
        arriving.append(asyncio.create_task(other.person("Zoe Zahn", Role.AGENT, email=email)))
        await until_it_waits(tx, arriving[0])
        await set_password(tx, *words, **more)

    monkeypatch.setattr(resets, "_set_password", while_somebody_arrives)
    await change(workshop, member)
    assert (await arriving[0]).email == email
