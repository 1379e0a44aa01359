"""What a deleted user had: it reads as Unassigned at once, everywhere, and becomes it by an operation."""

from typing import Any
from uuid import UUID

import pytest

from models.database import Database
from models.enums import AuditAction, BulkOperationStatus, ConversationStatus, DeletionReason, ErrorCode, Role
from models.work import Assignment, BulkOperation, FollowUp
from resolvers.assignments import assignments_of
from resolvers.bulk import running
from resolvers.conversations import add_note, assign_conversation
from resolvers.deletion import delete_user
from resolvers.handover import cancel_bulk_reassign, undo_bulk_reassign
from resolvers.inbox import InboxFilter, InboxOrder, conversations_by_id, count_inbox, inbox_page
from resolvers.operations import operations_page
from resolvers.pages import PageArgs
from resolvers.targets import Target
from resolvers.users import users_by_actor, workloads
from tests.crowd import conversations, minute
from tests.records import audit_rows, call, changes, refused, unchanged
from tests.resolvers.handing_over import UNASSIGNED, assignees, hand_over, operation, to
from tests.resolvers.running import Node, cycle
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop

OPEN, SNOOZED, CLOSED = ConversationStatus


@pytest.fixture
def runner(workshop: Workshop) -> Node:
    return Node(workshop.database)


async def delete(shop: Workshop, who: Person) -> None:
    words = {"user_id": who.id, "confirmation": who.email, "reason": DeletionReason.PRIVACY_REQUEST}
    await call(shop, delete_user, shop.olivia, **words)


async def release(shop: Workshop) -> BulkOperation:
    """The operation by which the work of the only deleted user is released."""
    async with shop.database.read() as reader:
        newest = (await operations_page(reader, shop.olivia.viewer, PageArgs())).rows[0]
    found: BulkOperation = await shop.load(BulkOperation, id=newest.id)
    return found


async def listed(shop: Workshop, **filter: Any) -> list[UUID]:
    """What the inbox shows, page by page, one at a time; the count must agree."""
    viewer, wanted, ids = shop.olivia.viewer, InboxFilter(**filter), []
    async with shop.database.read() as reader:
        after = None
        while True:
            page = await inbox_page(reader, viewer, wanted, InboxOrder(), PageArgs(first=1, after=after))
            ids += [row.id for row in page.rows]
            if not page.has_next_page:
                break
            after = page.cursors[-1]
        assert await count_inbox(reader, viewer, wanted) == len(ids)
    return ids


async def test_it_reads_as_unassigned_all_the_time(workshop: Workshop, runner: Node, ana: Person, bob: Person) -> None:
    """Red where a list asks for an empty assignee only."""
    bobs = await workshop.conversation("Parcel", bob, updated_at=minute(9))
    nobodys = await workshop.conversation("Parcel", updated_at=minute(4))
    hers = [
        await workshop.conversation("Parcel", ana, status, updated_at=minute(number))
        for number, status in enumerate((CLOSED, OPEN, SNOOZED, OPEN, OPEN, OPEN))
    ]
    promise = await workshop.follow_up(bobs, ana)
    await delete(workshop, ana)
    expected = [hers[5], *sorted((hers[4], nobodys), reverse=True), *reversed(hers[:4])]
    job = await runner.take_on()
    while job is not None:
        assert await listed(workshop, unassigned=True) == expected
        assert await listed(workshop, unassigned=True, search="parc") == expected
        assert await listed(workshop, unassigned=True, status=[SNOOZED]) == [hers[2]]
        assert await listed(workshop, unassigned=False) == [bobs]
        assert await listed(workshop, assigned_to_user_id=ana.id) == []
        assert len(await listed(workshop)) == 8
        async with workshop.database.read() as reader:
            viewer = workshop.olivia.viewer
            rows = await conversations_by_id(reader, viewer, hers)
            shown = {row.assignee_id for row in rows.values()} - {None}
            assert await users_by_actor(reader, viewer, shown) == {}
            assert (await workloads(reader, viewer, [bob.actor_id]))[bob.actor_id].open == 1
        job = await runner.go_on(job, 1)
    assert await assignees(workshop, hers) == [None] * 6
    assert await assignees(workshop, [promise], FollowUp) == [None]
    row = await release(workshop)
    assert (row.status, row.started_by_id) == (BulkOperationStatus.COMPLETED, workshop.system_id)
    assert (row.matched, row.processed, row.reassigned_conversations, row.reassigned_follow_ups) == (7, 7, 6, 1)
    entry = (await audit_rows(workshop))[-1]
    assert (entry.action, entry.actor_id, entry.target_id) == (
        AuditAction.BULK_REASSIGNED,
        workshop.system_id,
        ana.actor_id,
    )
    assert await listed(workshop, unassigned=True) == expected


async def test_the_deletion_changes_as_many_rows_for_much_work_as_for_little(workshop: Workshop) -> None:
    seen = []
    for number, size in enumerate((1, 300)):
        leaver = await workshop.person(f"Leaver{number}", Role.AGENT)
        await conversations(workshop, range(size), [leaver])
        with watched(workshop.database) as statements, changes(workshop.database) as changed:
            await delete(workshop, leaver)
        seen.append((len(statements), [count for _, count in changed]))
        await Node(workshop.database).finish_all()
    assert seen[0] == seen[1]


async def test_who_had_nothing_leaves_no_operation(workshop: Workshop, ana: Person) -> None:
    await delete(workshop, ana)
    assert await workshop.count(BulkOperation) == 0


async def test_what_is_touched_meanwhile_is_released_too(
    workshop: Workshop, runner: Node, ana: Person, bob: Person
) -> None:
    noted, given, left = await conversations(workshop, range(3), [ana])
    await delete(workshop, ana)
    await call(workshop, add_note, workshop.olivia, conversation_id=noted, body="Rang")
    await call(workshop, assign_conversation, workshop.olivia, conversation_id=given, to=Target((bob.id,)))
    words = {"conversation_id": left, "to": Target(())}
    await unchanged(workshop, assign_conversation, workshop.olivia, **words)
    job = await runner.take_on()
    assert job is not None
    await runner.finish(job)
    assert await assignees(workshop, [noted, given, left]) == [None, bob.actor_id, None]
    assert (await release(workshop)).matched == 2


@pytest.mark.parametrize("released_first", [False, True])
async def test_a_hand_over_of_what_is_unassigned_takes_it(
    workshop: Workshop, runner: Node, ana: Person, bob: Person, released_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 0)
    made = await conversations(workshop, range(6), [ana])
    await delete(workshop, ana)
    releasing = await runner.take_on()
    assert releasing is not None
    releasing = await runner.go_on(releasing, 2)
    done = await hand_over(workshop, to(bob), unassigned=True)
    assert done.matched == 6
    handing = await runner.take_on()
    assert releasing is not None
    assert handing is not None
    for job in (releasing, handing) if released_first else (handing, releasing):
        await runner.finish(job, cycle(2))
    assert await assignees(workshop, made) == [bob.actor_id] * 6
    row = await operation(workshop, done)
    assert (row.reassigned_conversations, row.skipped) == (6, 0)
    assert await workshop.count(Assignment, operation_id=row.id, from_id=None) == 6
    assert (await hand_over(workshop, UNASSIGNED)).matched == 6


async def test_a_deletion_during_a_hand_over_of_the_same_work_loses_nothing(
    workshop: Workshop, runner: Node, ana: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 0)
    made = await conversations(workshop, range(6, 0, -1), [ana])
    done = await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    handing = await runner.take_on()
    assert handing is not None
    handing = await runner.go_on(handing, 2)
    await delete(workshop, ana)
    releasing = await runner.take_on()
    assert releasing is not None
    assert handing is not None
    releasing = await runner.go_on(releasing, 2)
    assert releasing is not None
    await runner.finish(handing)
    await runner.finish(releasing)
    assert sorted(map(str, await assignees(workshop, made))) == sorted(map(str, [bob.actor_id] * 4 + [None] * 2))
    row = await operation(workshop, done)
    assert (row.reassigned_conversations, row.skipped) == (4, 2)


async def test_nobody_stops_it_or_takes_it_back(workshop: Workshop, runner: Node, ana: Person) -> None:
    await workshop.conversation(assignee=ana)
    await delete(workshop, ana)
    operation_id = (await release(workshop)).id
    refusal = await refused(workshop, cancel_bulk_reassign, workshop.olivia, operation_id=operation_id)
    assert refusal.code is ErrorCode.CANNOT_CANCEL
    await runner.finish_all()
    refusal = await refused(workshop, undo_bulk_reassign, workshop.olivia, operation_id=operation_id)
    assert refusal.code is ErrorCode.CANNOT_UNDO


async def test_a_page_meanwhile_walks_indexes(workshop: Workshop, plans: Plans, ana: Person, node: Database) -> None:
    await conversations(workshop, range(3), [ana])
    await delete(workshop, ana)
    async with workshop.database.read() as reader:
        with watched(workshop.database) as statements:
            page = await inbox_page(
                reader, workshop.olivia.viewer, InboxFilter(unassigned=True), InboxOrder(), PageArgs(first=2)
            )
    assert len(page.rows) == 2
    assert len(statements) == 2
    for each in statements:
        assert await plans.scans(each) == []


async def test_each_workspace_has_a_system_of_its_own(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    for shop in (workshop, other):
        zoe = await shop.person("Zoe", Role.AGENT)
        await shop.conversation(assignee=zoe)
        await delete(shop, zoe)
        assert (await release(shop)).started_by_id == shop.system_id


async def test_the_history_says_who_released_it(workshop: Workshop, runner: Node, ana: Person) -> None:
    (conversation,) = await conversations(workshop, [1], [ana])
    await delete(workshop, ana)
    await runner.finish_all()
    async with workshop.database.read() as reader:
        found = await assignments_of(reader, workshop.olivia.viewer, [conversation], PageArgs())
    (row,) = found[conversation].page.rows
    assert (row.from_id, row.to_id, row.by_id) == (ana.actor_id, None, workshop.system_id)
