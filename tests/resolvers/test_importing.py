import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlmodel import SQLModel

from models.database import Database
from models.enums import (
    AuditAction,
    ConversationStatus,
    DeactivationReason,
    FollowUpKind,
    Role,
    UserChangeKind,
    UserStatus,
)
from models.events import read_after
from models.log import AuditEntry
from models.people import Account, Actor, Team, TeamMember, User, UserRole, UserWord
from models.types import now
from models.work import Conversation, ConversationWord, CsatResponse, FollowUp, Note
from resolvers.importing import BATCH_LINES, KINDS, BadLine, Tally, import_lines, parse_line, stream
from tests.workshop import Workshop

DOCS = Path(__file__).parents[2] / "docs"

SOON = "2030-01-01T00:00:00Z"
USER = {"kind": "user", "email": "ana@acme.test", "name": "Ana Ruiz"}
CONVERSATION = {"kind": "conversation", "externalId": "c1", "subject": "Refund"}
NOTE = {"kind": "note", "externalId": "n1", "conversation": "c1", "body": "Called back", "author": "ana@acme.test"}
FOLLOW_UP = {
    "kind": "followUp",
    "externalId": "f1",
    "conversation": "c1",
    "type": "CALLBACK",
    "dueAt": "2030-01-01T00:00:00Z",
}
CSAT = {"kind": "csat", "conversation": "c1", "rating": 4}


def encode(*lines: Any) -> io.BytesIO:
    return io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


async def bring(workshop: Workshop, *lines: Any) -> Tally:
    return await import_lines(workshop.database, workshop.workspace_id, encode(*lines))


async def dump(database: Database) -> dict[str, list[str]]:
    async with database.read() as reader:
        return {
            rows.name: sorted(repr(tuple(row)) for row in await reader.rows(select(rows)))
            for rows in SQLModel.metadata.sorted_tables
        }


async def test_the_documented_example_is_imported(workshop: Workshop) -> None:
    with (DOCS / "example.jsonl").open("rb") as file:
        tally = await import_lines(workshop.database, workshop.workspace_id, file)
    assert dict(tally.created) == {"team": 2, "user": 3, "conversation": 3, "note": 2, "followUp": 2, "csat": 1}
    assert not tally.existing


def test_the_documented_example_has_every_kind_and_every_key() -> None:
    lines = [json.loads(line) for line in (DOCS / "example.jsonl").read_text().splitlines()]
    keys = {kind: {key for line in lines if line["kind"] == kind for key in line} for kind in KINDS}
    models = {model.model_fields["kind"].annotation.__args__[0]: model for model in stream.Line.__args__}
    assert keys == {kind: {field.alias or name for name, field in models[kind].model_fields.items()} for kind in KINDS}


async def test_the_second_run_changes_nothing(workshop: Workshop) -> None:
    lines = (DOCS / "example.jsonl").read_bytes()
    first = await import_lines(workshop.database, workshop.workspace_id, io.BytesIO(lines))
    before = await dump(workshop.database)
    second = await import_lines(workshop.database, workshop.workspace_id, io.BytesIO(lines))
    assert await dump(workshop.database) == before
    assert not second.created
    # One of the two teams has no line of its own: a user names it.
    assert second.existing == first.created - Counter(team=1)


async def test_what_exists_is_left_as_it_is_even_if_the_line_differs(workshop: Workshop) -> None:
    await bring(workshop, USER, CONVERSATION, NOTE, FOLLOW_UP, CSAT)
    before = await dump(workshop.database)
    await bring(
        workshop,
        {**USER, "name": "Other", "teams": ["New"], "status": "INACTIVE"},
        {**CONVERSATION, "subject": "Other", "team": "New", "assignee": "nobody@acme.test"},
        {**NOTE, "body": "Other"},
        {**FOLLOW_UP, "type": "FOLLOW_UP"},
        {**CSAT, "rating": 1},
    )
    assert await dump(workshop.database) == before


async def test_a_line_twice_in_one_batch_counts_once(workshop: Workshop) -> None:
    lines = [{"kind": "team", "name": "Billing"}, USER, CONVERSATION, NOTE, FOLLOW_UP, CSAT]
    tally = await bring(workshop, *lines, *lines)
    assert tally.created == tally.existing
    assert set(tally.created.values()) == {1}


async def test_a_new_user_waits_for_an_invitation(workshop: Workshop) -> None:
    await bring(workshop, {**USER, "email": " Ana@ACME.test", "createdAt": "2024-05-01T10:00:00.1239+02:00"})
    user = await workshop.load(User, email="ana@acme.test")
    account = await workshop.load(Account, id=user.account_id)
    actor = await workshop.load(Actor, user_id=user.id)
    assert (user.status, user.pending, account.password_hash) == (UserStatus.ACTIVE, True, None)
    assert user.created_at == datetime(2024, 5, 1, 8, 0, 0, 123000, UTC)
    assert await workshop.count(UserRole, user_id=user.id, role=Role.AGENT) == 1
    assert await workshop.count(UserWord, user_id=user.id, word="ruiz") == 1
    entry = await workshop.load(AuditEntry, action=AuditAction.USER_INVITED)
    assert (entry.actor_id, entry.target_id) == (workshop.system_id, actor.id)
    assert entry.details == {"roles": ["AGENT"]}
    async with workshop.database.read() as reader:
        (told,) = await read_after(reader, workshop.workspace_id, 0)
    assert (told.change, told.user_id) == (UserChangeKind.INVITED, user.id)


async def test_roles_teams_and_status_are_taken_over(workshop: Workshop) -> None:
    billing = await workshop.team("Billing")
    line = {**USER, "roles": ["ADMIN", "AGENT", "ADMIN"], "teams": ["Billing", "New", "New"], "status": "INACTIVE"}
    tally = await bring(workshop, line)
    user = await workshop.load(User, email="ana@acme.test")
    assert user.status is UserStatus.INACTIVE
    assert user.deactivation_reason is DeactivationReason.OTHER
    assert user.deactivated_by_id == workshop.system_id
    assert user.deactivated_at is not None
    assert await workshop.count(UserRole, user_id=user.id) == 2
    new = await workshop.load(Team, name="New")
    assert await workshop.count(TeamMember, user_id=user.id) == 2
    assert await workshop.count(TeamMember, user_id=user.id, team_id=billing) == 1
    assert await workshop.count(TeamMember, user_id=user.id, team_id=new.id) == 1
    assert tally.created["team"] == 1


async def test_somebody_with_an_account_elsewhere_keeps_it(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    await other.person("Ana Ruiz", Role.AGENT, password_hash="secret")
    await bring(workshop, USER)
    assert await workshop.count(Account, email="ana@acme.test", password_hash="secret") == 1
    assert await workshop.count(User, email="ana@acme.test") == 2


async def test_a_conversation_with_everything(workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT, inactive=True)
    team = await workshop.team("Billing")
    await bring(
        workshop,
        {
            **CONVERSATION,
            "status": "SNOOZED",
            "snoozedUntil": "2030-01-01T00:00:00Z",
            "customer": {"name": "Kim Lee", "email": "kim@x.test"},
            "assignee": "ana@acme.test",
            "team": "Billing",
            "createdAt": "2024-01-01T00:00:00Z",
            "updatedAt": "2024-01-02T00:00:00Z",
        },
        {**NOTE, "createdAt": "2024-01-01T12:00:00Z"},
        {**FOLLOW_UP, "assignee": "ana@acme.test"},
        {**CSAT, "comment": "Fine", "respondedAt": "2024-01-03T00:00:00Z", "handledBy": "ana@acme.test"},
    )
    found = await workshop.load(Conversation, external_id="c1")
    assert (found.subject, found.status, found.revision) == ("Refund", ConversationStatus.SNOOZED, 1)
    assert (found.customer_name, found.customer_email) == ("Kim Lee", "kim@x.test")
    assert (found.assignee_id, found.team_id) == (ana.actor_id, team)
    assert found.snoozed_until == datetime(2030, 1, 1, tzinfo=UTC)
    assert (found.created_at, found.updated_at) == (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    for word in ("refund", "kim", "lee", "kim@x.test"):
        assert await workshop.count(ConversationWord, conversation_id=found.id, word=word) == 1
    note = await workshop.load(Note, external_id="n1")
    assert (note.conversation_id, note.author_id, note.body) == (found.id, ana.actor_id, "Called back")
    follow_up = await workshop.load(FollowUp, external_id="f1")
    assert (follow_up.kind, follow_up.assignee_id) == (FollowUpKind.CALLBACK, ana.actor_id)
    csat = await workshop.load(CsatResponse, conversation_id=found.id)
    assert (csat.rating, csat.comment, csat.handled_by_id) == (4, "Fine", ana.actor_id)


async def test_what_is_left_out_or_null_gets_its_default(workshop: Workshop) -> None:
    before = now()
    await bring(
        workshop,
        {**CONVERSATION, "status": None, "customer": None, "assignee": None, "team": None, "createdAt": None},
        {**CONVERSATION, "externalId": "c2", "updatedAt": "2024-01-02T00:00:00Z", "customer": {"email": "kim@x.test"}},
        {
            **CONVERSATION,
            "externalId": "c3",
            "createdAt": "2024-01-01T00:00:00Z",
            "snoozedUntil": "2030-01-01T00:00:00Z",
        },
        CSAT,
    )
    bare = await workshop.load(Conversation, external_id="c1")
    assert (bare.status, bare.assignee_id, bare.team_id) == (ConversationStatus.OPEN, None, None)
    assert (bare.customer_name, bare.customer_email) == ("Unknown customer", None)
    assert before <= bare.created_at == bare.updated_at <= now()
    updated = await workshop.load(Conversation, external_id="c2")
    assert updated.created_at == updated.updated_at == datetime(2024, 1, 2, tzinfo=UTC)
    assert updated.customer_name == "kim@x.test"
    created = await workshop.load(Conversation, external_id="c3")
    assert created.updated_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert created.snoozed_until is None
    assert (await workshop.load(CsatResponse, conversation_id=bare.id)).handled_by_id is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"kind": "team", "name": "\xff"}', "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"team"', "not a JSON object"),
        ({}, 'missing key "kind"'),
        ({"kind": "ticket"}, 'key "kind": there is no kind "ticket"'),
        ({"kind": 1}, 'key "kind"'),
        ({"kind": "team"}, 'missing key "name"'),
        ({"kind": "team", "name": None}, 'key "name"'),
        ({"kind": "team", "name": " "}, 'key "name"'),
        ({"kind": "team", "name": "a\x00b"}, 'key "name": must not contain the character NUL'),
        ({"kind": "team", "name": "Billing", "colour": "red"}, 'unknown key "colour"'),
        ({**CONVERSATION, "external_id": "c"}, 'unknown key "external_id"'),
        ({**CONVERSATION, "externalId": 7}, 'key "externalId"'),
        ({**CONVERSATION, "customer": {"phone": "1"}}, 'unknown key "customer.phone"'),
        ({**CONVERSATION, "customer": "Kim"}, 'key "customer"'),
        ({**CONVERSATION, "status": "PENDING"}, 'key "status"'),
        ({**CONVERSATION, "status": "SNOOZED"}, 'key "snoozedUntil": required when status is SNOOZED'),
        ({**CONVERSATION, "createdAt": "2026-01-01"}, 'key "createdAt"'),
        ({**CONVERSATION, "createdAt": "2026-01-01T00:00:00"}, 'key "createdAt"'),
        ({**CONVERSATION, "createdAt": "2026-02-30T00:00:00Z"}, 'key "createdAt"'),
        ({**CONVERSATION, "createdAt": "0001-01-01T00:00:00+10:00"}, 'key "createdAt"'),
        ({**CONVERSATION, "createdAt": 1767225600}, 'key "createdAt"'),
        ({**USER, "email": "ana"}, 'key "email": must be an email address'),
        ({**USER, "roles": ["BOSS"]}, 'key "roles.0"'),
        ({**USER, "roles": "AGENT"}, 'key "roles"'),
        ({**USER, "status": "PENDING"}, 'key "status"'),
        ({**NOTE, "author": None}, 'key "author"'),
        ({**FOLLOW_UP, "type": "EMAIL"}, 'key "type"'),
        ({**CSAT, "rating": 0}, 'key "rating"'),
        ({**CSAT, "rating": 6}, 'key "rating"'),
        ({**CSAT, "rating": "5"}, 'key "rating"'),
        ({**CSAT, "rating": 4.5}, 'key "rating"'),
        ({**CSAT, "rating": True}, 'key "rating"'),
    ],
)
def test_a_bad_line_is_named_with_its_key(line: Any, problem: str) -> None:
    text = line if isinstance(line, bytes) else json.dumps(line).encode()
    with pytest.raises(BadLine) as caught:
        parse_line(17, text)
    assert str(caught.value).startswith("line 17: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({**CONVERSATION, "externalId": "c2", "assignee": "nobody@acme.test"}, 'key "assignee": there is no user'),
        ({**NOTE, "author": "nobody@acme.test"}, 'key "author": there is no user nobody@acme.test'),
        ({**NOTE, "conversation": "c9"}, 'key "conversation": there is no conversation "c9"'),
        ({**FOLLOW_UP, "conversation": "c9"}, 'key "conversation": there is no conversation "c9"'),
        ({**FOLLOW_UP, "assignee": "nobody@acme.test"}, 'key "assignee"'),
        ({**CSAT, "conversation": "c9"}, 'key "conversation"'),
        ({**CSAT, "handledBy": "nobody@acme.test"}, 'key "handledBy"'),
    ],
)
async def test_an_unknown_reference_stops_before_anything_of_the_batch(
    workshop: Workshop, line: Any, problem: str
) -> None:
    before = await dump(workshop.database)
    with pytest.raises(BadLine) as caught:
        await bring(workshop, USER, CONVERSATION, line, {"kind": "team", "name": "Late"})
    assert problem in str(caught.value)
    assert (caught.value.number, caught.value.imported) == (3, 0)
    assert await dump(workshop.database) == before


async def test_people_and_work_of_another_workspace_are_unknown(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    await bring(other, USER, CONVERSATION)
    with pytest.raises(BadLine, match="there is no conversation"):
        await bring(workshop, USER, NOTE)
    with pytest.raises(BadLine, match="there is no user"):
        await bring(workshop, CONVERSATION, NOTE)
    assert (await bring(workshop, CONVERSATION)).created["conversation"] == 1


async def test_batches_before_a_bad_line_stay(workshop: Workshop) -> None:
    teams = [{"kind": "team", "name": f"Team {number}"} for number in range(BATCH_LINES + 10)]
    sizes: list[int] = []
    file = encode(*teams, {"kind": "team"})
    with pytest.raises(BadLine) as caught:
        await import_lines(workshop.database, workshop.workspace_id, file, sizes.append)
    assert (caught.value.number, caught.value.imported) == (BATCH_LINES + 11, BATCH_LINES)
    assert await workshop.count(Team) == BATCH_LINES
    assert sizes == [len(encode(*teams[:BATCH_LINES]).getvalue())]


async def test_a_file_is_never_held_whole(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_LINE", 60)
    monkeypatch.setattr(stream, "BATCH_BYTES", 100)
    sizes: list[int] = []
    teams = [{"kind": "team", "name": f"Team {number}"} for number in range(9)]
    await import_lines(workshop.database, workshop.workspace_id, encode(*teams), sizes.append)
    assert len(sizes) == 3
    with pytest.raises(BadLine, match="line 1: longer than 60 bytes"):
        await bring(workshop, {"kind": "team", "name": "x" * 60})


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_statements_do_not_grow_with_the_batch(workshop: Workshop, statements: list[str]) -> None:
    def lines(prefix: str, count: int) -> Iterator[dict[str, Any]]:
        for number in range(count):
            email, conversation = f"{prefix}{number}@acme.test", f"{prefix}{number}"
            yield {**USER, "email": email, "teams": [prefix]}
            yield {**CONVERSATION, "externalId": conversation, "assignee": email}
            yield {**NOTE, "externalId": conversation, "conversation": conversation, "author": email}
            yield {**FOLLOW_UP, "externalId": conversation, "conversation": conversation}
            yield {**CSAT, "conversation": conversation}

    await bring(workshop, *lines("small", 2))
    few = len(statements)
    statements.clear()
    await bring(workshop, *lines("large", 50))
    assert len(statements) == few
