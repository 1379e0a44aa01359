"""Confirming a password that one has, to change it or to accept an invitation: no way to guess without a limit."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from models.database import Database
from models.enums import ClientKind, ErrorCode, LinkKind, Role
from models.people import MailedLink
from models.types import now
from resolvers.attempts import Attempts
from resolvers.errors import Refused
from resolvers.invitations import accept_invitation
from resolvers.passwords import hash_password
from resolvers.resets import change_password
from resolvers.viewer import digest
from tests.attempts import allowing
from tests.workshop import Workshop

OLD, NEW = "lantern orbit velvet", "harbour kettle 27"

Confirm = Callable[[str, str, Attempts, str], Awaitable[Any]]


@pytest.fixture(params=["change", "accept"])
async def confirm(request: pytest.FixtureRequest, database: Database, workshop: Workshop) -> Confirm:
    """Confirm the password of Ana or Ben, both of whom have one from another workspace."""
    other, password_hash = await Workshop.open(database, "other"), await hash_password(OLD, 1)
    people = {}
    for name in ("Ana", "Ben"):
        member = await other.person(name, Role.AGENT, password_hash=password_hash)
        await other.sign_in(member)
        invited = await workshop.person(name, Role.AGENT, email=member.email, pending=True)
        link = MailedLink(
            workspace_id=workshop.workspace_id,
            user_id=invited.id,
            kind=LinkKind.INVITATION,
            token_hash=digest(name),
            created_at=now(),
            expires_at=now() + timedelta(days=1),
        )
        async with database.begin() as tx:
            await tx.add(link)
        people[name] = member

    def change(name: str, password: str, attempts: Attempts, address: str) -> Awaitable[Any]:
        given: dict[str, Any] = {"current_password": password, "new_password": NEW, "hash_cost": 1}
        return change_password(database, people[name].viewer, attempts=attempts, ip_address=address, **given)

    def accept(name: str, password: str, attempts: Attempts, address: str) -> Awaitable[Any]:
        device: dict[str, Any] = {"client": ClientKind.WEB, "device_name": None, "user_agent": None}
        given: dict[str, Any] = {"token": name, "password": password, "lifetime": timedelta(days=1), "hash_cost": 1}
        return accept_invitation(database, attempts=attempts, ip_address=address, **given, **device)

    return change if request.param == "change" else accept


async def refused(confirmed: Awaitable[Any]) -> ErrorCode:
    with pytest.raises(Refused) as caught:
        await confirmed
    return caught.value.refusals[0].code


async def test_guesses_are_limited_per_account(confirm: Confirm) -> None:
    attempts = allowing(per_account=2)
    for number in range(2):
        assert await refused(confirm("Ana", "a guess", attempts, f"192.0.2.{number}")) is ErrorCode.INVALID_CREDENTIALS
    for password in ("a guess", OLD):
        assert await refused(confirm("Ana", password, attempts, "192.0.2.9")) is ErrorCode.RATE_LIMITED
    await confirm("Ben", OLD, attempts, "192.0.2.9")


async def test_guesses_are_limited_per_address(confirm: Confirm) -> None:
    attempts = allowing(per_address=1)
    assert await refused(confirm("Ana", "a guess", attempts, "192.0.2.1")) is ErrorCode.INVALID_CREDENTIALS
    assert await refused(confirm("Ben", OLD, attempts, "192.0.2.1")) is ErrorCode.RATE_LIMITED
    await confirm("Ben", OLD, attempts, "192.0.2.2")


async def test_the_right_password_does_not_count(confirm: Confirm) -> None:
    attempts = allowing(per_address=1)
    await confirm("Ana", OLD, attempts, "192.0.2.1")
    assert await refused(confirm("Ben", "a guess", attempts, "192.0.2.1")) is ErrorCode.INVALID_CREDENTIALS


async def test_whoever_fails_to_sign_in_keeps_nobody_from_it(confirm: Confirm) -> None:
    attempts = allowing(per_account=1, per_address=1)
    for workspace in ("acme", "other"):
        with pytest.raises(Refused):
            async with attempts.sign_in(workspace, "ana@acme.test", "192.0.2.1"):
                raise Refused
    await confirm("Ana", OLD, attempts, "192.0.2.1")
