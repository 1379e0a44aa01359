"""Taking a hand-over back: what goes back to whom, and what somebody has touched since."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.enums import AuditAction, BulkOperationStatus, ConversationStatus, ErrorCode
from models.people import Actor
from models.types import NOBODY, now
from models.work import BulkOperation, Conversation, FollowUp
from resolvers.conversations import add_note, assign_conversation
from resolvers.deletion import delete_user
from resolvers.handover import bulk_reassign, undo_bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user
from resolvers.targets import Target
from resolvers.upkeep import wake_conversations
from tests.crowd import conversations, minute
from tests.records import audit_rows, call, dump, event_rows, of_workspace, refused
from tests.statements import watched
from tests.workshop import Person, Workshop

OPEN, SNOOZED, CLOSED = ConversationStatus


async def hand_over(shop: Workshop, *people: Person, words: dict[str, Any] | None = None, **filter: Any) -> UUID:
    target = Target(tuple(each.id for each in people))
    done = await call(shop, bulk_reassign, shop.olivia, filter=InboxFilter(**filter), to=target, **(words or {}))
    found: UUID = done.operation_id
    return found


async def undo(shop: Workshop, operation_id: UUID) -> BulkOperation:
    done = await call(shop, undo_bulk_reassign, shop.olivia, operation_id=operation_id)
    row: BulkOperation = await shop.load(BulkOperation, id=done.operation_id)
    assert done.matched == row.matched
    return row


async def assignee(shop: Workshop, row_id: UUID, model: Any = Conversation) -> UUID | None:
    found: UUID | None = (await shop.load(model, id=row_id)).assignee_id
    return found


async def test_everything_goes_back_to_whom_it_came_from(workshop: Workshop, ana: Person, bob: Person) -> None:
    from_ana, from_nobody = await workshop.conversation(assignee=ana), await workshop.conversation()
    bobs = await workshop.conversation(assignee=bob)
    promises = [await workshop.follow_up(from_ana, ana), await workshop.follow_up(from_ana)]
    first = await hand_over(workshop, bob)
    row = await undo(workshop, first)
    assert [await assignee(workshop, each) for each in (from_ana, from_nobody, bobs)] == [
        ana.actor_id,
        None,
        bob.actor_id,
    ]
    assert [await assignee(workshop, each, FollowUp) for each in promises] == [ana.actor_id, None]
    assert (row.undo_of_id, row.status) == (first, BulkOperationStatus.COMPLETED)
    assert (row.matched, row.processed, row.skipped) == (4, 4, 0)
    assert (row.reassigned_conversations, row.reassigned_follow_ups) == (2, 2)
    assert (await workshop.load(BulkOperation, id=first)).status is BulkOperationStatus.UNDONE
    assert await event_rows(workshop) == []


async def test_it_is_written_down_once(workshop: Workshop, ana: Person, bob: Person) -> None:
    await workshop.follow_up(await workshop.conversation(assignee=ana), ana)
    first = await hand_over(workshop, bob, assigned_to_user_id=ana.id)
    row = await undo(workshop, first)
    done, undone = await audit_rows(workshop)
    assert (done.action, undone.action) == (AuditAction.BULK_REASSIGNED, AuditAction.BULK_REASSIGN_UNDONE)
    assert (undone.actor_id, undone.target_id) == (workshop.olivia.actor_id, None)
    assert undone.details == {"operation": str(row.id), "undone": str(first), "conversations": 1, "followUps": 1}


async def reassigned(shop: Workshop, conversation_id: UUID, to: Person) -> None:
    await call(shop, assign_conversation, shop.olivia, conversation_id=conversation_id, to=Target((to.id,)))


async def annotated(shop: Workshop, conversation_id: UUID, to: Person) -> None:
    await call(shop, add_note, shop.olivia, conversation_id=conversation_id, body="Rang")


async def there_and_back(shop: Workshop, conversation_id: UUID, to: Person) -> None:
    bob = await shop.load(Actor, id=await assignee(shop, conversation_id))
    await reassigned(shop, conversation_id, to)
    await call(shop, assign_conversation, shop.olivia, conversation_id=conversation_id, to=Target((bob.user_id,)))


async def handed_on(shop: Workshop, conversation_id: UUID, to: Person) -> None:
    await hand_over(shop, to, ids=[conversation_id])


@pytest.mark.parametrize("touch", [reassigned, annotated, there_and_back, handed_on])
async def test_what_somebody_touched_is_left_and_counted(
    workshop: Workshop, ana: Person, bob: Person, touch: Callable[..., Awaitable[None]]
) -> None:
    touched, untouched = [await workshop.conversation(assignee=ana) for _ in range(2)]
    first = await hand_over(workshop, bob, assigned_to_user_id=ana.id)
    await touch(workshop, touched, workshop.olivia)
    held = await assignee(workshop, touched)
    row = await undo(workshop, first)
    assert await assignee(workshop, touched) == held != ana.actor_id
    assert await assignee(workshop, untouched) == ana.actor_id
    assert (row.matched, row.processed, row.reassigned_conversations, row.skipped) == (2, 2, 1, 1)


async def test_a_follow_up_handed_on_is_left_and_counted(workshop: Workshop, ana: Person, bob: Person) -> None:
    closed = [await workshop.conversation(status=CLOSED) for _ in range(2)]
    promises = [await workshop.follow_up(each, ana) for each in closed]
    first = await hand_over(workshop, bob, assigned_to_user_id=ana.id)
    await hand_over(workshop, workshop.olivia, ids=closed[:1])
    row = await undo(workshop, first)
    assert [await assignee(workshop, each, FollowUp) for each in promises] == [workshop.olivia.actor_id, ana.actor_id]
    assert (row.matched, row.reassigned_follow_ups, row.skipped) == (2, 1, 1)


async def test_a_promise_kept_meanwhile_is_counted_as_skipped(workshop: Workshop, ana: Person, bob: Person) -> None:
    """As an import would: it is no longer assigned to whom the hand-over gave it."""
    follow_up = await workshop.follow_up(await workshop.conversation(status=CLOSED), ana)
    first = await hand_over(workshop, bob, assigned_to_user_id=ana.id)
    await workshop.change(FollowUp, follow_up, revision=9)
    assert (await undo(workshop, first)).skipped == 1


async def test_work_goes_back_to_somebody_inactive(workshop: Workshop, ana: Person, bob: Person) -> None:
    conversation = await workshop.conversation(assignee=ana)
    target = Target((bob.id,))
    done = await call(workshop, deactivate_user, workshop.olivia, user_id=ana.id, hand_over=target)
    assert await assignee(workshop, conversation) == bob.actor_id
    row = await undo(workshop, done.operation_id)
    assert (await assignee(workshop, conversation), row.skipped) == (ana.actor_id, 0)


async def test_the_work_of_somebody_deleted_goes_to_unassigned(workshop: Workshop, ana: Person, bob: Person) -> None:
    conversation = await workshop.conversation(assignee=ana)
    follow_up = await workshop.follow_up(conversation, ana)
    first = await hand_over(workshop, bob, assigned_to_user_id=ana.id)
    words = {"user_id": ana.id, "confirmation": ana.email, "reason": "PRIVACY_REQUEST"}
    await call(workshop, delete_user, workshop.olivia, **words)
    row = await undo(workshop, first)
    assert await assignee(workshop, conversation) is await assignee(workshop, follow_up, FollowUp) is None
    assert (row.reassigned_conversations, row.reassigned_follow_ups, row.skipped) == (1, 1, 0)


async def test_what_was_woken_sleeps_again_until_its_time(workshop: Workshop, ana: Person, bob: Person) -> None:
    until = now() + timedelta(days=1)
    asleep = await workshop.conversation(assignee=ana, status=SNOOZED, snoozed_until=until)
    past = await workshop.conversation(
        assignee=ana, status=SNOOZED, snoozed_until=now() - timedelta(minutes=1), updated_at=minute(0)
    )
    awake = await workshop.conversation(assignee=ana)
    first = await hand_over(workshop, bob, words={"unsnooze": True}, assigned_to_user_id=ana.id)
    for each in (asleep, past, awake):
        assert (await workshop.load(Conversation, id=each)).status is OPEN
    row = await undo(workshop, first)
    found = [await workshop.load(Conversation, id=each) for each in (asleep, past, awake)]
    assert [(each.status, each.snoozed_until) for each in found] == [(SNOOZED, until), (OPEN, None), (OPEN, None)]
    assert {each.assignee_id for each in found} == {ana.actor_id}
    assert row.reassigned_conversations == 3


async def test_what_was_touched_after_it_woke_stays_awake(workshop: Workshop, ana: Person, bob: Person) -> None:
    conversation = await workshop.conversation(assignee=ana, status=SNOOZED)
    first = await hand_over(workshop, bob, words={"unsnooze": True}, assigned_to_user_id=ana.id)
    await annotated(workshop, conversation, bob)
    assert (await undo(workshop, first)).skipped == 1
    assert (await workshop.load(Conversation, id=conversation)).status is OPEN


async def test_waking_by_the_clock_is_no_touch(workshop: Workshop, ana: Person, bob: Person) -> None:
    conversation = await workshop.conversation(assignee=ana, status=SNOOZED)
    first = await hand_over(workshop, bob, assigned_to_user_id=ana.id)
    await workshop.change(Conversation, conversation, snoozed_until=now() - timedelta(seconds=1))
    assert await workshop.database.transact(wake_conversations) == 1
    row = await undo(workshop, first)
    woken = await workshop.load(Conversation, id=conversation)
    assert (woken.assignee_id, woken.status, row.skipped) == (ana.actor_id, OPEN, 0)


async def test_an_undo_stands(workshop: Workshop, ana: Person, bob: Person) -> None:
    await workshop.conversation(assignee=ana)
    first = await hand_over(workshop, bob)
    second = await undo(workshop, first)
    for operation_id, advice in ((first, "undone already"), (second.id, "Hand the work over again instead")):
        refusal = await refused(workshop, undo_bulk_reassign, workshop.olivia, operation_id=operation_id)
        assert (refusal.code, refusal.field) == (ErrorCode.CANNOT_UNDO, ["operationId"])
        assert advice in refusal.message


@pytest.mark.parametrize("status", [BulkOperationStatus.RUNNING])
async def test_only_what_has_ended_is_undone(workshop: Workshop, status: BulkOperationStatus) -> None:
    first = await hand_over(workshop)
    await workshop.change(BulkOperation, first, status=status)
    refusal = await refused(workshop, undo_bulk_reassign, workshop.olivia, operation_id=first)
    assert refusal.code is ErrorCode.CANNOT_UNDO
    assert "has ended" in refusal.message


async def test_no_operation_of_another_workspace_is_found(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    await other.conversation(assignee=other.olivia)
    foreign = await hand_over(other)
    before = of_workspace(await dump(workshop.database), other)
    for operation_id in (foreign, uuid4(), NOBODY):
        refusal = await refused(workshop, undo_bulk_reassign, workshop.olivia, operation_id=operation_id)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["operationId"])
    assert of_workspace(await dump(workshop.database), other) == before


async def test_statements_do_not_grow_with_the_work(workshop: Workshop, ana: Person, bob: Person) -> None:
    seen = []
    for size in (10, 500):
        await conversations(workshop, range(size), [ana])
        first = await hand_over(workshop, bob, workshop.olivia, assigned_to_user_id=ana.id)
        with watched(workshop.database) as statements:
            await call(workshop, undo_bulk_reassign, workshop.olivia, operation_id=first)
        assert await workshop.count(Conversation, assignee_id=ana.actor_id) == size
        await hand_over(workshop, assigned_to_user_id=ana.id)
        seen.append(len(statements))
    assert seen[0] == seen[1] <= 20
