"""Signing in: who gets a session, and how little everybody else learns."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from models.database import Database, table
from models.enums import AuditAction, ClientKind, ErrorCode, Role, UserStatus
from models.log import AuditEntry
from models.people import Account, Installation, User, UserSession
from models.types import now
from resolvers import signing_in
from resolvers.errors import Refused
from resolvers.passwords import hash_password, needs_rehash, verify_password
from resolvers.signing_in import SignedIn, sign_in
from resolvers.viewer import authenticate
from tests.workshop import Person, Workshop

PASSWORD = "lantern orbit velvet"


@pytest.fixture
async def stored() -> str:
    return await hash_password(PASSWORD, 1)


@pytest.fixture
async def ana(workshop: Workshop, stored: str) -> Person:
    return await workshop.person("Ana Abel", Role.AGENT, password_hash=stored)


async def attempt(database: Database, **changed: Any) -> SignedIn:
    words: dict[str, Any] = {
        "workspace": "acme",
        "email": "ana@acme.test",
        "password": PASSWORD,
        "client": ClientKind.MOBILE,
        "device_name": "Ana's phone",
        "user_agent": "Agent/1",
        "ip_address": "192.0.2.7",
        "lifetime": timedelta(days=30),
        "hash_cost": 1,
    }
    return await sign_in(database, **(words | changed))


async def refused(database: Database, **changed: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await attempt(database, **changed)
    return caught.value


async def last_entry(workshop: Workshop) -> Any:
    entries = table(AuditEntry)
    async with workshop.database.read() as reader:
        return await reader.row(
            select(entries).where(entries.c.workspace_id == workshop.workspace_id).order_by(entries.c.id.desc())
        )


async def test_the_right_password_opens_a_session(database: Database, workshop: Workshop, ana: Person) -> None:
    before = now()
    signed_in = await attempt(database, workspace=" ACME", email=" Ana@Acme.test")
    async with database.read() as reader:
        assert await authenticate(reader, signed_in.token) == signed_in.viewer
    assert signed_in.user_id == signed_in.viewer.user_id == ana.id
    assert signed_in.session_id == signed_in.viewer.session_id
    assert signed_in.viewer.roles == {Role.AGENT}
    session = await workshop.load(UserSession, id=signed_in.session_id)
    assert (session.client, session.device_name) == (ClientKind.MOBILE, "Ana's phone")
    assert (session.user_agent, session.ip_address) == ("Agent/1", "192.0.2.7")
    assert session.expires_at - session.created_at == timedelta(days=30)
    assert signed_in.token not in repr(session)
    assert (await workshop.load(User, id=ana.id)).last_signed_in_at >= before
    entry = await last_entry(workshop)
    assert (entry.action, entry.actor_id) == (AuditAction.SIGNED_IN, ana.actor_id)


async def test_what_a_device_says_is_cut(database: Database, workshop: Workshop, ana: Person) -> None:
    signed_in = await attempt(database, device_name="x" * 500, user_agent="", ip_address=None)
    session = await workshop.load(UserSession, id=signed_in.session_id)
    assert (session.device_name, session.user_agent, session.ip_address) == ("x" * 200, None, None)


@pytest.fixture
async def everybody(workshop: Workshop, ana: Person, stored: str) -> None:
    """Ana, and people of every other kind; Pia and Ivy have their password from another workspace."""
    other = await Workshop.open(workshop.database, "other")
    for name in ("Pia", "Ivy"):
        await other.person(f"{name} Poe", Role.AGENT, email=f"{name.lower()}@acme.test", password_hash=stored)
    await workshop.person("Pia Poe", Role.AGENT, pending=True)
    await workshop.person("Ivy Poe", Role.AGENT, inactive=True)
    await workshop.person("New Nel", Role.AGENT, pending=True)
    await workshop.person("Imported Ida", Role.AGENT, password_hash=None)


FAILURES: dict[str, dict[str, Any]] = {
    "unknown workspace": {"workspace": "nowhere"},
    "unknown email": {"email": "nobody@acme.test"},
    "no email at all": {"email": "nobody"},
    "user of another workspace only": {"email": "olivia@other.test"},
    "wrong password": {"password": "wrong"},
    "wrong password of a deactivated user": {"email": "ivy@acme.test", "password": "wrong"},
    "invited, password from elsewhere": {"email": "pia@acme.test"},
    "invited": {"email": "new@acme.test"},
    "without a password": {"email": "imported@acme.test"},
}


async def test_every_failure_looks_and_costs_the_same(
    database: Database, workshop: Workshop, everybody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    verified: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    event.listen(database.engine.sync_engine, "commit", lambda _: statements.append("COMMIT"))

    async def verify(name: str) -> bool:
        verified.append(name)
        return False

    monkeypatch.setattr(signing_in, "verify_password", lambda *_: verify("somebody"))
    monkeypatch.setattr(signing_in, "verify_nobody", lambda *_: verify("nobody"))
    seen = {}
    for name, changed in FAILURES.items():
        statements.clear()
        verified.clear()
        refusals = (await refused(database, **changed)).refusals
        assert len(verified) == 1, name
        seen[name] = ([text.split()[0] for text in statements], refusals)
    expected = seen["wrong password"]
    assert expected[0].count("INSERT") == expected[0].count("COMMIT") == 1
    assert expected[1][0].code is ErrorCode.INVALID_CREDENTIALS
    assert {name: each for name, each in seen.items() if each != expected} == {}


@pytest.mark.parametrize("kind", FAILURES)
async def test_failures_are_noted(database: Database, workshop: Workshop, everybody: None, kind: str) -> None:
    refusal = (await refused(database, **FAILURES[kind])).refusals[0]
    assert refusal.code is ErrorCode.INVALID_CREDENTIALS
    assert await workshop.count(UserSession, workspace_id=workshop.workspace_id) == 1
    if kind == "unknown workspace":
        assert await workshop.count(AuditEntry) == 0
        await refused(database, **FAILURES[kind])
        assert (await workshop.load(Installation, id=1)).stray_attempts == 2
        return
    entry = await last_entry(workshop)
    assert (entry.action, entry.actor_id) == (AuditAction.SIGN_IN_FAILED, workshop.system_id)
    user = await workshop.load(
        User, workspace_id=workshop.workspace_id, email=FAILURES[kind].get("email", "ana@acme.test")
    )
    assert (entry.target_id is None) == (user is None)


async def test_a_deactivated_user_with_the_right_password_is_told_so(
    database: Database, workshop: Workshop, stored: str
) -> None:
    ivy = await workshop.person("Ivy Poe", Role.AGENT, inactive=True, password_hash=stored)
    refusal = (await refused(database, email="ivy@acme.test")).refusals[0]
    assert refusal.code is ErrorCode.USER_DEACTIVATED
    assert "deactivated by an administrator" in refusal.message
    entry = await last_entry(workshop)
    assert (entry.action, entry.target_id) == (AuditAction.SIGN_IN_FAILED, ivy.actor_id)
    assert await workshop.count(UserSession, user_id=ivy.id) == 0


@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [
        ({"status": UserStatus.INACTIVE, "epoch": 1}, ErrorCode.USER_DEACTIVATED),
        ({"epoch": 1}, ErrorCode.INVALID_CREDENTIALS),
    ],
)
async def test_what_changes_while_the_password_is_compared_decides(
    database: Database,
    workshop: Workshop,
    ana: Person,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: dict[str, Any],
    code: ErrorCode,
) -> None:
    async def verify(password: str, password_hash: str) -> bool:
        await workshop.change(User, ana.id, **meanwhile)
        return await verify_password(password, password_hash)

    monkeypatch.setattr(signing_in, "verify_password", verify)
    assert (await refused(database)).refusals[0].code is code
    assert await workshop.count(UserSession, user_id=ana.id) == 0


async def test_a_password_is_hashed_again_when_the_cost_has_changed(
    database: Database, workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await attempt(database, hash_cost=2)
    account = await workshop.load(Account, email=ana.email)
    assert not needs_rehash(account.password_hash, 2)
    await attempt(database, hash_cost=2)
    assert (await workshop.load(Account, email=ana.email)).password_hash == account.password_hash

    async def hash_slowly(password: str, cost: int) -> str:
        accounts = table(Account)
        async with database.begin() as tx:
            await tx.run(update(accounts).where(accounts.c.email == ana.email).values(password_hash="newer"))
        return await hash_password(password, cost)

    monkeypatch.setattr(signing_in, "hash_password", hash_slowly)
    await attempt(database, hash_cost=1)
    assert (await workshop.load(Account, email=ana.email)).password_hash == "newer"
