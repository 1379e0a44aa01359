"""Keyset pages: sizes, cursors, both directions, and lists that change while they are read."""

from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.work import Conversation
from resolvers import pages
from resolvers.errors import InvalidCursor, InvalidInput
from resolvers.inbox import InboxFilter, InboxOrder, InboxOrderField, count_inbox, inbox_page
from resolvers.pages import OrderDirection, Page, PageArgs
from resolvers.rows import ConversationRow
from resolvers.users import UserFilter, UserOrder, users_page
from tests import crowd
from tests.crowd import minute
from tests.workshop import Workshop

PER_EXAMPLE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
MINUTES = st.lists(st.integers(0, 4), max_size=9)
EVERYTHING = InboxFilter()
ENOUGH = 40
"""More rows than any list here has: reading on would never end."""

SOME_ID = "0b6cbb0c7a0c4b5c9a3e4f1f5a7d2e90"


async def read(shop: Workshop, order: InboxOrder | None = None, **args: Any) -> Page[ConversationRow]:
    async with shop.database.read() as reader:
        return await inbox_page(reader, shop.olivia.viewer, EVERYTHING, order or InboxOrder(), PageArgs(**args))


def ids(page: Page[ConversationRow]) -> list[UUID]:
    return [row.id for row in page.rows]


def in_order(minutes: list[int], made: list[UUID], direction: OrderDirection) -> list[UUID]:
    ordered = [each for _, each in sorted(zip(minutes, made, strict=True))]
    return ordered if direction is OrderDirection.ASC else ordered[::-1]


@pytest.mark.parametrize("args", [{"first": 0}, {"first": 101}, {"first": -1}, {"last": 0}, {"last": 101}])
def test_a_page_size_out_of_range_is_refused_with_the_range(args: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=f"`{next(iter(args))}` must be between 1 and 100"):
        PageArgs(**args)


def test_first_and_last_together_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        PageArgs(first=1, last=1)


@pytest.mark.parametrize(("args", "size"), [({}, 50), ({"first": 1}, 1), ({"first": 100}, 100), ({"last": 7}, 7)])
def test_page_sizes(args: dict[str, int], size: int) -> None:
    assert PageArgs(**args).size == size


@PER_EXAMPLE
@given(minutes=MINUTES, size=st.integers(1, 4), direction=st.sampled_from(OrderDirection), backward=st.booleans())
async def test_pages_in_either_direction_make_up_the_whole_list(
    workshop: Workshop, minutes: list[int], size: int, direction: OrderDirection, backward: bool
) -> None:
    shop = await Workshop.open(workshop.database, uuid4().hex)
    made = await crowd.conversations(shop, minutes)
    order = InboxOrder(InboxOrderField.UPDATED_AT, direction)
    collected: list[UUID] = []
    more, cursor = True, None
    while more:
        bounds = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = await read(shop, order, **bounds)
        assert len(page.rows) == len(page.cursors) <= size
        came_from = page.has_next_page if backward else page.has_previous_page
        assert came_from is (cursor is not None)
        collected = ids(page) + collected if backward else collected + ids(page)
        more = page.has_previous_page if backward else page.has_next_page
        cursor = (page.cursors[0] if backward else page.cursors[-1]) if more else None
        assert len(collected) <= len(made)
    assert collected == in_order(minutes, made, direction)


@PER_EXAMPLE
@given(
    minutes=MINUTES,
    size=st.integers(1, 3),
    direction=st.sampled_from(OrderDirection),
    backward=st.booleans(),
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, 8), st.integers(0, 4)), max_size=6),
)
async def test_whatever_stays_where_it_is_is_read_once_while_the_rest_moves(
    workshop: Workshop,
    minutes: list[int],
    size: int,
    direction: OrderDirection,
    backward: bool,
    changes: list[tuple[bool, int, int]],
) -> None:
    shop = await Workshop.open(workshop.database, uuid4().hex)
    made = await crowd.conversations(shop, minutes)
    moved: set[UUID] = set()
    order = InboxOrder(InboxOrderField.UPDATED_AT, direction)
    collected: list[UUID] = []
    more, cursor = True, None
    while more:
        bounds = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        page = await read(shop, order, **bounds)
        collected = ids(page) + collected if backward else collected + ids(page)
        more = page.has_previous_page if backward else page.has_next_page
        cursor = (page.cursors[0] if backward else page.cursors[-1]) if page.cursors else cursor
        assert len(collected) <= ENOUGH
        if changes:
            adds, which, at = changes.pop()
            if adds or not made:
                await crowd.conversations(shop, [at])
            else:
                moved.add(made[which % len(made)])
                await shop.change(Conversation, made[which % len(made)], updated_at=minute(at))
    stayed = [each for each in in_order(minutes, made, direction) if each not in moved]
    assert [each for each in collected if each in set(stayed)] == stayed


async def test_both_bounds_cut_out_what_lies_between(workshop: Workshop) -> None:
    await crowd.conversations(workshop, range(6))
    whole = await read(workshop)
    after, before = whole.cursors[0], whole.cursors[4]
    between = await read(workshop, after=after, before=before, first=10)
    assert ids(between) == ids(whole)[1:4]
    assert between.has_previous_page
    assert between.has_next_page
    assert ids(await read(workshop, after=after, before=before, last=2)) == ids(whole)[2:4]
    assert ids(await read(workshop, after=after, before=before, first=2)) == ids(whole)[1:3]


async def test_a_page_that_ends_with_the_list_says_so(workshop: Workshop) -> None:
    await crowd.conversations(workshop, range(2))
    page = await read(workshop, first=2)
    assert (page.has_next_page, page.has_previous_page) == (False, False)
    page = await read(workshop, first=1)
    assert (page.has_next_page, page.has_previous_page) == (True, False)
    page = await read(workshop, last=1)
    assert (page.has_next_page, page.has_previous_page) == (False, True)
    page = await read(workshop, last=2)
    assert (page.has_next_page, page.has_previous_page) == (False, False)


def forged(*values: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "garbage",
        "ünï",
        "e30",
        "MQ",
        forged(),
        forged("inbox by UPDATED_AT", "DESC"),
        forged("inbox by UPDATED_AT", "DESC", 1, SOME_ID, 1),
        forged("inbox by UPDATED_AT", "DESC", "1", SOME_ID),
        forged("inbox by UPDATED_AT", "DESC", True, SOME_ID),
        forged("inbox by UPDATED_AT", "DESC", 2**62, SOME_ID),
        forged("inbox by UPDATED_AT", "DESC", 1, "not an id"),
        forged("inbox by UPDATED_AT", "DESC", 1, 5),
        forged("inbox by UPDATED_AT", "ASC", 1, SOME_ID),
        forged("inbox by CREATED_AT", "DESC", 1, SOME_ID),
        forged(["inbox by UPDATED_AT"], "DESC", 1, SOME_ID),
    ],
)
@pytest.mark.parametrize("bound", ["after", "before"])
async def test_a_cursor_that_this_list_did_not_give_out_is_refused(workshop: Workshop, cursor: str, bound: str) -> None:
    with pytest.raises(InvalidCursor, match="not one of this list"):
        await read(workshop, **{bound: cursor})


async def test_a_text_with_a_null_character_is_no_place_in_a_list(workshop: Workshop) -> None:
    cursor = forged("users by NAME", "ASC", "a\x00", uuid4().hex)
    async with workshop.database.read() as reader:
        with pytest.raises(InvalidCursor):
            await users_page(reader, workshop.olivia.viewer, UserFilter(), UserOrder(), PageArgs(after=cursor))


async def test_a_text_is_a_place_in_a_list(workshop: Workshop) -> None:
    await crowd.people(workshop, ["Bo", "bo", "Bo", "Æsa", "O'Brien"])
    async with workshop.database.read() as reader:
        whole = await users_page(reader, workshop.olivia.viewer, UserFilter(), UserOrder(), PageArgs())
        for number, cursor in enumerate(whole.cursors):
            rest = await users_page(reader, workshop.olivia.viewer, UserFilter(), UserOrder(), PageArgs(after=cursor))
            assert rest.rows == whole.rows[number + 1 :]


async def test_totals_are_exact_up_to_a_limit(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "COUNTED_EXACTLY", 3)
    for expected in (0, 1, 2, 3, 4, 4):
        async with workshop.database.read() as reader:
            assert await count_inbox(reader, workshop.olivia.viewer, EVERYTHING) == expected
        await crowd.conversations(workshop, [0])
