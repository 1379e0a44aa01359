"""Working on one conversation: assigning it, and writing notes."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from models.enums import AuditAction, ConversationStatus, ErrorCode, Role
from models.types import NOBODY
from models.work import Conversation, Note
from resolvers.conversations import add_note, assign_conversation
from resolvers.targets import Target
from tests.crowd import DAWN
from tests.records import audit_rows, call, event_rows, refused, unchanged
from tests.workshop import Person, Workshop

FIELD = ("to", "userId")


@pytest.fixture
async def refund(workshop: Workshop) -> UUID:
    return await workshop.conversation(updated_at=DAWN)


async def test_assigning_and_unassigning(workshop: Workshop, ana: Person, refund: UUID) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    for number, (to, expected) in enumerate((((ana.id, bob.id), ana.actor_id), ((), None)), start=1):
        words = {"conversation_id": refund, "to": Target(to, FIELD)}
        assert await call(workshop, assign_conversation, workshop.olivia, **words) == refund
        row = await workshop.load(Conversation, id=refund)
        assert (row.assignee_id, row.revision, row.updated_at) == (expected, number, DAWN)
        entry = (await audit_rows(workshop))[-1]
        assert (entry.action, entry.actor_id, entry.target_id) == (
            AuditAction.CONVERSATION_ASSIGNED,
            workshop.olivia.actor_id,
            expected,
        )
        assert entry.details == {"conversation": str(refund)}
        await unchanged(workshop, assign_conversation, workshop.olivia, **words)
    assert await event_rows(workshop) == []


@pytest.mark.parametrize("status", ConversationStatus)
async def test_a_conversation_of_any_status(workshop: Workshop, ana: Person, status: ConversationStatus) -> None:
    conversation = await workshop.conversation(status=status)
    await call(workshop, assign_conversation, workshop.olivia, conversation_id=conversation, to=Target((ana.id,)))
    row = await workshop.load(Conversation, id=conversation)
    assert (row.assignee_id, row.status) == (ana.actor_id, status)


async def test_nobody_inactive_gets_it(workshop: Workshop, ana: Person, refund: UUID) -> None:
    ivy = await workshop.person("Ivy Imms", Role.AGENT, inactive=True)
    words = {"conversation_id": refund, "to": Target((ana.id, ivy.id), FIELD)}
    refusal = await refused(workshop, assign_conversation, workshop.olivia, **words)
    assert (refusal.code, refusal.field) == (ErrorCode.ASSIGNEE_INACTIVE, list(FIELD))
    assert "Choose an active user, or Unassigned" in refusal.message


async def test_a_note_is_written_and_moves_the_conversation_up(workshop: Workshop, ana: Person, refund: UUID) -> None:
    await workshop.sign_in(ana)
    note_id = await call(workshop, add_note, ana, conversation_id=refund, body=" Rang twice\n")
    note = await workshop.load(Note, id=note_id)
    assert (note.body, note.author_id, note.conversation_id) == ("Rang twice", ana.actor_id, refund)
    row = await workshop.load(Conversation, id=refund)
    assert (row.updated_at, row.revision) == (note.created_at, 1)
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id) == (AuditAction.NOTE_ADDED, ana.actor_id)
    assert "Rang" not in repr(entry.details)


@pytest.mark.parametrize(
    ("body", "told"),
    [("", "1 to 10,000"), (" \n", "1 to 10,000"), ("x" * 10_001, "1 to 10,000"), ("a\x00b", "NUL"), ("\ud800", "NUL")],
)
async def test_a_note_of_nothing_or_too_much_or_what_cannot_be_stored(
    workshop: Workshop, refund: UUID, body: str, told: str
) -> None:
    refusal = await refused(workshop, add_note, workshop.olivia, conversation_id=refund, body=body)
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, ["body"])
    assert told in refusal.message


async def test_nothing_and_nobody_of_another_workspace_is_found(workshop: Workshop, refund: UUID) -> None:
    other = await Workshop.open(workshop.database, "other")
    foreign = await other.conversation()
    verbs: list[tuple[Any, dict[str, Any]]] = [(add_note, {"body": "x"}), (assign_conversation, {"to": Target(())})]
    for conversation_id in (foreign, uuid4(), NOBODY):
        for verb, words in verbs:
            refusal = await refused(workshop, verb, workshop.olivia, conversation_id=conversation_id, **words)
            assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["conversationId"])
    for user_id in (other.olivia.id, uuid4(), NOBODY):
        words = {"conversation_id": refund, "to": Target((user_id,), FIELD)}
        refusal = await refused(workshop, assign_conversation, workshop.olivia, **words)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, list(FIELD))
