"""Reading bulk operations."""

from typing import Any
from uuid import UUID

import pytest

from models.enums import BulkOperationStatus, ErrorCode, Role, TokenScope
from models.types import NOBODY
from models.work import BulkOperation
from resolvers.errors import Forbidden, Refusal
from resolvers.operations import count_operations, operations_by_id, operations_page
from resolvers.pages import Page, PageArgs
from resolvers.rows import BulkOperationRow
from resolvers.viewer import Viewer
from tests.crowd import minute
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop


async def operation(shop: Workshop, started_by: Person, **columns: Any) -> UUID:
    made = BulkOperation(
        workspace_id=shop.workspace_id,
        status=columns.pop("status", BulkOperationStatus.COMPLETED),
        started_by_id=started_by.actor_id,
        started_at=minute(1),
        **columns,
    )
    async with shop.database.begin() as tx:
        await tx.add(made)
    return made.id


async def read(shop: Workshop, viewer: Viewer, *ids: UUID) -> dict[UUID, BulkOperationRow]:
    async with shop.database.read() as reader:
        return await operations_by_id(reader, viewer, ids)


async def test_a_row_tells_all_of_an_operation(workshop: Workshop) -> None:
    first = await operation(workshop, workshop.olivia, matched=7, processed=6, reassigned_conversations=3)
    failed = await operation(
        workshop,
        workshop.olivia,
        status=BulkOperationStatus.FAILED,
        finished_at=minute(2),
        reassigned_follow_ups=2,
        skipped=1,
        undo_of_id=first,
        failure_code=ErrorCode.ASSIGNEE_INACTIVE,
        failure_message="Choose somebody active.",
    )
    found = await read(workshop, workshop.olivia.viewer, first, failed, NOBODY)
    assert set(found) == {first, failed}
    row = found[first]
    assert (row.status, row.started_by_id) == (BulkOperationStatus.COMPLETED, workshop.olivia.actor_id)
    assert (row.started_at, row.finished_at) == (minute(1), None)
    assert (row.matched, row.processed, row.reassigned_conversations) == (7, 6, 3)
    assert (row.undo_of_id, row.failure) == (None, None)
    row = found[failed]
    assert (row.finished_at, row.reassigned_follow_ups, row.skipped, row.undo_of_id) == (minute(2), 2, 1, first)
    assert row.failure == Refusal(ErrorCode.ASSIGNEE_INACTIVE, "Choose somebody active.")


async def test_readers_of_the_inbox_read_it_and_the_token_that_started_it(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    writing = await workshop.partner(TokenScope.INBOX_WRITE)
    elsewhere = await workshop.partner(TokenScope.INBOX_WRITE, TokenScope.USERS_READ)
    reading = await workshop.partner(TokenScope.INBOX_READ)
    vic, nil = await workshop.person("Vic", Role.VIEWER), await workshop.person("Nil")
    for person in (vic, nil):
        await workshop.sign_in(person)
    started = await operation(workshop, writing)
    once = await operation(workshop, nil)
    for viewer in (workshop.olivia.viewer, vic.viewer, reading.viewer):
        assert set(await read(workshop, viewer, started, once)) == {started, once}
    assert set(await read(workshop, writing.viewer, started, once)) == {started}
    for viewer in (elsewhere.viewer, nil.viewer, other.olivia.viewer):
        assert await read(workshop, viewer, started, once) == {}


@pytest.mark.parametrize("size", [1, 100])
async def test_one_statement_for_one_and_for_a_hundred(workshop: Workshop, plans: Plans, size: int) -> None:
    made = [await operation(workshop, workshop.olivia) for _ in range(1)] + [NOBODY] * (size - 1)
    with watched(workshop.database) as statements:
        assert set(await read(workshop, workshop.olivia.viewer, *made)) == {made[0]}
    assert len(statements) == 1
    assert await plans.scans(statements[0]) == []


async def page(shop: Workshop, viewer: Viewer, **args: Any) -> Page[BulkOperationRow]:
    async with shop.database.read() as reader:
        return await operations_page(reader, viewer, PageArgs(**args))


async def test_the_recent_ones_newest_first(workshop: Workshop, plans: Plans) -> None:
    other = await Workshop.open(workshop.database, "other")
    await operation(other, other.olivia)
    made = [await operation(workshop, workshop.olivia) for _ in range(3)]
    first = await page(workshop, workshop.olivia.viewer, first=2)
    with watched(workshop.database) as statements:
        rest = await page(workshop, workshop.olivia.viewer, first=2, after=first.cursors[-1])
    assert [row.id for row in (*first.rows, *rest.rows)] == made[::-1]
    assert (first.has_next_page, rest.has_next_page) == (True, False)
    assert await plans.indexes(statements[0]) == ["bulk_operation_started"]
    async with workshop.database.read() as reader:
        assert await count_operations(reader, workshop.olivia.viewer) == 3


async def test_a_token_sees_what_it_started_and_whoever_has_no_role_nothing(workshop: Workshop) -> None:
    writing = await workshop.partner(TokenScope.INBOX_WRITE)
    nil = await workshop.person("Nil")
    await workshop.sign_in(nil)
    mine = await operation(workshop, writing)
    await operation(workshop, workshop.olivia)
    assert [row.id for row in (await page(workshop, writing.viewer)).rows] == [mine]
    with pytest.raises(Forbidden):
        await page(workshop, nil.viewer)
