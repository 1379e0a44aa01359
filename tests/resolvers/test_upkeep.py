"""What falls due by itself: waking, expiring, forgetting."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from models import events
from models.database import Tx
from models.enums import ConversationStatus, EventKind, LinkKind, RevocationReason, Role, UserChangeKind
from models.events import Cursor, CursorExpired, user_changed
from models.log import Event
from models.people import MailedLink, UserSession, Workspace
from models.types import now
from models.work import Conversation
from resolvers import upkeep
from tests.records import audit_rows, dump, event_rows, why_signed_out
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop

SNOOZED = ConversationStatus.SNOOZED
DAY = timedelta(days=1)


@pytest.fixture
async def other(workshop: Workshop) -> Workshop:
    return await Workshop.open(workshop.database, "other")


async def snoozed(shop: Workshop, ago: timedelta, assignee: Person | None = None) -> UUID:
    return await shop.conversation(assignee=assignee, status=SNOOZED, snoozed_until=now() - ago, updated_at=now() - DAY)


async def test_what_is_due_wakes_whoever_has_it(workshop: Workshop, other: Workshop) -> None:
    ivy = await workshop.person("Ivy Imms", Role.AGENT, inactive=True)
    before = now()
    due = [
        await snoozed(workshop, timedelta(0), workshop.olivia),
        await snoozed(workshop, DAY, ivy),
        await snoozed(other, timedelta(seconds=1)),
    ]
    later = await snoozed(workshop, -timedelta(minutes=1))
    assert await workshop.database.transact(upkeep.wake_conversations) == 3
    woken = [await workshop.load(Conversation, id=each) for each in due]
    assert [each.assignee_id for each in woken] == [workshop.olivia.actor_id, ivy.actor_id, None]
    for each in woken:
        assert (each.status, each.snoozed_until, each.revision) == (ConversationStatus.OPEN, None, 0)
        assert each.updated_at >= before
    assert (await workshop.load(Conversation, id=later)).status is SNOOZED
    assert await workshop.database.transact(upkeep.wake_conversations) == 0
    assert await audit_rows(workshop) == []


async def test_they_wake_in_batches_longest_due_first(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    made = [await snoozed(workshop, timedelta(minutes=minutes)) for minutes in (1, 3, 2)]
    assert await workshop.database.transact(upkeep.wake_conversations) == 2
    assert [(await workshop.load(Conversation, id=each)).status for each in made] == [
        SNOOZED,
        ConversationStatus.OPEN,
        ConversationStatus.OPEN,
    ]
    assert await workshop.database.transact(upkeep.wake_conversations) == 1


async def test_expired_sessions_end_with_an_event(workshop: Workshop, other: Workshop) -> None:
    ana = await workshop.person("Ana Abel", Role.AGENT)
    await workshop.sign_in(ana)
    await workshop.change(UserSession, ana.viewer.session_id, expires_at=now())  # type: ignore[arg-type]
    assert await why_signed_out(workshop, ana.token) is RevocationReason.EXPIRED
    async with workshop.database.read() as reader:
        assert await upkeep.workspaces_with_expired_sessions(reader) == [workshop.workspace_id]
    before = await dump(workshop.database)
    assert await workshop.database.transact(lambda tx: upkeep.expire_sessions(tx, other.workspace_id)) == 0
    assert await dump(workshop.database) == before
    assert await workshop.database.transact(lambda tx: upkeep.expire_sessions(tx, workshop.workspace_id)) == 1
    (told,) = await event_rows(workshop)
    assert (told.kind, told.session_id, told.user_id, told.reason) == (
        EventKind.SESSION_REVOKED,
        ana.viewer.session_id,
        ana.id,
        RevocationReason.EXPIRED,
    )
    session = await workshop.load(UserSession, id=ana.viewer.session_id)
    assert (session.end_reason, session.device_name) == (RevocationReason.EXPIRED, None)
    assert (await workshop.load(UserSession, id=workshop.olivia.viewer.session_id)).ended_at is None
    async with workshop.database.read() as reader:
        assert await upkeep.workspaces_with_expired_sessions(reader) == []


async def told(shop: Workshop, how_many: int, ago: timedelta) -> None:
    async def work(tx: Tx) -> None:
        await tx.lock(shop.workspace_id)
        tx.now -= ago
        await events.append(tx, shop.workspace_id, [user_changed(shop.olivia.id, UserChangeKind.INVITED)] * how_many)

    await shop.database.transact(work)


async def test_old_events_are_forgotten_and_old_cursors_told_apart(workshop: Workshop, other: Workshop) -> None:
    await told(workshop, 2, ago=3 * DAY)
    await told(workshop, 1, ago=DAY)
    await told(other, 1, ago=DAY)
    await workshop.database.transact(lambda tx: upkeep.prune(tx, 2 * DAY))
    async with workshop.database.read() as reader:
        state = await events.state(reader, workshop.workspace_id)
        assert (state.pruned, state.position) == (2, 3)
        assert [each.position for each in await events.read_after(reader, workshop.workspace_id, 0)] == [3]
        assert (await events.state(reader, other.workspace_id)).pruned == 0
    assert state.resume(Cursor(state.generation, 2)) == 2
    for position in (0, 1):
        with pytest.raises(CursorExpired):
            state.resume(Cursor(state.generation, position))
    before = await dump(workshop.database)
    await workshop.database.transact(lambda tx: upkeep.prune(tx, 2 * DAY))
    assert await dump(workshop.database) == before
    await told(workshop, 1, ago=timedelta(0))
    assert await workshop.count(Event, workspace_id=workshop.workspace_id) == 2
    assert (await workshop.load(Workspace, id=workshop.workspace_id)).event_position == 4


async def test_ended_sessions_and_expired_links_are_forgotten(workshop: Workshop) -> None:
    sessions = [(await workshop.sign_in(workshop.olivia)).session_id for _ in range(3)]
    await workshop.change(UserSession, sessions[0], ended_at=now() - 3 * DAY, end_reason=RevocationReason.EXPIRED)  # type: ignore[arg-type]
    await workshop.change(UserSession, sessions[1], ended_at=now() - DAY, end_reason=RevocationReason.EXPIRED)  # type: ignore[arg-type]
    async with workshop.database.begin() as tx:
        for kind, expires_at in ((LinkKind.INVITATION, now() + DAY), (LinkKind.PASSWORD_RESET, now())):
            words: dict[str, Any] = {
                "workspace_id": workshop.workspace_id,
                "user_id": workshop.olivia.id,
                "created_at": now(),
            }
            await tx.add(MailedLink(**words, kind=kind, expires_at=expires_at))
    await workshop.database.transact(lambda tx: upkeep.prune(tx, 2 * DAY))
    assert [await workshop.count(UserSession, id=each) for each in sessions] == [0, 1, 1]
    assert [await workshop.count(MailedLink, kind=kind) for kind in LinkKind] == [1, 0]


async def test_what_is_due_next(workshop: Workshop) -> None:
    async def due() -> object:
        async with workshop.database.read() as reader:
            return await upkeep.next_due(reader)

    expiry = (await workshop.load(UserSession, id=workshop.olivia.viewer.session_id)).expires_at
    assert await due() == expiry
    conversation = await snoozed(workshop, -timedelta(hours=1))
    assert await due() == (await workshop.load(Conversation, id=conversation)).snoozed_until
    await workshop.change(UserSession, workshop.olivia.viewer.session_id, ended_at=now())  # type: ignore[arg-type]
    await workshop.change(Conversation, conversation, snoozed_until=None)
    assert await due() is None


async def test_who_expires_next_is_not_looked_for_among_all_sessions(workshop: Workshop, plans: Plans) -> None:
    """Red when SQLite takes the sessions that have not ended for few: every five seconds it would go through them."""
    with watched(workshop.database) as statements:
        async with workshop.database.read() as reader:
            await upkeep.next_due(reader)
            await upkeep.workspaces_with_expired_sessions(reader)
    asked = [await plans.indexes(each) for each in statements if "expires_at" in each.sql]
    assert asked == [["session_expiry"]] * 2
