"""Deleting forgets the person and keeps the work: what is searched for afterwards, and what is still there."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import SQLModel

from models.database import Database, Tx
from models.enums import (
    ConversationStatus,
    DeletionReason,
    LinkKind,
    Role,
    TokenScope,
)
from models.log import AuditEntry
from models.people import Account, Actor, MailedLink
from models.types import now
from models.work import BulkOperation, Conversation, CsatResponse, FollowUp, Note
from resolvers.conversations import add_note, assign_conversation
from resolvers.deletion import delete_user
from resolvers.handover import bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.roles import assign_role
from resolvers.sessions import sign_out
from resolvers.targets import Target
from resolvers.tokens import create_access_token
from resolvers.viewer import authenticate
from tests.crowd import hang_on
from tests.records import call, changes, event_rows
from tests.resolvers.running import Node
from tests.statements import watched
from tests.workshop import Person, Workshop

NAME, EMAIL = "Zebedee Quixworth", "z.quixworth@acme.test"


@pytest.fixture
async def zeb(workshop: Workshop) -> Person:
    return await workshop.person(NAME, Role.AGENT, email=EMAIL)


async def delete(
    shop: Workshop, who: Person, reason: DeletionReason = DeletionReason.PRIVACY_REQUEST, by: Person | None = None
) -> Any:
    words = {"user_id": who.id, "confirmation": who.email, "reason": reason}
    return await call(shop, delete_user, by or shop.olivia, **words)


async def live_through_everything(shop: Workshop, zeb: Person) -> list[UUID]:
    """Zeb as administrator leaves a trace in every place there is; these are the conversations."""
    bob = await shop.person("Bob Burr", Role.AGENT)
    team = await shop.team("Support", zeb)
    await call(shop, assign_role, shop.olivia, user_id=zeb.id, role=Role.ADMIN)
    await shop.sign_in(zeb)
    await call(shop, sign_out, zeb)
    await shop.sign_in(zeb)
    conversations = [await shop.conversation(assignee=zeb, team_id=team) for _ in range(3)]
    await hang_on(shop, conversations, zeb)
    await call(shop, add_note, zeb, conversation_id=conversations[0], body="Rang twice")
    await call(shop, bulk_reassign, zeb, filter=InboxFilter(ids=conversations[:1]), to=Target((bob.id,)))
    await call(shop, bulk_reassign, zeb, filter=InboxFilter(assigned_to_user_id=bob.id), to=Target((zeb.id,)))
    await call(shop, assign_conversation, zeb, conversation_id=conversations[1], to=Target((zeb.id,)))
    await call(shop, deactivate_user, zeb, user_id=bob.id, hand_over=Target((zeb.id,)))
    await call(shop, assign_role, shop.olivia, user_id=zeb.id, role=Role.OWNER)
    await call(shop, create_access_token, zeb, name="CI", scopes=[TokenScope.USERS_READ])
    async with shop.database.begin() as tx:
        for kind in LinkKind:
            words: dict[str, Any] = {
                "workspace_id": shop.workspace_id,
                "kind": kind,
                "created_at": now(),
                "expires_at": now(),
            }
            await tx.add(MailedLink(**words, user_id=zeb.id, token_hash=uuid4().hex))
            await tx.add(MailedLink(**words, user_id=shop.olivia.id, sent_by_id=zeb.actor_id))
    await call(shop, deactivate_user, shop.olivia, user_id=zeb.id, note=f"{NAME} left, mail {EMAIL}")
    await call(shop, reactivate_user, shop.olivia, user_id=zeb.id)
    await shop.sign_in(zeb)
    return conversations


async def traces(database: Database, *words: str) -> dict[str, set[str]]:
    """For each of some words, the tables and columns whose stored text contains it, in any case."""
    found: dict[str, set[str]] = {word: set() for word in words}
    async with database.engine.connect() as connection:
        for each in SQLModel.metadata.sorted_tables:
            for row in await connection.exec_driver_sql(f'SELECT * FROM "{each.name}"'):
                for column, value in row._mapping.items():
                    text = (value.hex if isinstance(value, UUID) else str(value)).lower()
                    for word in words:
                        if word.lower() in text:
                            found[word].add(f"{each.name}.{column}")
    return found


async def test_no_column_of_any_table_names_the_person_again(workshop: Workshop, zeb: Person) -> None:
    await live_through_everything(workshop, zeb)
    words = (*NAME.split(), EMAIL, zeb.id.hex, str(zeb.id))
    before = await traces(workshop.database, *words)
    assert {"account.email", "user.email", "user_word.word"} <= before[EMAIL]
    assert {"user.id", "actor.user_id", "user_role.user_id", "team_member.user_id"} <= before[zeb.id.hex]
    assert await delete(workshop, zeb) == zeb.id
    after = await traces(workshop.database, *words)
    assert after.pop(zeb.id.hex) == {"event.user_id", "session.user_id"}
    assert set().union(*after.values()) == set()


async def test_a_note_about_the_deactivation_goes_too(workshop: Workshop, zeb: Person) -> None:
    await call(workshop, deactivate_user, workshop.olivia, user_id=zeb.id, note=f"{NAME} left, mail {EMAIL}")
    assert "user.deactivation_note" in (await traces(workshop.database, EMAIL))[EMAIL]
    await delete(workshop, zeb)
    assert (await traces(workshop.database, EMAIL, "Quixworth")) == {EMAIL: set(), "Quixworth": set()}


@pytest.mark.only_on("sqlite")
async def test_the_bytes_go_too(workshop: Workshop, zeb: Person) -> None:
    await live_through_everything(workshop, zeb)
    path = Path(workshop.database.url.removeprefix("sqlite+aiosqlite:///"))
    words = [word.encode() for word in (NAME, NAME.lower(), "quixworth", EMAIL)]

    def stored() -> bytes:
        return b"".join(path.with_name(path.name + end).read_bytes() for end in ("", "-wal"))

    assert await workshop.database.truncate_wal()
    assert all(word in stored() for word in words)
    erased: list[bool] = []

    async def listen(tx: Tx) -> None:
        erased.append(tx.erased)

    workshop.database.after_commit.append(listen)
    await delete(workshop, zeb)
    assert erased == [True]
    assert await workshop.database.truncate_wal()
    assert [word for word in words if word in stored()] == []


async def test_the_work_stays_and_says_deleted_user(workshop: Workshop, zeb: Person) -> None:
    conversations = await live_through_everything(workshop, zeb)
    closed = await workshop.conversation(assignee=zeb, status=ConversationStatus.CLOSED)
    snoozed = await workshop.conversation(assignee=zeb, status=ConversationStatus.SNOOZED)
    counts = {model: await workshop.count(model) for model in (Conversation, Note, FollowUp, CsatResponse)}
    operations = await workshop.count(BulkOperation, started_by_id=zeb.actor_id)
    wrote = await workshop.count(AuditEntry, actor_id=zeb.actor_id)
    await delete(workshop, zeb)
    await Node(workshop.database).finish_all()
    assert {model: await workshop.count(model) for model in counts} == counts
    for conversation_id in (*conversations, closed, snoozed):
        assert (await workshop.load(Conversation, id=conversation_id)).assignee_id is None
    assert await workshop.count(FollowUp, assignee_id=zeb.actor_id) == 0
    assert await workshop.count(Note, author_id=zeb.actor_id) == 7
    assert await workshop.count(Note, body="Rang twice") == 1
    assert await workshop.count(CsatResponse, handled_by_id=zeb.actor_id, rating=5) == 3
    assert await workshop.count(BulkOperation, started_by_id=zeb.actor_id) == operations == 3
    assert await workshop.count(AuditEntry, actor_id=zeb.actor_id) == wrote
    actor = await workshop.load(Actor, id=zeb.actor_id)
    assert actor.user_id is None
    assert actor.reference not in (None, zeb.id, zeb.actor_id)


async def test_two_deleted_users_are_told_apart(workshop: Workshop, zeb: Person) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    await delete(workshop, zeb)
    await delete(workshop, bob)
    references = {(await workshop.load(Actor, id=each.actor_id)).reference for each in (zeb, bob)}
    assert len(references) == 2


async def test_one_actor_row_changes_however_much_was_written(workshop: Workshop) -> None:
    seen = []
    for number, notes in enumerate((1, 200)):
        writer = await workshop.person(f"Writer{number}", Role.AGENT)
        conversation = await workshop.conversation()
        await hang_on(workshop, [conversation], writer, notes=notes)
        with watched(workshop.database) as statements, changes(workshop.database) as changed:
            await delete(workshop, writer)
        seen.append((len(statements), changed))
    (few, one), (many, other) = seen
    assert (few, [count for _, count in one]) == (many, [count for _, count in other])
    assert [count for sql, count in one if "actor" in sql.split()[1]] == [1]
    assert not any(sql.startswith(("UPDATE note", "UPDATE audit", "UPDATE csat")) for sql, _ in one)


async def test_the_account_lives_on_elsewhere(workshop: Workshop, zeb: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    twin = await other.person(NAME, Role.AGENT, email=EMAIL)
    await other.sign_in(twin)
    conversation = await other.conversation(assignee=twin)
    await delete(workshop, zeb)
    assert (await workshop.load(Account, email=EMAIL)).password_hash == "unusable"
    assert (await other.load(Conversation, id=conversation)).assignee_id == twin.actor_id
    async with workshop.database.read() as reader:
        assert (await authenticate(reader, twin.token)).user_id == twin.id
    assert await event_rows(other) == []
    await delete(other, twin)
    assert await workshop.load(Account, email=EMAIL) is None
    assert (await traces(workshop.database, EMAIL)) == {EMAIL: set()}
