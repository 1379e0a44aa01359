"""New passwords: by mailed link and by somebody signed in, and what they end."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from models.database import Database, Tx, table
from models.enums import (
    AuditAction,
    ClientKind,
    ErrorCode,
    EventKind,
    LinkKind,
    RevocationReason,
    Role,
    TokenScope,
    UserChangeKind,
)
from models.log import AuditEntry, Event
from models.people import Account, Installation, MailedLink, User
from models.types import NOBODY, now
from resolvers import resets
from resolvers.errors import Forbidden, Refused, Unauthenticated
from resolvers.passwords import hash_password
from resolvers.resets import change_password, request_password_reset, reset_password
from resolvers.signing_in import sign_in
from resolvers.viewer import authenticate, digest
from tests.attempts import allowing
from tests.workshop import Person, Workshop

OLD = "lantern orbit velvet"
NEW = "harbour kettle 27"


async def request(database: Database, email: str = "ana@acme.test", workspace: str = "acme") -> None:
    await request_password_reset(database, workspace=workspace, email=email, lifetime=timedelta(hours=1))


@pytest.fixture
async def other(workshop: Workshop) -> Workshop:
    return await Workshop.open(workshop.database, "other")


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    ana = await workshop.person("Ana Abel", Role.AGENT, password_hash=await hash_password(OLD, 1))
    await workshop.sign_in(ana)
    return ana


@pytest.fixture
async def ana_elsewhere(other: Workshop, ana: Person) -> Person:
    """The same account in another workspace, signed in there too."""
    elsewhere = await other.person("Ana Abel", Role.AGENT, email=ana.email)
    await other.sign_in(elsewhere)
    return elsewhere


async def link_for(workshop: Workshop, person: Person, token: str = "token") -> str:
    """Request a reset, and play the mailer."""
    await request(workshop.database, person.email)
    links = table(MailedLink)
    async with workshop.database.begin() as tx:
        mine = (links.c.user_id == person.id) & (links.c.kind == LinkKind.PASSWORD_RESET)
        assert await tx.run(update(links).where(mine).values(token_hash=digest(token), mail_due_at=None)) == 1
    return token


async def reset(database: Database, token: str, password: str = NEW) -> None:
    await reset_password(database, token=token, new_password=password, hash_cost=1)


async def not_reset(database: Database, token: str, password: str = NEW) -> tuple[ErrorCode, list[str] | None]:
    with pytest.raises(Refused) as caught:
        await reset(database, token, password)
    return caught.value.refusals[0].code, caught.value.refusals[0].field


async def signs_in(database: Database, password: str, workspace: str = "acme", email: str = "ana@acme.test") -> bool:
    try:
        await sign_in(
            database,
            workspace=workspace,
            email=email,
            password=password,
            lifetime=timedelta(days=1),
            hash_cost=1,
            client=ClientKind.WEB,
            device_name=None,
            user_agent=None,
            ip_address=None,
        )
    except Refused:
        return False
    return True


async def why_ended(database: Database, person: Person) -> RevocationReason | None:
    async with database.read() as reader:
        try:
            await authenticate(reader, person.token)
        except Unauthenticated as ended:
            return ended.reason
    return None


async def entries(workshop: Workshop, action: AuditAction) -> list[Any]:
    rows = table(AuditEntry)
    async with workshop.database.read() as reader:
        found = await reader.rows(
            select(rows.c.actor_id, rows.c.target_id).where(
                rows.c.workspace_id == workshop.workspace_id, rows.c.action == action
            )
        )
    return [tuple(row) for row in found]


async def events(workshop: Workshop) -> list[Any]:
    rows = table(Event)
    async with workshop.database.read() as reader:
        found = await reader.rows(
            select(rows.c.kind, rows.c.user_id, rows.c.session_id, rows.c.reason, rows.c.change)
            .where(rows.c.workspace_id == workshop.workspace_id)
            .order_by(rows.c.position)
        )
    return [tuple(row) for row in found]


def revoked(person: Person) -> tuple[Any, ...]:
    session_id = person.viewer.session_id
    return (EventKind.SESSION_REVOKED, person.id, session_id, RevocationReason.PASSWORD_CHANGED, None)


async def test_a_request_has_one_link_mailed(database: Database, workshop: Workshop, ana: Person) -> None:
    woken: list[bool] = []

    async def listen(tx: Tx) -> None:
        woken.append(tx.mail_due)

    database.after_commit.append(listen)
    await request(database, " ANA@acme.test", "Acme ")
    first = await workshop.load(MailedLink, user_id=ana.id)
    assert (first.kind, first.token_hash, first.sent_by_id) == (LinkKind.PASSWORD_RESET, None, None)
    assert first.mail_due_at == first.created_at == first.expires_at - timedelta(hours=1)
    await request(database)
    assert (await workshop.load(MailedLink, user_id=ana.id)).id != first.id
    assert woken[0]
    requested = await entries(workshop, AuditAction.PASSWORD_RESET_REQUESTED)
    assert requested == [(workshop.system_id, ana.actor_id)] * 2


async def test_invited_people_may_ask_too_and_keep_their_invitation(database: Database, workshop: Workshop) -> None:
    nel = await workshop.person("Nel New", Role.AGENT, pending=True)
    async with database.begin() as tx:
        await tx.add(
            MailedLink(
                workspace_id=workshop.workspace_id,
                user_id=nel.id,
                kind=LinkKind.INVITATION,
                created_at=now(),
                expires_at=now() + timedelta(days=7),
            )
        )
    await request(database, nel.email)
    assert await workshop.count(MailedLink, user_id=nel.id) == 2


async def test_requests_for_anybody_look_and_cost_the_same(
    database: Database, workshop: Workshop, ana: Person, ana_elsewhere: Person
) -> None:
    ivy = await workshop.person("Ivy Ives", Role.AGENT, inactive=True)
    await workshop.person("Nel New", Role.AGENT, pending=True)
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    event.listen(database.engine.sync_engine, "commit", lambda _: statements.append("COMMIT"))
    seen: dict[tuple[str, str], list[str]] = {}
    for workspace, email in (
        ("acme", "ana@acme.test"),
        ("acme", "ana@acme.test"),
        ("acme", "nel@acme.test"),
        ("acme", "ivy@acme.test"),
        ("acme", "nobody@acme.test"),
        ("acme", "olivia@other.test"),
        ("acme", "no address"),
        ("nowhere", "ana@acme.test"),
    ):
        statements.clear()
        await request(database, email, workspace)
        seen[workspace, email] = [text.split()[0] for text in statements]
    expected = seen["acme", "ana@acme.test"]
    assert expected.count("COMMIT") == 1
    assert {who: each for who, each in seen.items() if each != expected} == {}
    assert await workshop.count(MailedLink) == 2
    targets = [target for _, target in await entries(workshop, AuditAction.PASSWORD_RESET_REQUESTED)]
    assert (len(targets), targets.count(ivy.actor_id), targets.count(None)) == (7, 1, 3)
    assert (await workshop.load(Installation, id=1)).stray_attempts == 1


async def test_a_reset_sets_the_password_and_ends_every_session_of_the_account(
    database: Database, workshop: Workshop, other: Workshop, ana: Person, ana_elsewhere: Person
) -> None:
    await request(database, ana.email, "other")
    await reset(database, await link_for(workshop, ana))
    assert await why_ended(database, ana) is RevocationReason.PASSWORD_CHANGED
    assert await why_ended(database, ana_elsewhere) is RevocationReason.PASSWORD_CHANGED
    assert await why_ended(database, workshop.olivia) is None
    assert await events(workshop) == [revoked(ana)]
    assert await events(other) == [revoked(ana_elsewhere)]
    assert [(await workshop.load(User, id=person.id)).epoch for person in (ana, ana_elsewhere)] == [1, 1]
    assert await workshop.count(MailedLink) == 0
    assert await entries(workshop, AuditAction.PASSWORD_CHANGED) == [(ana.actor_id, ana.actor_id)]
    assert await entries(other, AuditAction.PASSWORD_CHANGED) == [(ana_elsewhere.actor_id, ana_elsewhere.actor_id)]
    assert not await signs_in(database, OLD)
    assert await signs_in(database, NEW)
    assert await signs_in(database, NEW, "other")


async def test_a_reset_lets_an_invited_person_in(database: Database, workshop: Workshop) -> None:
    nel = await workshop.person("Nel New", Role.AGENT, pending=True)
    await reset(database, await link_for(workshop, nel))
    assert not (await workshop.load(User, id=nel.id)).pending
    assert await events(workshop) == [(EventKind.USER_CHANGED, nel.id, None, None, UserChangeKind.ROLES_CHANGED)]
    assert await entries(workshop, AuditAction.PASSWORD_CHANGED) == [(nel.actor_id, nel.actor_id)]
    assert await signs_in(database, NEW, email=nel.email)


@pytest.mark.parametrize("kind", ["inactive", "pending"])
async def test_a_workspace_where_somebody_is_out_learns_nothing(
    database: Database, workshop: Workshop, other: Workshop, ana: Person, kind: str
) -> None:
    elsewhere = await other.person("Ana Abel", Role.AGENT, email=ana.email, **{kind: True})  # type: ignore[arg-type]
    async with database.begin() as tx:
        await tx.add(
            MailedLink(
                workspace_id=other.workspace_id,
                user_id=elsewhere.id,
                kind=LinkKind.INVITATION,
                created_at=now(),
                expires_at=now() + timedelta(days=7),
            )
        )
    await reset(database, await link_for(workshop, ana))
    assert await entries(other, AuditAction.PASSWORD_CHANGED) == []
    assert await events(other) == []
    user = await workshop.load(User, id=elsewhere.id)
    assert (user.epoch, user.pending) == (1, kind == "pending")
    assert await workshop.count(MailedLink, kind=LinkKind.INVITATION) == 1


async def test_links_that_do_not_work(database: Database, workshop: Workshop, ana: Person) -> None:
    invalid = (ErrorCode.TOKEN_INVALID, ["token"])
    assert await not_reset(database, "unknown") == invalid
    token = await link_for(workshop, ana)
    link = await workshop.load(MailedLink, user_id=ana.id)
    for change, back in (
        ({"expires_at": now()}, {"expires_at": link.expires_at}),
        ({"kind": LinkKind.INVITATION}, {"kind": LinkKind.PASSWORD_RESET}),
    ):
        await workshop.change(MailedLink, link.id, **change)
        assert await not_reset(database, token) == invalid
        await workshop.change(MailedLink, link.id, **back)
    await workshop.change(User, ana.id, status="INACTIVE")
    assert await not_reset(database, token) == invalid
    await workshop.change(User, ana.id, status="ACTIVE")
    assert await not_reset(database, token, "Ana-Abel-2024") == (ErrorCode.WEAK_PASSWORD, ["newPassword"])
    await reset(database, token)
    assert await not_reset(database, token) == invalid


async def test_a_link_works_once_even_when_used_twice_at_a_time(
    database: Database, workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await link_for(workshop, ana)

    async def hash_slowly(*_: object, **__: object) -> str:
        monkeypatch.undo()
        await reset(database, token)
        return "too late"

    monkeypatch.setattr(resets, "hash_new_password", hash_slowly)
    assert (await not_reset(database, token))[0] is ErrorCode.TOKEN_INVALID
    assert await signs_in(database, NEW)


async def change(database: Database, person: Person, current: str = OLD, new: str = NEW) -> None:
    given: dict[str, Any] = {"current_password": current, "new_password": new, "hash_cost": 1}
    await change_password(database, person.viewer, attempts=allowing(), ip_address=None, **given)


async def not_changed(database: Database, person: Person, current: str = OLD, new: str = NEW) -> tuple[Any, ...]:
    with pytest.raises(Refused) as caught:
        await change(database, person, current, new)
    return caught.value.refusals[0].code, caught.value.refusals[0].field


async def test_changing_the_password_keeps_the_session_that_asks(
    database: Database, workshop: Workshop, other: Workshop, ana: Person, ana_elsewhere: Person
) -> None:
    phone = Person(ana.id, ana.actor_id, ana.email)
    await workshop.sign_in(phone)
    await link_for(workshop, ana)
    await change(database, ana)
    assert await why_ended(database, ana) is None
    assert await why_ended(database, phone) is RevocationReason.PASSWORD_CHANGED
    assert await why_ended(database, ana_elsewhere) is RevocationReason.PASSWORD_CHANGED
    assert await events(workshop) == [revoked(phone)]
    assert await events(other) == [revoked(ana_elsewhere)]
    assert await entries(workshop, AuditAction.PASSWORD_CHANGED) == [(ana.actor_id, ana.actor_id)]
    assert await workshop.count(MailedLink) == 0
    assert await signs_in(database, NEW)
    await change(database, ana, NEW, "velvet lantern kettle")


async def test_a_wrong_or_weak_password_changes_nothing(database: Database, workshop: Workshop, ana: Person) -> None:
    assert await not_changed(database, ana, "wrong") == (ErrorCode.INVALID_CREDENTIALS, ["currentPassword"])
    assert await not_changed(database, ana, OLD, "short") == (ErrorCode.WEAK_PASSWORD, ["newPassword"])
    assert await workshop.count(AuditEntry) == 0
    assert await signs_in(database, OLD)


async def test_access_tokens_have_no_password(database: Database, workshop: Workshop) -> None:
    partner = await workshop.partner(*TokenScope)
    with pytest.raises(Forbidden):
        await change(database, partner)


async def test_who_is_deactivated_meanwhile_changes_nothing(
    database: Database, workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deactivate(*_: object, **__: object) -> str:
        await workshop.change(User, ana.id, status="INACTIVE")
        return "too late"

    monkeypatch.setattr(resets, "hash_new_password", deactivate)
    with pytest.raises(Unauthenticated) as caught:
        await change(database, ana)
    assert caught.value.reason is RevocationReason.USER_DEACTIVATED
    assert (await workshop.load(Account, email=ana.email)).password_hash != "too late"


async def test_who_was_deleted_meanwhile_is_told_so(database: Database, ana: Person) -> None:
    ana.viewer = replace(ana.viewer, user_id=NOBODY)
    with pytest.raises(Unauthenticated) as caught:
        await change(database, ana)
    assert caught.value.reason is RevocationReason.USER_DELETED


async def test_a_password_that_changed_meanwhile_is_not_overwritten(
    database: Database, workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = (await workshop.load(User, id=ana.id)).account_id

    async def change_elsewhere(*_: object, **__: object) -> str:
        await workshop.change(Account, account_id, password_hash="newer")
        return "too late"

    monkeypatch.setattr(resets, "hash_new_password", change_elsewhere)
    assert (await not_changed(database, ana))[0] is ErrorCode.INVALID_CREDENTIALS
    assert (await workshop.load(Account, id=account_id)).password_hash == "newer"
