"""Deactivating and reactivating: who is shut out of what, what stays, and what comes back."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.database import Database
from models.enums import (
    AuditAction,
    ConversationStatus,
    DeactivationReason,
    ErrorCode,
    EventKind,
    LinkKind,
    RevocationReason,
    Role,
    TokenScope,
    UserChangeKind,
    UserStatus,
)
from models.people import Account, MailedLink, TeamMember, User, UserRole, UserSession
from models.types import NOBODY, now
from models.work import BulkOperation, Conversation, FollowUp, Note
from resolvers.errors import Forbidden, Refused, Unauthenticated
from resolvers.lifecycle import Deactivated, deactivate_user, reactivate_user
from resolvers.links import open_link
from resolvers.roles import remove_role
from resolvers.targets import Target
from resolvers.viewer import authenticate, digest
from tests.records import audit_rows, call, dump, event_rows, of_workspace, refused, unchanged, why_signed_out
from tests.workshop import Person, Workshop


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    ana = await workshop.person("Ana Abel", Role.AGENT, Role.VIEWER)
    await workshop.sign_in(ana)
    return ana


@pytest.fixture
async def other(workshop: Workshop) -> Workshop:
    return await Workshop.open(workshop.database, "other")


async def link(shop: Workshop, person: Person, kind: LinkKind, token: str) -> None:
    async with shop.database.begin() as tx:
        await tx.add(
            MailedLink(
                workspace_id=shop.workspace_id,
                user_id=person.id,
                kind=kind,
                token_hash=digest(token),
                created_at=now(),
                expires_at=now() + timedelta(days=1),
            )
        )


async def deactivate(shop: Workshop, who: Person, by: Person | None = None, **words: Any) -> Deactivated:
    done: Deactivated = await call(shop, deactivate_user, by or shop.olivia, user_id=who.id, **words)
    return done


async def assignee(shop: Workshop, conversation_id: UUID) -> UUID | None:
    found: UUID | None = (await shop.load(Conversation, id=conversation_id)).assignee_id
    return found


async def test_every_session_ends_at_once(workshop: Workshop, ana: Person) -> None:
    laptop, first = ana.token, ana.viewer.session_id
    await workshop.sign_in(ana)
    done = await deactivate(workshop, ana)
    assert done == Deactivated(ana.id, 2, None)
    for token in (laptop, ana.token):
        assert await why_signed_out(workshop, token) is RevocationReason.USER_DEACTIVATED
    for session_id in (first, ana.viewer.session_id):
        session = await workshop.load(UserSession, id=session_id)
        assert session.end_reason is RevocationReason.USER_DEACTIVATED
        assert (session.device_name, session.user_agent, session.ip_address) == (None, None, None)
    async with workshop.database.read() as reader:
        assert (await authenticate(reader, workshop.olivia.token)).user_id == workshop.olivia.id


async def test_it_says_who_when_and_why(workshop: Workshop, ana: Person) -> None:
    before = now()
    await deactivate(workshop, ana, reason=DeactivationReason.LEFT_COMPANY, note="  Farewell on Friday ")
    user = await workshop.load(User, id=ana.id)
    assert (user.status, user.deactivated_by_id) == (UserStatus.INACTIVE, workshop.olivia.actor_id)
    assert (user.deactivation_reason, user.deactivation_note) == (
        DeactivationReason.LEFT_COMPANY,
        "Farewell on Friday",
    )
    assert before <= user.deactivated_at <= now()
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id, entry.target_id) == (
        AuditAction.USER_DEACTIVATED,
        workshop.olivia.actor_id,
        ana.actor_id,
    )
    assert entry.details == {"reason": "LEFT_COMPANY", "sessions": 1}


@pytest.mark.parametrize("note", [None, "", "  "])
async def test_reason_and_note_may_be_left_out(workshop: Workshop, ana: Person, note: str | None) -> None:
    await deactivate(workshop, ana, note=note)
    user = await workshop.load(User, id=ana.id)
    assert (user.deactivation_reason, user.deactivation_note) == (DeactivationReason.OTHER, None)


async def test_clients_hear_of_each_session_and_then_of_the_user(workshop: Workshop, ana: Person) -> None:
    first = ana.viewer.session_id
    await workshop.sign_in(ana)
    await deactivate(workshop, ana)
    *sessions, user = await event_rows(workshop)
    assert [(row.kind, row.session_id, row.user_id, row.reason) for row in sessions] == [
        (EventKind.SESSION_REVOKED, session_id, ana.id, RevocationReason.USER_DEACTIVATED)
        for session_id in (first, ana.viewer.session_id)
    ]
    assert (user.kind, user.user_id, user.change) == (EventKind.USER_CHANGED, ana.id, UserChangeKind.DEACTIVATED)


async def test_links_of_that_user_are_void_and_no_others(workshop: Workshop) -> None:
    pia = await workshop.person("Pia Poe", Role.AGENT, pending=True)
    bob = await workshop.person("Bob Burr", Role.AGENT)
    await link(workshop, pia, LinkKind.INVITATION, "invited")
    await link(workshop, pia, LinkKind.PASSWORD_RESET, "forgot")
    await link(workshop, bob, LinkKind.PASSWORD_RESET, "bob forgot")
    await deactivate(workshop, pia)
    async with workshop.database.read() as reader:
        for token, kind in (("invited", LinkKind.INVITATION), ("forgot", LinkKind.PASSWORD_RESET)):
            with pytest.raises(Refused):
                await open_link(reader, token, kind)
        assert (await open_link(reader, "bob forgot", LinkKind.PASSWORD_RESET)).user_id == bob.id
    await call(workshop, reactivate_user, workshop.olivia, user_id=pia.id)
    assert await workshop.count(MailedLink, user_id=pia.id) == 0


async def test_roles_teams_history_and_assignments_stay(workshop: Workshop, ana: Person) -> None:
    team = await workshop.team("Support", ana)
    conversation = await workshop.conversation(assignee=ana)
    snoozed = await workshop.conversation(assignee=ana, status=ConversationStatus.SNOOZED)
    note = await workshop.note(conversation, ana)
    follow_up = await workshop.follow_up(conversation, ana)
    await deactivate(workshop, ana)
    assert await workshop.count(UserRole, user_id=ana.id) == 2
    assert await workshop.count(TeamMember, user_id=ana.id, team_id=team) == 1
    assert await assignee(workshop, conversation) == await assignee(workshop, snoozed) == ana.actor_id
    assert (await workshop.load(FollowUp, id=follow_up)).assignee_id == ana.actor_id
    assert (await workshop.load(Note, id=note)).author_id == ana.actor_id
    assert await workshop.count(BulkOperation) == 0


async def test_a_repeated_call_changes_nothing(workshop: Workshop, ana: Person) -> None:
    await deactivate(workshop, ana, reason=DeactivationReason.EXTENDED_LEAVE, note="Back in May")
    again = {"user_id": ana.id, "reason": DeactivationReason.LEFT_COMPANY, "note": "Gone", "revoke_access_tokens": True}
    assert await unchanged(workshop, deactivate_user, workshop.olivia, **again) == Deactivated(ana.id, 0, None)


async def test_a_session_with_an_old_epoch_is_dead_for_good(workshop: Workshop, ana: Person) -> None:
    """As a sign-in would leave it that read the epoch before the deactivation and wrote after the reactivation."""
    session = await workshop.load(UserSession, id=ana.viewer.session_id)
    await deactivate(workshop, ana)
    late = {name: getattr(session, name) for name in UserSession.model_fields} | {
        "id": uuid4(),
        "token_hash": digest("t"),
    }
    async with workshop.database.begin() as tx:
        await tx.add(UserSession(**late))
    assert await why_signed_out(workshop, "t") is RevocationReason.USER_DEACTIVATED
    await call(workshop, reactivate_user, workshop.olivia, user_id=ana.id)
    assert await why_signed_out(workshop, "t") is RevocationReason.SESSION_REVOKED
    assert await why_signed_out(workshop, ana.token) is RevocationReason.USER_DEACTIVATED


async def test_who_is_deactivated_meanwhile_does_nothing_more(workshop: Workshop, ana: Person) -> None:
    ada = await workshop.person("Ada Ames", Role.ADMIN)
    await workshop.sign_in(ada)
    await deactivate(workshop, ada)
    before = await dump(workshop.database)
    for verb in (deactivate_user, reactivate_user):
        with pytest.raises(Unauthenticated) as caught:
            await call(workshop, verb, ada, user_id=ana.id)
        assert caught.value.reason is RevocationReason.USER_DEACTIVATED
    assert await dump(workshop.database) == before


@pytest.mark.parametrize(
    "others",
    [{}, {"inactive": True}, {"pending": True}, {"pending": True, "inactive": True}],
    ids=["alone", "another inactive", "another invited", "another invited and inactive"],
)
async def test_the_sole_owner_stays(workshop: Workshop, others: dict[str, Any]) -> None:
    if others:
        await workshop.person("Omar Otis", Role.OWNER, **others)
    refusal = await refused(workshop, deactivate_user, workshop.olivia, user_id=workshop.olivia.id)
    assert (refusal.code, refusal.field) == (ErrorCode.SOLE_OWNER, ["userId"])
    assert "Assign Owner to another user first" in refusal.message


async def test_an_owner_of_another_workspace_is_no_second_owner(workshop: Workshop, other: Workshop) -> None:
    assert (await refused(workshop, deactivate_user, workshop.olivia, user_id=workshop.olivia.id)).code is (
        ErrorCode.SOLE_OWNER
    )


async def test_one_of_two_owners_may_go_even_by_themself(workshop: Workshop) -> None:
    await workshop.person("Omar Otis", Role.OWNER)
    assert (await deactivate(workshop, workshop.olivia)).revoked_sessions == 1
    assert await why_signed_out(workshop, workshop.olivia.token) is RevocationReason.USER_DEACTIVATED


@pytest.mark.parametrize("others", [{"inactive": True}, {"pending": True}])
async def test_an_owner_who_does_not_count_may_be_deactivated(workshop: Workshop, others: dict[str, Any]) -> None:
    omar = await workshop.person("Omar Otis", Role.OWNER, **others)
    await deactivate(workshop, omar)
    assert (await workshop.load(User, id=omar.id)).status is UserStatus.INACTIVE


async def test_an_administrator_hears_of_everything_that_stands_in_the_way(workshop: Workshop) -> None:
    ada = await workshop.person("Ada Ames", Role.ADMIN)
    await workshop.sign_in(ada)
    with pytest.raises(Refused) as caught:
        await deactivate(workshop, workshop.olivia, ada)
    assert [each.code for each in caught.value.refusals] == [ErrorCode.OWNER_REQUIRED, ErrorCode.SOLE_OWNER]


@pytest.mark.parametrize("verb", [deactivate_user, reactivate_user])
async def test_nobody_of_another_workspace_is_found(workshop: Workshop, other: Workshop, verb: Any) -> None:
    for user_id in (other.olivia.id, (await other.person("Ira Imms", inactive=True)).id, uuid4(), NOBODY):
        refusal = await refused(workshop, verb, workshop.olivia, user_id=user_id)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["userId"])


async def test_the_same_account_elsewhere_knows_nothing_of_it(workshop: Workshop, other: Workshop, ana: Person) -> None:
    twin = await other.person("Ana Abel", Role.AGENT, email=ana.email)
    await other.sign_in(twin)
    await link(other, twin, LinkKind.PASSWORD_RESET, "forgot")
    before = of_workspace(await dump(workshop.database), other)
    await deactivate(workshop, ana, revoke_access_tokens=True, hand_over=Target(()))
    await call(workshop, reactivate_user, workshop.olivia, user_id=ana.id)
    assert of_workspace(await dump(workshop.database), other) == before
    async with workshop.database.read() as reader:
        assert (await authenticate(reader, twin.token)).user_id == twin.id


async def test_a_note_may_be_too_long(workshop: Workshop, ana: Person) -> None:
    refusal = await refused(workshop, deactivate_user, workshop.olivia, user_id=ana.id, note="x" * 10_001)
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, ["note"])
    assert "10,000" in refusal.message


async def test_reactivating_brings_everything_back_but_sessions(workshop: Workshop, ana: Person) -> None:
    team = await workshop.team("Support", ana)
    account = (await workshop.load(Account, email=ana.email)).password_hash
    partner = await workshop.partner(TokenScope.USERS_READ, creator=ana)
    await deactivate(workshop, ana, reason=DeactivationReason.EXTENDED_LEAVE, note="x", revoke_access_tokens=True)
    epoch = (await workshop.load(User, id=ana.id)).epoch
    assert await call(workshop, reactivate_user, workshop.olivia, user_id=ana.id) == ana.id
    user = await workshop.load(User, id=ana.id)
    assert (user.status, user.epoch) == (UserStatus.ACTIVE, epoch)
    assert user.deactivated_at is user.deactivated_by_id is user.deactivation_reason is user.deactivation_note is None
    assert (await workshop.load(Account, email=ana.email)).password_hash == account
    assert await workshop.count(UserRole, user_id=ana.id) == 2
    assert await workshop.count(TeamMember, user_id=ana.id, team_id=team) == 1
    assert await why_signed_out(workshop, ana.token) is RevocationReason.USER_DEACTIVATED
    assert await why_signed_out(workshop, partner.token) is RevocationReason.TOKEN_REVOKED
    await workshop.sign_in(ana)
    assert ana.viewer.roles == {Role.AGENT, Role.VIEWER}


async def test_reactivating_is_told_once(workshop: Workshop, ana: Person) -> None:
    await deactivate(workshop, ana)
    await call(workshop, reactivate_user, workshop.olivia, user_id=ana.id)
    told, entry = (await event_rows(workshop))[-1], (await audit_rows(workshop))[-1]
    assert (told.kind, told.user_id, told.change) == (EventKind.USER_CHANGED, ana.id, UserChangeKind.REACTIVATED)
    assert (entry.action, entry.target_id) == (AuditAction.USER_REACTIVATED, ana.actor_id)
    assert await unchanged(workshop, reactivate_user, workshop.olivia, user_id=ana.id) == ana.id


async def test_a_former_administrator_deactivates_nobody(database: Database, workshop: Workshop, ana: Person) -> None:
    ada = await workshop.person("Ada Ames", Role.ADMIN)
    await workshop.sign_in(ada)
    await call(workshop, remove_role, workshop.olivia, user_id=ada.id, role=Role.ADMIN)
    with pytest.raises(Forbidden):
        await database.transact(lambda tx: deactivate_user(tx, ada.viewer, user_id=ana.id))
