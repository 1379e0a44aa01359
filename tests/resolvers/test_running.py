"""Operations that go on in the background: in chunks of any size, by any node, whatever happens meanwhile."""

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.database import Tx
from models.enums import AuditAction, BulkOperationStatus, ConversationStatus, ErrorCode, FollowUpKind, Role
from models.types import now
from models.work import Assignment, BulkOperation, Conversation, FollowUp
from resolvers import upkeep
from resolvers.bulk import counting, leases, running
from resolvers.bulk.job import LeaseLost
from resolvers.bulk.operation import State
from resolvers.conversations import add_note, assign_conversation
from resolvers.handover import bulk_reassign, cancel_bulk_reassign, undo_bulk_reassign
from resolvers.importing import import_batch, parse_line
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user
from resolvers.targets import Target
from tests.crowd import conversations, minute
from tests.records import audit_rows, call, refused, unchanged
from tests.resolvers.handing_over import UNASSIGNED, assignees, hand_over, operation, to
from tests.resolvers.running import Node, cycle
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop

OPEN, SNOOZED, CLOSED = ConversationStatus
RUNNING, COMPLETED, CANCELLED, UNDONE, FAILED = BulkOperationStatus


@pytest.fixture(autouse=True)
def nothing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever matches anything goes on in the background."""
    monkeypatch.setattr(running, "AT_ONCE", 0)


@pytest.fixture
def runner(workshop: Workshop) -> Node:
    return Node(workshop.database)


async def follow_ups(shop: Workshop, ids: Sequence[UUID], assignee: Person) -> list[UUID]:
    made = [
        FollowUp(
            workspace_id=shop.workspace_id,
            conversation_id=each,
            kind=FollowUpKind.CALLBACK,
            due_at=minute(1),
            assignee_id=assignee.actor_id,
        )
        for each in ids
    ]
    async with shop.database.begin() as tx:
        await tx.add(*made)
    return [each.id for each in made]


def numbers(row: BulkOperation) -> tuple[int, ...]:
    return row.matched, row.processed, row.reassigned_conversations, row.reassigned_follow_ups, row.skipped


async def test_it_answers_at_once_and_is_carried_on_in_chunks(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    made = await conversations(workshop, range(7), [ana])
    promises = await follow_ups(workshop, made[:3], ana)
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    row = await operation(workshop, done)
    assert (row.status, row.finished_at, done.matched) == (RUNNING, None, 10)
    assert numbers(row) == (10, 0, 0, 0, 0)
    assert await assignees(workshop, made) == [ana.actor_id] * 7
    job = await runner.take_on()
    assert job is not None
    seen = []
    while (went_on := await runner.go_on(job, 3)) is not None:
        job = went_on
        seen.append((await operation(workshop, done)).processed)
    assert seen == [3, 6, 7, 10]
    row = await operation(workshop, done)
    assert (row.status, row.plan, row.state, row.lease_owner_id) == (COMPLETED, None, None, None)
    assert numbers(row) == (10, 10, 7, 3, 0)
    assert row.finished_at is not None
    assert await assignees(workshop, made) == [bob.actor_id] * 7
    assert await assignees(workshop, promises, FollowUp) == [bob.actor_id] * 3
    began, ended = await audit_rows(workshop)
    assert (began.action, ended.action) == (AuditAction.BULK_REASSIGN_STARTED, AuditAction.BULK_REASSIGNED)
    assert began.details == ended.details == {"operation": str(row.id), "conversations": 7, "followUps": 3}
    assert (ended.actor_id, ended.target_id) == (workshop.olivia.actor_id, ana.actor_id)


OVER = timedelta(seconds=-1)
"""A lease that is over at once: whoever looks next takes the operation on."""


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    how_many=st.integers(1, 4),
    minutes=st.lists(st.integers(0, 5), min_size=1, max_size=30),
    lives=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=4),
)
async def test_whatever_the_chunks_and_crashes_it_is_even_and_in_inbox_order(
    workshop: Workshop, how_many: int, minutes: list[int], lives: list[list[int]]
) -> None:
    """Each node deals with a few chunks of what it read and is gone. Red where the place is not stored with a chunk."""
    people = [
        await workshop.person(f"Heir{number}", Role.AGENT, email=f"{uuid4().hex}@acme.test")
        for number in range(how_many)
    ]
    made = await conversations(workshop, minutes, people)
    done = await hand_over(workshop, to(*people), ids=made)
    for sizes in itertools.islice(itertools.cycle(lives), 2 * len(minutes)):
        node = Node(workshop.database, OVER)
        if (job := await node.take_on()) is None:
            break
        await node.go_through(job, sizes)
    in_order = sorted(zip(minutes, made, strict=True), reverse=True)
    turns = [people[place % how_many].actor_id for place in range(len(made))]
    assert await assignees(workshop, [each for _, each in in_order]) == turns
    row = await operation(workshop, done)
    before = [people[number % how_many].actor_id for number in range(len(made))]
    changed = sum(old != new for old, new in zip(before, await assignees(workshop, made), strict=True))
    assert (row.status, numbers(row)) == (COMPLETED, (len(made), len(made), changed, 0, 0))


@pytest.mark.parametrize("heirs", [1, 2])
async def test_what_one_gets_comes_in_order_of_creation_and_what_several_share_in_inbox_order(
    workshop: Workshop, runner: Node, ana: Person, bob: Person, heirs: int
) -> None:
    made = await conversations(workshop, range(6), [ana])
    for number, each in enumerate(made):
        await workshop.change(Conversation, each, created_at=minute(-number // 2), updated_at=minute(-number))
    by_creation = sorted(made, key=lambda each: (-made.index(each) // 2, each))
    in_order = by_creation if heirs == 1 else made
    await hand_over(workshop, to(*[bob, workshop.olivia][:heirs]), assigned_to_user_id=ana.id)
    job = await runner.take_on()
    for done in range(1, 7):
        assert job is not None
        job = await runner.go_on(job, 1)
        held = await assignees(workshop, in_order)
        assert [holder == ana.actor_id for holder in held] == [False] * done + [True] * (6 - done)


async def test_what_one_gets_is_taken_walk_by_walk_and_once_whoever_takes_over(
    workshop: Workshop, ana: Person, bob: Person
) -> None:
    """Of what was read at once those that are open come first. Red where the place is that of the last of them."""
    made = await conversations(workshop, range(9), [ana])
    asleep, awake = made[::3], [each for each in made if each not in made[::3]]
    for each in asleep:
        await workshop.change(Conversation, each, status=SNOOZED, snoozed_until=now() + timedelta(days=1))
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    first, second = Node(workshop.database, OVER), Node(workshop.database)
    job = await first.take_on()
    assert job is not None
    await first.go_through(job, [4, 2])
    assert await assignees(workshop, awake) == [bob.actor_id] * 6
    assert await assignees(workshop, asleep) == [ana.actor_id] * 3
    await second.finish_all()
    assert await assignees(workshop, made) == [bob.actor_id] * 9
    assert numbers(await operation(workshop, done)) == (9, 9, 9, 0, 0)
    assert await workshop.count(Assignment, operation_id=done.operation_id) == 9


async def noted(shop: Workshop, conversation_id: UUID, ana: Person) -> None:
    await call(shop, add_note, shop.olivia, conversation_id=conversation_id, body="Rang")


async def assigned(shop: Workshop, conversation_id: UUID, ana: Person) -> None:
    await call(shop, assign_conversation, shop.olivia, conversation_id=conversation_id, to=Target((shop.olivia.id,)))


async def there_and_back(shop: Workshop, conversation_id: UUID, ana: Person) -> None:
    await assigned(shop, conversation_id, ana)
    await call(shop, assign_conversation, shop.olivia, conversation_id=conversation_id, to=Target((ana.id,)))


@pytest.mark.parametrize("touch", [noted, assigned, there_and_back])
async def test_what_somebody_changed_since_the_start_is_left_and_counted(
    workshop: Workshop, runner: Node, ana: Person, bob: Person, touch: Callable[..., Any]
) -> None:
    """Before it was read, between that and its transaction, and what was read after it moved."""
    made = await conversations(workshop, range(6, 0, -1), [ana])
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    await touch(workshop, made[0], ana)
    job = await runner.take_on()
    assert job is not None
    ahead = await runner.look(job)
    assert ahead is not None
    await touch(workshop, made[1], ana)
    await touch(workshop, made[5], ana)
    chunk, rest = ahead.split(3)
    job = await runner.step(job, chunk)
    assert job is not None
    job = await runner.step(job, rest)
    assert job is not None
    await runner.finish(job)
    holders = await assignees(workshop, made)
    assert holders[2:5] == [bob.actor_id] * 3
    assert bob.actor_id not in (*holders[:2], holders[5])
    assert numbers(await operation(workshop, done)) == (6, 6, 3, 0, 3)


async def test_what_came_after_the_start_is_not_matched(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    old = await workshop.conversation(assignee=ana)
    await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    given = await workshop.conversation(assignee=bob)
    await call(workshop, assign_conversation, workshop.olivia, conversation_id=given, to=Target((ana.id,)))
    await imported(workshop, given, ana)
    await runner.finish_all()
    assert await assignees(workshop, [old, given]) == [bob.actor_id, ana.actor_id]
    assert await workshop.count(Conversation, assignee_id=ana.actor_id, external_id="x") == 1


async def imported(shop: Workshop, _: UUID, ana: Person) -> None:
    text = f'{{"kind": "conversation", "externalId": "x", "subject": "New", "assignee": "{ana.email}"}}'
    line = parse_line(1, text.encode())
    await shop.database.transact(lambda tx: import_batch(tx, shop.workspace_id, [(1, line)]))


async def woken(shop: Workshop, _: UUID, ana: Person) -> None:
    asleep = await shop.load(Conversation, assignee_id=ana.actor_id, status=SNOOZED)
    await wake(shop, asleep.id)


@pytest.mark.parametrize(("happens", "matched"), [(None, 6), (noted, 6), (assigned, 5), (imported, 7), (woken, 7)])
async def test_what_is_matched_is_counted_without_the_lock_and_again_after_a_change(
    workshop: Workshop,
    runner: Node,
    ana: Person,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[..., Any] | None,
    matched: int,
) -> None:
    """It hangs if the lock is held, and is red where a change draws no revision or nothing is counted again."""
    made = await conversations(workshop, range(6), [ana])
    await workshop.conversation(assignee=ana, status=SNOOZED)
    count_now = counting.count_now

    async def count_slowly(*args: Any) -> counting.Counts:
        counts = await count_now(*args)
        if happens is not None:
            await happens(workshop, made[0], ana)
        return counts

    monkeypatch.setattr(counting, "count_now", count_slowly)
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id, status=[OPEN])
    assert done.matched == 6
    assert numbers(await operation(workshop, done)) == (6, 0, 0, 0, 0)
    job = await runner.take_on()
    assert job is not None
    assert job.operation.state.counted == (happens is None)
    await runner.finish(job)
    assert numbers(await operation(workshop, done)) == (matched, matched, matched, 0, 0)
    assert await workshop.count(Conversation, assignee_id=ana.actor_id, status=OPEN) == 0


async def test_what_was_cancelled_before_it_was_counted_again_stays_so(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    await conversations(workshop, range(6), [ana])
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    await workshop.change(BulkOperation, done.operation_id, state=State(counted=False).dump())
    job = await runner.take_on()
    assert job is not None
    await call(workshop, cancel_bulk_reassign, workshop.olivia, operation_id=done.operation_id)
    before = await operation(workshop, done)
    with pytest.raises(LeaseLost):
        await runner.finish(job)
    assert await operation(workshop, done) == before


async def wake(shop: Workshop, *ids: UUID) -> None:
    for each in ids:
        await shop.change(Conversation, each, snoozed_until=now() - timedelta(seconds=1))
    assert await shop.database.transact(upkeep.wake_conversations) == len(ids)


@pytest.mark.parametrize("unsnooze", [False, True])
@pytest.mark.parametrize("heirs", [1, 2])
@pytest.mark.parametrize("status", [[OPEN], [SNOOZED], None])
async def test_waking_by_the_clock_changes_nothing_about_what_is_matched(
    workshop: Workshop,
    runner: Node,
    ana: Person,
    bob: Person,
    status: list[ConversationStatus] | None,
    heirs: int,
    unsnooze: bool,
) -> None:
    """Red where it is not noted that something woke: it has a new place in the order, and another status."""
    awake = await conversations(workshop, range(6), [ana])
    asleep = [await workshop.conversation(assignee=ana, status=SNOOZED, updated_at=minute(each)) for each in range(6)]
    promises = await follow_ups(workshop, [*awake, *asleep], ana)
    people = [bob, workshop.olivia][:heirs]
    words = {"unsnooze": unsnooze}
    done = await hand_over(workshop, to(*people), words, assigned_to_user_id=ana.id, status=status)
    job = await runner.take_on()
    assert job is not None
    await wake(workshop, asleep[5])
    for number in range(2):
        job = await runner.go_on(job, 2)
        assert job is not None
        if not unsnooze:
            await wake(workshop, asleep[number])
    await runner.finish(job, cycle(1, 3))
    moved = {OPEN: awake, SNOOZED: asleep}
    expected = [each for kind in (status or [OPEN, SNOOZED]) for each in moved[kind]]
    heirs_of = [*await assignees(workshop, expected), *await assignees(workshop, promises, FollowUp)]
    assert ana.actor_id not in heirs_of[: len(expected)]
    assert await workshop.count(Conversation, assignee_id=ana.actor_id) == 12 - len(expected)
    assert await workshop.count(FollowUp, assignee_id=ana.actor_id) == 12 - len(expected)
    assert numbers(await operation(workshop, done)) == (2 * len(expected), 2 * len(expected), *[len(expected)] * 2, 0)
    counts = [heirs_of[: len(expected)].count(each.actor_id) for each in people]
    assert max(counts) - min(counts) <= 1


async def test_a_target_who_is_deactivated_gets_no_more(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    made = await conversations(workshop, range(6), [ana])
    done = await hand_over(workshop, to(workshop.olivia, bob), assigned_to_user_id=ana.id)
    job = await runner.take_on()
    assert job is not None
    job = await runner.go_on(job, 4)
    assert job is not None
    ahead = await runner.look(job)
    await call(workshop, deactivate_user, workshop.olivia, user_id=bob.id)
    held = await assignees(workshop, made)
    assert await runner.step(job, ahead) is None
    row = await operation(workshop, done)
    assert (row.status, row.failure_code, row.reassigned_conversations, row.processed) == (
        FAILED,
        ErrorCode.ASSIGNEE_INACTIVE,
        4,
        4,
    )
    assert "Hand it over to somebody else" in str(row.failure_message)
    assert await assignees(workshop, made) == held
    entry = (await audit_rows(workshop))[-1]
    assert (entry.action, entry.actor_id) == (AuditAction.BULK_REASSIGN_FAILED, workshop.system_id)
    await call(workshop, undo_bulk_reassign, workshop.olivia, operation_id=row.id)
    await runner.finish_all()
    assert await assignees(workshop, made) == [ana.actor_id] * 6


async def test_cancelling_keeps_what_is_done_and_that_can_be_undone(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    made = await conversations(workshop, range(6, 0, -1), [ana])
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    job = await runner.take_on()
    assert job is not None
    job = await runner.go_on(job, 4)
    assert job is not None
    words = {"operation_id": done.operation_id}
    cancelled = await call(workshop, cancel_bulk_reassign, workshop.olivia, **words)
    assert cancelled == done
    with pytest.raises(LeaseLost):
        await runner.go_on(job, 4)
    assert await runner.take_on() is None
    assert await assignees(workshop, made) == [bob.actor_id] * 4 + [ana.actor_id] * 2
    row = await operation(workshop, done)
    assert (row.status, numbers(row)) == (CANCELLED, (6, 4, 4, 0, 0))
    assert row.finished_at is not None
    entry = (await audit_rows(workshop))[-1]
    assert (entry.action, entry.actor_id) == (AuditAction.BULK_REASSIGN_CANCELLED, workshop.olivia.actor_id)
    await unchanged(workshop, cancel_bulk_reassign, workshop.olivia, **words)
    undo = await call(workshop, undo_bulk_reassign, workshop.olivia, **words)
    assert (undo.matched, (await operation(workshop, undo)).status) == (4, RUNNING)
    await runner.finish_all()
    assert await assignees(workshop, made) == [ana.actor_id] * 6
    for ended in (words, {"operation_id": undo.operation_id}):
        assert (await refused(workshop, cancel_bulk_reassign, workshop.olivia, **ended)).code is ErrorCode.CANNOT_CANCEL


async def test_an_undo_that_was_stopped_can_be_taken_up_again(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    made = await conversations(workshop, range(6), [ana])
    promises = await follow_ups(workshop, made, ana)
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    await runner.finish_all()
    words = {"operation_id": done.operation_id}
    undo = await call(workshop, undo_bulk_reassign, workshop.olivia, **words)
    assert (await refused(workshop, undo_bulk_reassign, workshop.olivia, **words)).code is ErrorCode.CANNOT_UNDO
    job = await runner.take_on()
    assert job is not None
    job = await runner.go_on(job, 4)
    await call(workshop, cancel_bulk_reassign, workshop.olivia, operation_id=undo.operation_id)
    assert (await operation(workshop, done)).status is CANCELLED
    again = await call(workshop, undo_bulk_reassign, workshop.olivia, **words)
    await runner.finish_all()
    assert await assignees(workshop, made) == await assignees(workshop, promises, FollowUp) == [ana.actor_id] * 6
    assert numbers(await operation(workshop, again)) == (12, 12, 2, 6, 4)
    assert (await operation(workshop, done)).status is UNDONE


@pytest.mark.parametrize(("there", "back"), [(7, (1,)), (2, (3,)), (3, (2, 1))])
async def test_whatever_the_chunks_of_the_hand_over_an_undo_has_its_own(
    workshop: Workshop, runner: Node, ana: Person, bob: Person, there: int, back: tuple[int, ...]
) -> None:
    made = await conversations(workshop, range(7), [ana])
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    await runner.finish_all(cycle(there))
    done = await call(workshop, undo_bulk_reassign, workshop.olivia, operation_id=done.operation_id)
    await runner.finish_all(cycle(*back))
    assert await assignees(workshop, made) == [ana.actor_id] * 7
    assert numbers(await operation(workshop, done)) == (7, 7, 7, 0, 0)


async def test_an_undo_reads_no_further_than_it_has_to(
    workshop: Workshop, runner: Node, plans: Plans, ana: Person, bob: Person
) -> None:
    """Red where rows are put in order, for which all of them must be read: each time, however many there are."""
    await conversations(workshop, range(7), [ana])
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    await runner.finish_all()
    await call(workshop, undo_bulk_reassign, workshop.olivia, operation_id=done.operation_id)
    job = await runner.take_on()
    assert job is not None
    job = await runner.go_on(job, 2)
    assert job is not None
    with watched(runner.database) as statements:
        assert await runner.look(job, 2) is not None
    asked = [each for each in statements if "bulk_chunk" in each.sql]
    assert [await plans.sorts(each) for each in asked] == [False]


async def test_another_node_goes_on_once_the_lease_is_over(
    workshop: Workshop, runner: Node, node: Any, ana: Person, bob: Person
) -> None:
    """Two nodes never work on the same chunk: red without the lease in the chunk's condition."""
    made = await conversations(workshop, range(8), [ana])
    done = await hand_over(workshop, to(bob, workshop.olivia), assigned_to_user_id=ana.id)
    other = Node(node)
    job = await runner.take_on()
    assert job is not None
    assert await other.take_on() is None
    job = await runner.go_on(job, 3)
    assert job is not None
    ahead = await runner.look(job)
    await workshop.change(BulkOperation, done.operation_id, lease_until=now() - timedelta(seconds=1))
    taken = await other.take_on()
    assert taken is not None
    assert taken.operation.state == job.operation.state
    with pytest.raises(LeaseLost):
        await runner.step(job, ahead)
    await other.finish(taken, cycle(2))
    holders = await assignees(workshop, made)
    assert holders.count(bob.actor_id) == holders.count(workshop.olivia.actor_id) == 4
    assert numbers(await operation(workshop, done)) == (8, 8, 8, 0, 0)
    assert await workshop.count(Assignment, operation_id=done.operation_id) == 8


async def test_two_operations_at_the_same_time_do_not_take_from_each_other(
    workshop: Workshop, runner: Node, node: Any, ana: Person, bob: Person
) -> None:
    """What one of them moved is for the other changed by somebody."""
    made = await conversations(workshop, range(6, 0, -1), [ana])
    first = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    second = await hand_over(workshop, to(workshop.olivia))
    one, two = await runner.take_on(), await Node(node).take_on()
    assert one is not None
    assert two is not None
    one = await runner.go_on(one, 4)
    assert one is not None
    other = Node(node)
    other.lease = two.lease  # type: ignore[assignment]
    await other.finish(two)
    await runner.finish(one)
    assert await assignees(workshop, made) == [bob.actor_id] * 4 + [workshop.olivia.actor_id] * 2
    assert numbers(await operation(workshop, first)) == (6, 6, 4, 0, 2)
    assert numbers(await operation(workshop, second)) == (6, 6, 2, 0, 4)


async def test_a_departure_records_it_in_the_same_transaction_and_once(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    made = await conversations(workshop, range(3), [ana])
    words = {"user_id": ana.id, "hand_over": Target((bob.id,))}
    done = await call(workshop, deactivate_user, workshop.olivia, **words)
    assert (await operation(workshop, done)).status is RUNNING
    again = await unchanged(workshop, deactivate_user, workshop.olivia, **words)
    assert again.operation_id == done.operation_id
    await runner.finish_all()
    assert await assignees(workshop, made) == [bob.actor_id] * 3
    assert (await unchanged(workshop, deactivate_user, workshop.olivia, **words)).operation_id is None


async def test_a_key_answers_with_the_operation_that_runs(workshop: Workshop, ana: Person, bob: Person) -> None:
    await workshop.conversation(assignee=ana)
    done = await hand_over(workshop, to(bob), {"idempotency_key": "k"}, assigned_to_user_id=ana.id)
    words: dict[str, Any] = {"filter": InboxFilter(assigned_to_user_id=ana.id), "to": to(bob), "idempotency_key": "k"}
    assert await unchanged(workshop, bulk_reassign, workshop.olivia, **words) == done


@pytest.mark.parametrize("heirs", [1, 3])
async def test_a_chunk_is_a_few_statements_that_find_their_rows(
    workshop: Workshop, runner: Node, plans: Plans, ana: Person, bob: Person, heirs: int
) -> None:
    eve = await workshop.person("Eve Earl", Role.AGENT)
    made = await conversations(workshop, range(60), [ana])
    await follow_ups(workshop, made, ana)
    people = [bob, workshop.olivia, eve][:heirs]
    done = await hand_over(workshop, to(*people), {"unsnooze": True}, assigned_to_user_id=ana.id)
    seen = await statements_of_chunks(runner, plans)
    await call(workshop, undo_bulk_reassign, workshop.olivia, operation_id=done.operation_id)
    seen |= await statements_of_chunks(runner, plans)
    assert max(seen) <= 6


async def statements_of_chunks(runner: Node, plans: Plans) -> set[int]:
    """How many statements chunks of any size have."""
    seen: set[int] = set()
    job = await runner.take_on()
    for size in (5, 50, 5, 50, 50):
        assert job is not None
        ahead = await runner.look(job, size)
        with watched(runner.database) as statements:
            job = await runner.step(job, ahead)
        seen.add(len(statements))
        assert {each.sql: found for each in statements if (found := await plans.scans(each))} == {}
    assert job is not None
    await runner.finish(job)
    return seen


async def test_unassigned_takes_in_the_background_too(workshop: Workshop, runner: Node, ana: Person) -> None:
    made = await conversations(workshop, range(5), [ana])
    done = await hand_over(workshop, UNASSIGNED)
    await runner.finish_all()
    assert await assignees(workshop, made) == [None] * 5
    assert numbers(await operation(workshop, done)) == (5, 5, 5, 0, 0)


async def test_who_lets_go_leaves_everything_to_others_at_once(
    workshop: Workshop, runner: Node, node: Any, ana: Person, bob: Person
) -> None:
    await conversations(workshop, range(5), [ana])
    await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    assert await runner.take_on() is not None

    async def let_go(tx: Tx) -> None:
        await leases.let_go(tx, runner.lease)

    await workshop.database.transact(let_go)
    assert await Node(node).take_on() is not None
