"""Handing work over in bulk: what is matched, to whom it goes, and what is left alone."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.enums import AuditAction, BulkOperationStatus, ConversationStatus, ErrorCode, FollowUpKind, Role, TokenScope
from models.types import NOBODY, now
from models.work import Assignment, BulkOperation, Conversation, FollowUp
from resolvers.handover import BulkReassigned, bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.targets import Target
from tests.crowd import conversations, minute
from tests.records import audit_rows, call, event_rows, refused, unchanged
from tests.resolvers.handing_over import UNASSIGNED, assignees, hand_over, operation, to
from tests.statements import watched
from tests.workshop import Person, Workshop

OPEN, SNOOZED, CLOSED = ConversationStatus


async def test_what_somebody_had_goes_to_a_colleague(workshop: Workshop, ana: Person, bob: Person) -> None:
    mine = [await workshop.conversation(assignee=ana, updated_at=minute(1)) for _ in range(3)]
    others = [await workshop.conversation(assignee=workshop.olivia), await workshop.conversation()]
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    assert await assignees(workshop, mine) == [bob.actor_id] * 3
    assert await assignees(workshop, others) == [workshop.olivia.actor_id, None]
    row = await workshop.load(Conversation, id=mine[0])
    assert (row.revision, row.updated_at, row.status) == (1, minute(1), OPEN)
    assert done.matched == 3


async def test_each_call_is_one_operation_and_one_audit_entry(workshop: Workshop, ana: Person, bob: Person) -> None:
    conversation = await workshop.conversation(assignee=ana)
    await workshop.follow_up(conversation, ana)
    await workshop.conversation(assignee=ana)
    row = await operation(workshop, await hand_over(workshop, to(bob), assigned_to_user_id=ana.id))
    assert (row.status, row.started_by_id) == (BulkOperationStatus.COMPLETED, workshop.olivia.actor_id)
    assert (row.matched, row.processed, row.skipped) == (3, 3, 0)
    assert (row.reassigned_conversations, row.reassigned_follow_ups) == (2, 1)
    assert row.started_at == row.finished_at
    assert (row.undo_of_id, row.failure_code, row.failure_message) == (None, None, None)
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id, entry.target_id) == (
        AuditAction.BULK_REASSIGNED,
        workshop.olivia.actor_id,
        ana.actor_id,
    )
    assert entry.details == {"operation": str(row.id), "conversations": 2, "followUps": 1}
    assert await event_rows(workshop) == []
    empty = await operation(workshop, await hand_over(workshop, to(bob), assigned_to_user_id=ana.id))
    assert (empty.matched, empty.reassigned_conversations) == (0, 0)
    assert len(await audit_rows(workshop)) == 2


async def test_what_is_there_already_is_matched_but_not_moved(workshop: Workshop, ana: Person, bob: Person) -> None:
    await workshop.follow_up(await workshop.conversation(assignee=bob), bob)
    moved = await workshop.conversation(assignee=ana)
    row = await operation(workshop, await hand_over(workshop, to(bob)))
    assert (row.matched, row.reassigned_conversations, row.reassigned_follow_ups) == (3, 1, 0)
    assert await workshop.count(Assignment, operation_id=row.id, conversation_id=moved) == 1


async def test_follow_ups_stay_if_so_asked(workshop: Workshop, ana: Person, bob: Person) -> None:
    follow_up = await workshop.follow_up(await workshop.conversation(assignee=ana), ana)
    done = await hand_over(workshop, to(bob), {"include_follow_ups": False}, assigned_to_user_id=ana.id)
    assert await assignees(workshop, [follow_up], FollowUp) == [ana.actor_id]
    assert (done.matched, (await operation(workshop, done)).reassigned_follow_ups) == (1, 0)


async def test_unassigned_takes_conversations_and_follow_ups(workshop: Workshop, ana: Person) -> None:
    conversation = await workshop.conversation(assignee=ana)
    follow_up = await workshop.follow_up(conversation, ana)
    await hand_over(workshop, UNASSIGNED, assigned_to_user_id=ana.id)
    assert await assignees(workshop, [conversation]) == await assignees(workshop, [follow_up], FollowUp) == [None]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 5), max_size=14), heirs=st.permutations(range(4)), how_many=st.integers(1, 4))
async def test_round_robin_is_even_and_in_inbox_order(
    workshop: Workshop, minutes: list[int], heirs: list[int], how_many: int
) -> None:
    people = [
        await workshop.person(f"Heir{number}", Role.AGENT, email=f"{uuid4().hex}@acme.test")
        for number in heirs[:how_many]
    ]
    made = await conversations(workshop, minutes, people[:1])
    done = await hand_over(workshop, to(*people, people[0]), ids=made)
    assert done.matched == len(made)
    in_order = sorted(zip(minutes, made, strict=True), reverse=True)
    turns = [people[place % how_many].actor_id for place in range(len(made))]
    assert await assignees(workshop, [each for _, each in in_order]) == turns


async def test_follow_ups_follow_their_conversation(workshop: Workshop, ana: Person, bob: Person) -> None:
    eve = await workshop.person("Eve Earl", Role.AGENT)
    made = await conversations(workshop, range(4), [ana])
    hers = [await workshop.follow_up(each, ana) for each in made for _ in range(2)]
    bobs = await workshop.conversation(assignee=bob)
    on_bobs = [await workshop.follow_up(bobs, ana) for _ in range(3)]
    closed = await workshop.conversation(status=CLOSED)
    alone = [await workshop.follow_up(closed, ana, due_at=minute(each)) for each in range(4)]
    await hand_over(workshop, to(bob, eve), assigned_to_user_id=ana.id)
    owners = await assignees(workshop, made)
    assert sorted(map(str, owners)) == sorted(map(str, [bob.actor_id, eve.actor_id] * 2))
    assert await assignees(workshop, hers, FollowUp) == [owner for owner in owners for _ in range(2)]
    assert await assignees(workshop, on_bobs, FollowUp) == [bob.actor_id] * 3
    assert sorted(map(str, await assignees(workshop, alone, FollowUp))) == sorted(
        map(str, [bob.actor_id, eve.actor_id] * 2)
    )


@pytest.mark.parametrize("unsnooze", [False, True])
async def test_snoozed_conversations_wake_only_on_request(
    workshop: Workshop, ana: Person, bob: Person, unsnooze: bool
) -> None:
    until = now() + timedelta(days=1)
    moved = await workshop.conversation(assignee=ana, status=SNOOZED, snoozed_until=until, updated_at=minute(1))
    stays = await workshop.conversation(assignee=bob, status=SNOOZED, snoozed_until=until, updated_at=minute(1))
    await hand_over(workshop, to(bob), {"unsnooze": unsnooze})
    for conversation_id in (moved, stays):
        row = await workshop.load(Conversation, id=conversation_id)
        assert row.assignee_id == bob.actor_id
        assert (row.status, row.snoozed_until) == ((OPEN, None) if unsnooze else (SNOOZED, until))
        assert (row.updated_at > minute(1)) == unsnooze


async def test_a_dry_run_only_counts(workshop: Workshop, ana: Person, bob: Person) -> None:
    await workshop.follow_up(await workshop.conversation(assignee=ana, status=SNOOZED), ana)
    words = {"filter": InboxFilter(assigned_to_user_id=ana.id), "to": to(bob), "dry_run": True, "unsnooze": True}
    counted = await unchanged(workshop, bulk_reassign, workshop.olivia, **words, idempotency_key="k")
    assert counted == BulkReassigned(None, 2)


async def test_a_key_starts_one_operation_in_24_hours(workshop: Workshop, ana: Person, bob: Person) -> None:
    await workshop.conversation(assignee=ana)
    words = {"filter": InboxFilter(assigned_to_user_id=ana.id), "to": to(bob), "idempotency_key": "k"}
    first = await call(workshop, bulk_reassign, workshop.olivia, **words)
    left = await workshop.conversation(assignee=ana)
    assert await unchanged(workshop, bulk_reassign, workshop.olivia, **words) == first
    assert first.matched == 1
    assert await assignees(workshop, [left]) == [ana.actor_id]
    await workshop.change(BulkOperation, first.operation_id, started_at=now() - timedelta(hours=24))
    again = await call(workshop, bulk_reassign, workshop.olivia, **words)
    assert again.operation_id != first.operation_id
    assert await assignees(workshop, [left]) == [bob.actor_id]


async def test_a_key_is_its_senders_alone(workshop: Workshop, bob: Person) -> None:
    omar = await workshop.person("Omar Otis", Role.OWNER)
    await workshop.sign_in(omar)
    partner = await workshop.partner(TokenScope.INBOX_WRITE)
    other = await Workshop.open(workshop.database, "other")
    words: dict[str, Any] = {"filter": InboxFilter(), "to": UNASSIGNED, "idempotency_key": "k"}
    operations = {
        (await call(workshop, bulk_reassign, who, **words)).operation_id for who in (workshop.olivia, omar, partner)
    }
    operations.add((await call(other, bulk_reassign, other.olivia, **words)).operation_id)
    operations.add((await call(workshop, bulk_reassign, omar, **(words | {"idempotency_key": "l"}))).operation_id)
    assert len(operations) == 5


@pytest.mark.parametrize("dry_run", [True, False])
async def test_what_is_nobodys_in_another_workspace_stays(workshop: Workshop, bob: Person, dry_run: bool) -> None:
    other = await Workshop.open(workshop.database, "other")
    for shop in (workshop, other):
        theirs = await shop.follow_up(await shop.conversation())
    done = await hand_over(workshop, to(bob), {"dry_run": dry_run}, unassigned=True)
    assert done.matched == 2
    assert await assignees(workshop, [theirs], FollowUp) == [None]
    assert await workshop.count(Conversation, assignee_id=bob.actor_id) == (0 if dry_run else 1)
    assert await workshop.count(FollowUp, assignee_id=bob.actor_id) == (0 if dry_run else 1)


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_has_a_length(workshop: Workshop, key: str) -> None:
    words = {"filter": InboxFilter(), "to": UNASSIGNED, "idempotency_key": key}
    refusal = await refused(workshop, bulk_reassign, workshop.olivia, **words)
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, ["idempotencyKey"])
    assert "1 to 200" in refusal.message


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_target_that_cannot_have_work_changes_nothing(
    workshop: Workshop, ana: Person, bob: Person, dry_run: bool
) -> None:
    other = await Workshop.open(workshop.database, "other")
    ivy = await workshop.person("Ivy Imms", Role.AGENT, inactive=True)
    await workshop.follow_up(await workshop.conversation(assignee=ana), ana)
    for user_id, code, advice in (
        (ivy.id, ErrorCode.ASSIGNEE_INACTIVE, "Ivy Imms is inactive"),
        (other.olivia.id, ErrorCode.NOT_FOUND, "no such user"),
        (NOBODY, ErrorCode.NOT_FOUND, "no such user"),
    ):
        target = Target((bob.id, user_id), ("to", "roundRobin"))
        words = {"filter": InboxFilter(), "to": target, "dry_run": dry_run}
        refusal = await refused(workshop, bulk_reassign, workshop.olivia, **words)
        assert (refusal.code, refusal.field) == (code, ["to", "roundRobin"])
        assert advice in refusal.message


async def test_statements_do_not_grow_with_the_work(workshop: Workshop, ana: Person, bob: Person) -> None:
    seen = []
    for size in (10, 500):
        made = await conversations(workshop, range(size), [ana])
        async with workshop.database.begin() as tx:
            common: dict[str, Any] = {
                "workspace_id": workshop.workspace_id,
                "kind": FollowUpKind.CALLBACK,
                "due_at": minute(1),
            }
            await tx.add(*(FollowUp(**common, conversation_id=each, assignee_id=ana.actor_id) for each in made))
        with watched(workshop.database) as statements:
            done = await hand_over(
                workshop,
                to(bob, workshop.olivia),
                {"unsnooze": True, "idempotency_key": str(size)},
                assigned_to_user_id=ana.id,
            )
        assert (await operation(workshop, done)).reassigned_follow_ups == size
        seen.append(len(statements))
    assert seen[0] == seen[1] <= 22
