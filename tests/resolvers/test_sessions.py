"""Ending sessions: one's own, and those of others."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from models.database import Tx, table
from models.enums import AuditAction, ErrorCode, EventKind, RevocationReason, Role, TokenScope
from models.events import FeedEvent
from models.people import AccessToken, UserSession
from models.types import NOBODY, now
from resolvers.deletion import delete_user
from resolvers.errors import Forbidden
from resolvers.sessions import end_sessions, revoke_all_sessions, revoke_session, sign_out, touch
from resolvers.viewer import Viewer, authenticate
from tests.records import audit_rows, call, dump, event_rows, of_workspace, refused, unchanged, why_signed_out
from tests.workshop import Person, Workshop


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    ana = await workshop.person("Ana Abel", Role.AGENT)
    await workshop.sign_in(ana)
    return ana


async def touch_one(tx: Tx, viewer: Viewer) -> None:
    await touch(tx, [viewer])


async def works(shop: Workshop, secret: str) -> bool:
    async with shop.database.read() as reader:
        await authenticate(reader, secret)
    return True


async def test_signing_out_ends_this_session_alone(workshop: Workshop, ana: Person) -> None:
    phone, phone_id = ana.token, ana.viewer.session_id
    await workshop.sign_in(ana)
    await call(workshop, sign_out, ana)
    assert await why_signed_out(workshop, ana.token) is RevocationReason.SIGNED_OUT
    assert await works(workshop, phone)
    (told,) = await event_rows(workshop)
    assert (told.kind, told.session_id, told.user_id, told.reason) == (
        EventKind.SESSION_REVOKED,
        ana.viewer.session_id,
        ana.id,
        RevocationReason.SIGNED_OUT,
    )
    assert told.session_id != phone_id
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id, entry.target_id) == (AuditAction.SIGNED_OUT, ana.actor_id, ana.actor_id)


async def test_an_access_token_cannot_sign_out(workshop: Workshop) -> None:
    partner = await workshop.partner(*TokenScope)
    with pytest.raises(Forbidden, match="no session"):
        await call(workshop, sign_out, partner)
    assert await works(workshop, partner.token)


async def test_one_session_is_ended_by_an_administrator(workshop: Workshop, ana: Person) -> None:
    laptop = ana.token
    await workshop.sign_in(ana)
    words = {"session_id": ana.viewer.session_id}
    assert await call(workshop, revoke_session, workshop.olivia, **words) == 1
    assert await why_signed_out(workshop, ana.token) is RevocationReason.SESSION_REVOKED
    assert await works(workshop, laptop)
    session = await workshop.load(UserSession, id=ana.viewer.session_id)
    assert (session.device_name, session.user_agent, session.ip_address) == (None, None, None)
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id, entry.target_id, entry.details) == (
        AuditAction.SESSION_REVOKED,
        workshop.olivia.actor_id,
        ana.actor_id,
        {"sessions": 1},
    )
    assert [row.reason for row in await event_rows(workshop)] == [RevocationReason.SESSION_REVOKED]
    assert await unchanged(workshop, revoke_session, workshop.olivia, **words) == 0


async def test_all_sessions_end_and_are_counted(workshop: Workshop, ana: Person) -> None:
    await workshop.sign_in(ana)
    assert await call(workshop, revoke_all_sessions, workshop.olivia, user_id=ana.id) == 2
    assert await why_signed_out(workshop, ana.token) is RevocationReason.SESSION_REVOKED
    assert len(await event_rows(workshop)) == 2
    assert [entry.details for entry in await audit_rows(workshop)] == [{"sessions": 2}]
    assert await unchanged(workshop, revoke_all_sessions, workshop.olivia, user_id=ana.id) == 0
    await workshop.sign_in(ana)
    assert await works(workshop, ana.token)


async def test_the_session_that_asks_may_be_kept(workshop: Workshop, ana: Person) -> None:
    laptop = ana.token
    await workshop.sign_in(ana)
    assert await call(workshop, revoke_all_sessions, ana, user_id=ana.id, except_current=True) == 1
    assert await works(workshop, ana.token)
    assert await why_signed_out(workshop, laptop) is RevocationReason.SESSION_REVOKED
    assert await call(workshop, revoke_all_sessions, workshop.olivia, user_id=ana.id, except_current=True) == 1
    assert await why_signed_out(workshop, ana.token) is RevocationReason.SESSION_REVOKED


async def test_the_sessions_of_an_owner_are_an_owners_affair(workshop: Workshop) -> None:
    ada = await workshop.person("Ada Ames", Role.ADMIN)
    await workshop.sign_in(ada)
    one = await refused(workshop, revoke_session, ada, session_id=workshop.olivia.viewer.session_id)
    every = await refused(workshop, revoke_all_sessions, ada, user_id=workshop.olivia.id)
    assert one.code is every.code is ErrorCode.OWNER_REQUIRED


async def test_nothing_of_another_workspace_is_found(workshop: Workshop, ana: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    for session_id in (other.olivia.viewer.session_id, uuid4(), NOBODY):
        for caller in (workshop.olivia, ana):
            refusal = await refused(workshop, revoke_session, caller, session_id=session_id)
            assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["sessionId"])
    for user_id in (other.olivia.id, uuid4(), NOBODY):
        refusal = await refused(workshop, revoke_all_sessions, workshop.olivia, user_id=user_id)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["userId"])


async def test_the_same_account_stays_signed_in_elsewhere(workshop: Workshop, ana: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    twin = await other.person("Ana Abel", Role.AGENT, email=ana.email)
    await other.sign_in(twin)
    before = of_workspace(await dump(workshop.database), other)
    await call(workshop, revoke_all_sessions, ana, user_id=ana.id)
    assert of_workspace(await dump(workshop.database), other) == before


async def test_a_session_of_a_deleted_user_has_ended_already(workshop: Workshop, ana: Person) -> None:
    words = {"user_id": ana.id, "confirmation": ana.email, "reason": "PRIVACY_REQUEST"}
    await call(workshop, delete_user, workshop.olivia, **words)
    assert await unchanged(workshop, revoke_session, workshop.olivia, session_id=ana.viewer.session_id) == 0


async def test_sessions_of_several_workspaces_end_with_an_event_in_each(workshop: Workshop, ana: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    sessions = [ana.viewer.session_id, other.olivia.viewer.session_id]

    async def work(tx: Tx) -> tuple[int, dict[UUID, list[FeedEvent]]]:
        await tx.lock(workshop.workspace_id, other.workspace_id)
        which = table(UserSession).c.id.in_(sessions)
        return await end_sessions(tx, which, reason=RevocationReason.EXPIRED), tx.events

    count, written = await workshop.database.transact(work)
    assert count == 2
    assert {workspace_id: [event.position for event in each] for workspace_id, each in written.items()} == {
        workshop.workspace_id: [1],
        other.workspace_id: [1],
    }
    assert [row.session_id for row in await event_rows(other)] == sessions[1:]


async def test_use_is_noted_unless_the_session_has_ended(workshop: Workshop, ana: Person) -> None:
    partner = await workshop.partner(TokenScope.USERS_READ)
    earlier = now() - timedelta(hours=1)
    await workshop.change(UserSession, ana.viewer.session_id, last_seen_at=earlier)  # type: ignore[arg-type]
    await workshop.database.transact(lambda tx: touch(tx, [ana.viewer, partner.viewer]))
    assert (await workshop.load(UserSession, id=ana.viewer.session_id)).last_seen_at > earlier
    assert (await workshop.load(AccessToken, id=partner.id)).last_used_at > earlier
    await call(workshop, sign_out, ana)
    before = await dump(workshop.database)
    await workshop.database.transact(lambda tx: touch(tx, [ana.viewer]))
    assert await dump(workshop.database) == before
