"""Inviting somebody, and accepting."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from models.database import Database, Tx, table
from models.enums import AuditAction, ClientKind, ErrorCode, EventKind, LinkKind, Role, TokenScope, UserChangeKind
from models.log import AuditEntry, Event
from models.people import Account, MailedLink, TeamMember, User, UserRole, UserSession, UserWord
from models.types import now
from resolvers import invitations
from resolvers.errors import Forbidden, Refused
from resolvers.invitations import accept_invitation, invite_user
from resolvers.passwords import hash_password, verify_password
from resolvers.signing_in import SignedIn, sign_in
from resolvers.viewer import Viewer, authenticate, digest
from tests.attempts import allowing
from tests.workshop import Person, Workshop

PASSWORD = "lantern orbit velvet"
DEVICE: dict[str, Any] = {
    "client": ClientKind.WEB,
    "device_name": "Laptop",
    "user_agent": None,
    "ip_address": None,
    "lifetime": timedelta(days=1),
    "hash_cost": 1,
}


async def invite(workshop: Workshop, viewer: Viewer | None = None, **changed: Any) -> Any:
    words: dict[str, Any] = {
        "email": "Nel@acme.test",
        "name": " Nel New ",
        "roles": [Role.AGENT],
        "team_ids": [],
        "lifetime": timedelta(days=7),
    }
    woken: list[bool] = []

    async def listen(tx: Tx) -> None:
        woken.append(tx.mail_due)

    workshop.database.after_commit.append(listen)
    invited = await workshop.database.transact(
        lambda tx: invite_user(tx, viewer or workshop.olivia.viewer, **(words | changed))
    )
    assert woken == [True]
    return invited.user_id


async def refusal(
    workshop: Workshop, viewer: Viewer | None = None, **changed: Any
) -> tuple[ErrorCode, list[str] | None]:
    users, links = await workshop.count(User), await workshop.count(MailedLink)
    with pytest.raises(Refused) as caught:
        await invite(workshop, viewer, **changed)
    assert (users, links) == (await workshop.count(User), await workshop.count(MailedLink))
    return caught.value.refusals[0].code, caught.value.refusals[0].field


async def accept(database: Database, token: str, password: str = PASSWORD, **changed: Any) -> SignedIn:
    words: dict[str, Any] = DEVICE | changed
    return await accept_invitation(database, token=token, password=password, attempts=allowing(), **words)


async def not_accepted(database: Database, token: str, password: str = PASSWORD) -> ErrorCode:
    with pytest.raises(Refused) as caught:
        await accept(database, token, password)
    return caught.value.refusals[0].code


async def mailed(workshop: Workshop, user_id: Any, kind: LinkKind = LinkKind.INVITATION, token: str = "token") -> str:
    """Play the mailer: give the link a token."""
    links = table(MailedLink)
    async with workshop.database.begin() as tx:
        changed = await tx.run(
            update(links)
            .where(links.c.user_id == user_id, links.c.kind == kind)
            .values(token_hash=digest(token), mail_due_at=None)
        )
    assert changed == 1
    return token


async def entries(workshop: Workshop) -> list[Any]:
    rows = table(AuditEntry)
    async with workshop.database.read() as reader:
        return list(
            await reader.rows(select(rows).where(rows.c.workspace_id == workshop.workspace_id).order_by(rows.c.id))
        )


async def events(workshop: Workshop) -> list[Any]:
    rows = table(Event)
    async with workshop.database.read() as reader:
        return list(
            await reader.rows(
                select(rows.c.kind, rows.c.change, rows.c.user_id)
                .where(rows.c.workspace_id == workshop.workspace_id)
                .order_by(rows.c.position)
            )
        )


async def test_an_invitation_makes_a_pending_user_and_a_mail_that_is_due(workshop: Workshop) -> None:
    team = await workshop.team("Support")
    user_id = await invite(workshop, roles=[Role.AGENT, Role.ADMIN, Role.AGENT], team_ids=[team, team])
    user = await workshop.load(User, id=user_id)
    assert (user.email, user.name, user.pending) == ("nel@acme.test", "Nel New", True)
    assert (await workshop.load(Account, id=user.account_id)).password_hash is None
    assert await workshop.count(UserRole, user_id=user_id) == 2
    assert await workshop.count(TeamMember, user_id=user_id, team_id=team) == 1
    assert await workshop.count(UserWord, user_id=user_id, word="nel@acme.test") == 1
    link = await workshop.load(MailedLink, user_id=user_id)
    assert (link.kind, link.token_hash, link.sent_by_id) == (LinkKind.INVITATION, None, workshop.olivia.actor_id)
    assert link.mail_due_at == link.created_at == link.expires_at - timedelta(days=7)
    entry = (await entries(workshop))[-1]
    assert (entry.action, entry.actor_id) == (AuditAction.USER_INVITED, workshop.olivia.actor_id)
    assert entry.details == {"roles": ["ADMIN", "AGENT"]}
    assert await events(workshop) == [(EventKind.USER_CHANGED, UserChangeKind.INVITED, user_id)]


async def test_somebody_of_another_workspace_is_invited_like_anybody(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    there = await other.person("Nel New", Role.OWNER, email="nel@acme.test")
    user_id = await invite(workshop)
    user = await workshop.load(User, id=user_id)
    assert user.pending
    assert user.account_id == (await workshop.load(User, id=there.id)).account_id
    assert await workshop.count(Account, email="nel@acme.test") == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "nel"}, "email"),
        ({"name": " \n"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"roles": []}, "roles"),
    ],
)
async def test_bad_input_is_refused(workshop: Workshop, changed: dict[str, Any], field: str) -> None:
    assert await refusal(workshop, **changed) == (ErrorCode.INVALID_INPUT, [field])


async def test_teams_of_elsewhere_are_not_found(workshop: Workshop) -> None:
    team = await (await Workshop.open(workshop.database, "other")).team("Support")
    assert await refusal(workshop, team_ids=[team]) == (ErrorCode.NOT_FOUND, ["teamIds"])
    assert await refusal(workshop, team_ids=[uuid4()]) == (ErrorCode.NOT_FOUND, ["teamIds"])


async def signed_in(workshop: Workshop, *roles: Role) -> Viewer:
    return await workshop.sign_in(await workshop.person("Adam Admin", *roles))


async def test_admins_invite_anybody_but_owners(workshop: Workshop) -> None:
    admin = await signed_in(workshop, Role.ADMIN)
    assert await refusal(workshop, admin, roles=[Role.OWNER, Role.AGENT]) == (ErrorCode.OWNER_REQUIRED, None)
    await invite(workshop, admin, roles=[Role.ADMIN])


@pytest.mark.parametrize("roles", [(), (Role.VIEWER,), (Role.AGENT,)])
async def test_others_invite_nobody(workshop: Workshop, roles: tuple[Role, ...]) -> None:
    with pytest.raises(Forbidden):
        await invite(workshop, await signed_in(workshop, *roles))


async def test_access_tokens_invite_agents_and_viewers_only(workshop: Workshop) -> None:
    partner = (await workshop.partner(TokenScope.USERS_WRITE)).viewer
    nel = await invite(workshop, partner, roles=[Role.AGENT, Role.VIEWER])
    assert (await workshop.load(MailedLink, user_id=nel)).sent_by_id == partner.actor_id
    for role in (Role.ADMIN, Role.OWNER):
        with pytest.raises(Forbidden):
            await invite(workshop, partner, email="max@acme.test", roles=[role])
    reader = (await workshop.partner(TokenScope.USERS_READ)).viewer
    with pytest.raises(Forbidden):
        await invite(workshop, reader, email="max@acme.test")


async def test_inviting_again_replaces_the_link_and_nothing_else(workshop: Workshop) -> None:
    user_id = await invite(workshop)
    earlier = await workshop.load(MailedLink, user_id=user_id)
    workshop.database.after_commit.clear()
    assert await invite(workshop, name="Somebody Else", roles=[Role.ADMIN]) == user_id
    assert (await workshop.load(MailedLink, user_id=user_id)).id != earlier.id
    assert (await workshop.load(User, id=user_id)).name == "Nel New"
    assert await workshop.count(UserRole, user_id=user_id, role=Role.AGENT) == 1
    assert await workshop.count(UserRole, user_id=user_id) == 1
    assert [(entry.action, entry.details) for entry in await entries(workshop)] == [
        (AuditAction.USER_INVITED, {"roles": ["AGENT"]})
    ] * 2
    assert len(await events(workshop)) == 1


async def test_a_pending_owner_is_invited_again_by_owners_only(workshop: Workshop) -> None:
    await invite(workshop, roles=[Role.OWNER])
    assert (await refusal(workshop, await signed_in(workshop, Role.ADMIN)))[0] is ErrorCode.OWNER_REQUIRED
    with pytest.raises(Forbidden):
        await invite(workshop, (await workshop.partner(TokenScope.USERS_WRITE)).viewer)


@pytest.mark.parametrize("kind", [{}, {"inactive": True}, {"inactive": True, "pending": True}])
async def test_who_is_in_already_is_not_invited(workshop: Workshop, kind: dict[str, bool]) -> None:
    await workshop.person("Nel New", Role.AGENT, **kind)  # type: ignore[arg-type]
    assert await refusal(workshop) == (ErrorCode.EMAIL_TAKEN, ["email"])


async def test_accepting_sets_the_password_and_signs_in(database: Database, workshop: Workshop) -> None:
    user_id = await invite(workshop)
    token = await mailed(workshop, user_id)
    accepted = await accept(database, token)
    async with database.read() as reader:
        found = await authenticate(reader, accepted.token)
    assert replace(found, feed=accepted.viewer.feed) == accepted.viewer
    assert accepted.user_id == user_id
    user = await workshop.load(User, id=user_id)
    assert not user.pending
    assert user.last_signed_in_at >= user.created_at
    entry = (await entries(workshop))[-1]
    assert (entry.action, entry.actor_id) == (AuditAction.INVITATION_ACCEPTED, accepted.viewer.actor_id)
    assert (await events(workshop))[-1] == (EventKind.USER_CHANGED, UserChangeKind.ROLES_CHANGED, user_id)
    await sign_in(database, workspace="acme", email="nel@acme.test", password=PASSWORD, **DEVICE)
    assert await not_accepted(database, token) is ErrorCode.TOKEN_INVALID


async def test_links_that_do_not_work(database: Database, workshop: Workshop) -> None:
    user_id = await invite(workshop)
    assert await not_accepted(database, "unknown") is ErrorCode.TOKEN_INVALID
    token = await mailed(workshop, user_id)
    link = await workshop.load(MailedLink, user_id=user_id)
    await workshop.change(MailedLink, link.id, expires_at=now())
    assert await not_accepted(database, token) is ErrorCode.TOKEN_INVALID
    await workshop.change(MailedLink, link.id, expires_at=link.expires_at)
    await workshop.change(User, user_id, status="INACTIVE")
    assert await not_accepted(database, token) is ErrorCode.TOKEN_INVALID
    await workshop.change(User, user_id, status="ACTIVE")
    await workshop.change(MailedLink, link.id, kind=LinkKind.PASSWORD_RESET)
    assert await not_accepted(database, token) is ErrorCode.TOKEN_INVALID
    await workshop.change(MailedLink, link.id, kind=LinkKind.INVITATION)
    await accept(database, token)


async def test_a_weak_password_is_refused_and_the_link_still_works(database: Database, workshop: Workshop) -> None:
    token = await mailed(workshop, await invite(workshop))
    assert await not_accepted(database, token, "short") is ErrorCode.WEAK_PASSWORD
    assert await not_accepted(database, token, "nel-new-acme") is ErrorCode.WEAK_PASSWORD
    await accept(database, token)


async def nel_of_elsewhere(workshop: Workshop) -> Person:
    other = await Workshop.open(workshop.database, "other")
    return await other.person(
        "Nel New", Role.OWNER, email="nel@acme.test", password_hash=await hash_password(PASSWORD, 1)
    )


async def test_an_account_with_a_password_keeps_it(database: Database, workshop: Workshop) -> None:
    await nel_of_elsewhere(workshop)
    token = await mailed(workshop, await invite(workshop))
    assert await not_accepted(database, token, "another fine password") is ErrorCode.INVALID_CREDENTIALS
    failure = (await entries(workshop))[-1]
    assert (failure.action, failure.actor_id) == (AuditAction.SIGN_IN_FAILED, workshop.system_id)
    assert failure.target_id is not None
    accepted = await accept(database, token)
    assert accepted.viewer.workspace_id == workshop.workspace_id
    account = await workshop.load(Account, email="nel@acme.test")
    assert await verify_password(PASSWORD, account.password_hash)


async def test_a_password_that_changed_meanwhile_is_not_overwritten(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await invite(workshop)
    token = await mailed(workshop, user_id)
    account_id = (await workshop.load(User, id=user_id)).account_id

    async def hash_slowly(*_: object, **__: object) -> str:
        await workshop.change(Account, account_id, password_hash="set elsewhere")
        return "set here"

    monkeypatch.setattr(invitations, "hash_new_password", hash_slowly)
    assert await not_accepted(database, token) is ErrorCode.INVALID_CREDENTIALS
    assert (await workshop.load(Account, id=account_id)).password_hash == "set elsewhere"


async def test_an_invitation_is_accepted_once(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await mailed(workshop, await invite(workshop))

    async def hash_slowly(*_: object, **__: object) -> str:
        monkeypatch.undo()
        await accept(database, token)
        return "too late"

    monkeypatch.setattr(invitations, "hash_new_password", hash_slowly)
    assert await not_accepted(database, token) is ErrorCode.TOKEN_INVALID
    assert await workshop.count(UserSession, device_name="Laptop") == 2
