"""The history of a conversation's assignments."""

from typing import Any
from uuid import UUID

import pytest

from resolvers.assignments import AssignmentsPage, assignments_of
from resolvers.conversations import add_note, assign_conversation
from resolvers.errors import InvalidCursor
from resolvers.handover import undo_bulk_reassign
from resolvers.pages import PageArgs
from resolvers.rows import AssignmentRow
from resolvers.targets import Target
from tests.records import call
from tests.resolvers.handing_over import hand_over, to
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop


async def history(shop: Workshop, *ids: UUID, **args: Any) -> dict[UUID, AssignmentsPage]:
    async with shop.database.read() as reader:
        return await assignments_of(reader, shop.olivia.viewer, ids, PageArgs(**args))


async def assign(shop: Workshop, conversation_id: UUID, *people: Person) -> None:
    target = Target(tuple(each.id for each in people))
    await call(shop, assign_conversation, shop.olivia, conversation_id=conversation_id, to=target)


def who(row: AssignmentRow) -> tuple[UUID | None, UUID | None, UUID | None]:
    return row.from_id, row.to_id, row.operation_id


async def test_every_change_of_assignee_by_whatever_way(workshop: Workshop, ana: Person) -> None:
    olivia = workshop.olivia
    conversation, other = await workshop.conversation(), await workshop.conversation(assignee=ana)
    await assign(workshop, conversation, ana)
    await call(workshop, add_note, olivia, conversation_id=conversation, body="Rang")
    await assign(workshop, conversation, ana)
    done = await hand_over(workshop, to(olivia, ana), ids=[conversation])
    undo = await call(workshop, undo_bulk_reassign, olivia, operation_id=done.operation_id)
    await assign(workshop, conversation)
    found = await history(workshop, conversation, other)
    assert set(found) == {conversation}
    page = found[conversation]
    assert [who(row) for row in page.page.rows] == [
        (ana.actor_id, None, None),
        (olivia.actor_id, ana.actor_id, undo.operation_id),
        (ana.actor_id, olivia.actor_id, done.operation_id),
        (None, ana.actor_id, None),
    ]
    assert {row.by_id for row in page.page.rows} == {olivia.actor_id}
    assert [row.at for row in page.page.rows] == sorted((row.at for row in page.page.rows), reverse=True)
    assert page.total_count == 4


async def test_a_turn_that_changed_nothing_is_left_out(workshop: Workshop, ana: Person) -> None:
    conversation = await workshop.conversation(assignee=ana)
    await hand_over(workshop, to(ana, workshop.olivia), ids=[conversation])
    assert await history(workshop, conversation) == {}


async def test_pages(workshop: Workshop, ana: Person) -> None:
    conversation = await workshop.conversation()
    for number in range(5):
        await assign(workshop, conversation, *([] if number % 2 else [ana]))
    everything = (await history(workshop, conversation))[conversation].page
    after, seen = None, []
    while True:
        found = (await history(workshop, conversation, first=2, after=after))[conversation]
        assert found.total_count == 5
        assert found.page.has_previous_page == (after is not None)
        seen += found.page.rows
        if not found.page.has_next_page:
            break
        after = found.page.cursors[-1]
    assert seen == everything.rows
    with pytest.raises(InvalidCursor):
        await history(workshop, conversation, after="WyJhc3NpZ25tZW50cyIsIkRFU0MiLDk5OTk5OTk5OTk5OTk5OTk5OTldCg")


@pytest.mark.parametrize("size", [1, 50])
async def test_one_statement_for_any_number_of_conversations(
    workshop: Workshop, plans: Plans, ana: Person, size: int
) -> None:
    made = [await workshop.conversation() for _ in range(size)]
    await assign(workshop, made[0], ana)
    with watched(workshop.database) as statements:
        assert set(await history(workshop, *made)) == {made[0]}
    (statement,) = statements
    assert await plans.scans(statement) == []


async def test_nobody_elsewhere_sees_it(workshop: Workshop, ana: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    conversation = await workshop.conversation()
    await assign(workshop, conversation, ana)
    assert await history(other, conversation) == {}
