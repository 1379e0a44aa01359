"""Reading the inbox, and what hangs on its conversations."""

from typing import Any
from uuid import UUID

import pytest

from models.enums import ConversationStatus, FollowUpKind, Role, TokenScope
from models.types import NOBODY
from models.work import Conversation, CsatResponse, Note
from resolvers import inbox, pages, sets, threads
from resolvers.errors import Forbidden, InvalidCursor
from resolvers.inbox import InboxFilter, InboxOrder, InboxOrderField
from resolvers.pages import OrderDirection, PageArgs
from resolvers.rows import CsatRow, CustomerRow
from resolvers.viewer import Viewer
from tests import crowd
from tests.crowd import minute
from tests.statements import Plans, Statement, watched
from tests.workshop import Person, Workshop

OPEN, SNOOZED, CLOSED = ConversationStatus


@pytest.fixture
async def other(workshop: Workshop) -> Workshop:
    """Another workspace in the same database."""
    return await Workshop.open(workshop.database, "other")


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    return await workshop.person("Ana", Role.AGENT)


async def ask(shop: Workshop, read: Any, *args: Any, viewer: Viewer | None = None) -> Any:
    async with shop.database.read() as reader:
        return await read(reader, viewer or shop.olivia.viewer, *args)


async def subjects(shop: Workshop, order: InboxOrder | None = None, **wanted: Any) -> list[str]:
    """The subjects on the first page, and a check that the count agrees."""
    page = await ask(shop, inbox.inbox_page, InboxFilter(**wanted), order or InboxOrder(), PageArgs())
    assert await ask(shop, inbox.count_inbox, InboxFilter(**wanted)) == len(page.rows)
    return [row.subject for row in page.rows]


async def test_conversations_come_most_recently_updated_first_unless_ordered_otherwise(workshop: Workshop) -> None:
    for subject, created, updated in (("a", 1, 9), ("b", 2, 7), ("c", 3, 8)):
        await workshop.conversation(subject, created_at=minute(created), updated_at=minute(updated))
    assert await subjects(workshop) == ["a", "c", "b"]
    for field, ascending in ((InboxOrderField.UPDATED_AT, "bca"), (InboxOrderField.CREATED_AT, "abc")):
        assert await subjects(workshop, InboxOrder(field, OrderDirection.ASC)) == list(ascending)
        assert await subjects(workshop, InboxOrder(field, OrderDirection.DESC)) == list(ascending)[::-1]


async def test_a_row_tells_all_of_a_conversation(workshop: Workshop, ana: Person) -> None:
    team = await workshop.team("Support")
    columns = {"customer_name": "Kim Lee", "customer_email": "kim@lee.test", "team_id": team}
    conversation_id = await workshop.conversation(
        "Refund", ana, SNOOZED, snoozed_until=minute(60), created_at=minute(1), updated_at=minute(2), **columns
    )
    row = (await ask(workshop, inbox.conversations_by_id, [conversation_id]))[conversation_id]
    assert (row.subject, row.status, row.snoozed_until) == ("Refund", SNOOZED, minute(60))
    assert (row.customer, row.assignee_id) == (CustomerRow("Kim Lee", "kim@lee.test"), ana.actor_id)
    assert (row.team_id, row.created_at, row.updated_at) == (team, minute(1), minute(2))


async def test_the_filter_by_ids(workshop: Workshop, other: Workshop) -> None:
    made = [await workshop.conversation(subject, updated_at=minute(at)) for at, subject in enumerate("abc")]
    foreign = await other.conversation("foreign")
    assert await subjects(workshop, ids=[made[0], made[2], foreign, NOBODY]) == ["c", "a"]
    assert await subjects(workshop, ids=[]) == []


async def test_the_filter_by_assignee(workshop: Workshop, other: Workshop, ana: Person) -> None:
    bo = await workshop.person("Bo", Role.AGENT, inactive=True)
    for at, (subject, assignee) in enumerate((("ana's", ana), ("bo's", bo), ("nobody's", None))):
        await workshop.conversation(subject, assignee, updated_at=minute(at))
    await other.conversation("foreign")
    assert await subjects(workshop, assigned_to_user_id=ana.id) == ["ana's"]
    assert await subjects(workshop, assigned_to_user_id=bo.id) == ["bo's"]
    assert await subjects(workshop, unassigned=True) == ["nobody's"]
    assert await subjects(workshop, unassigned=False) == ["bo's", "ana's"]
    # Such an assignment cannot come about; the wall holds even so.
    await workshop.conversation("misassigned", other.olivia)
    for nobody in (NOBODY, other.olivia.id, ana.actor_id):
        assert await subjects(workshop, assigned_to_user_id=nobody) == []


@pytest.mark.parametrize("status", [[], [OPEN], [CLOSED], [OPEN, SNOOZED], [OPEN, CLOSED], list(ConversationStatus)])
@pytest.mark.parametrize("assigned", [False, True])
async def test_the_filter_by_status(
    workshop: Workshop, ana: Person, status: list[ConversationStatus], assigned: bool
) -> None:
    for each in ConversationStatus:
        await workshop.conversation(each, ana, each)
    more: dict[str, Any] = {"assigned_to_user_id": ana.id} if assigned else {}
    assert set(await subjects(workshop, status=status, **more)) == set(status)
    assert set(await subjects(workshop, **more)) == set(ConversationStatus)


async def test_the_filters_by_team_and_by_search_and_all_together(workshop: Workshop, ana: Person) -> None:
    team = await workshop.team("Support")
    both = await workshop.conversation("Refund for shoes", ana, team_id=team, customer_email="kim@lee.test")
    await workshop.conversation("Late parcel", team_id=team, customer_name="Shona")
    await workshop.conversation("Broken", ana)
    assert set(await subjects(workshop, team_id=team)) == {"Refund for shoes", "Late parcel"}
    assert await subjects(workshop, team_id=NOBODY) == []
    assert set(await subjects(workshop, search="SHO")) == {"Refund for shoes", "Late parcel"}
    assert await subjects(workshop, search="kim@") == ["Refund for shoes"]
    assert await subjects(workshop, search="hoes") == []
    together = {"ids": [both], "status": [OPEN], "assigned_to_user_id": ana.id, "team_id": team, "search": "re sho"}
    assert await subjects(workshop, **together) == ["Refund for shoes"]


async def note_bodies(shop: Workshop, ids: list[UUID], **args: Any) -> dict[UUID, list[str]]:
    found = await ask(shop, threads.notes_of, ids, PageArgs(**args))
    return {conversation_id: [note.body for note in notes.page.rows] for conversation_id, notes in found.items()}


async def test_notes_come_newest_first_a_page_for_each_conversation(workshop: Workshop, ana: Person) -> None:
    many, few, none = await crowd.conversations(workshop, [1, 2, 3])
    await crowd.hang_on(workshop, [many], ana, notes=5)
    await crowd.hang_on(workshop, [few], ana, notes=1)
    asked = [many, few, none]
    found = await ask(workshop, threads.notes_of, asked, PageArgs(first=2))
    assert set(found) == {many, few}
    first, second = found[many], found[few]
    assert [note.body for note in first.page.rows] == ["Note 4", "Note 3"]
    assert (first.page.has_next_page, first.page.has_previous_page, first.total_count) == (True, False, 5)
    assert (second.page.has_next_page, second.page.has_previous_page, second.total_count) == (False, False, 1)
    assert first.page.rows[0].author_id == ana.actor_id
    collected, cursor, more = [], None, True
    while more:
        found = await ask(workshop, threads.notes_of, [many], PageArgs(first=2, after=cursor))
        page = found[many].page
        assert found[many].total_count == 5
        assert page.has_previous_page is (cursor is not None)
        collected += [note.body for note in page.rows]
        assert len(collected) <= 5
        cursor, more = page.cursors[-1], page.has_next_page
    assert collected == ["Note 4", "Note 3", "Note 2", "Note 1", "Note 0"]
    beyond = (await ask(workshop, threads.notes_of, [many], PageArgs(after=cursor)))[many]
    assert (beyond.page.rows, beyond.page.has_next_page, beyond.total_count) == ([], False, 5)


async def test_notes_of_one_moment_are_each_read_once_while_more_are_written(workshop: Workshop, ana: Person) -> None:
    conversation_id = await workshop.conversation()
    made = {await workshop.note(conversation_id, ana, created_at=minute(1)) for _ in range(4)}
    collected: list[UUID] = []
    args, more = PageArgs(first=1), True
    while more:
        page = (await ask(workshop, threads.notes_of, [conversation_id], args))[conversation_id].page
        collected += [note.id for note in page.rows]
        assert len(collected) <= 4
        args, more = PageArgs(first=1, after=page.cursors[-1]), page.has_next_page
        await workshop.note(conversation_id, ana, created_at=minute(2))
    assert set(collected) == made


async def test_totals_of_notes_are_capped(workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "COUNTED_EXACTLY", 2)
    (conversation_id,) = await crowd.conversations(workshop, [1])
    await crowd.hang_on(workshop, [conversation_id], ana, notes=5)
    found = await ask(workshop, threads.notes_of, [conversation_id], PageArgs(first=1))
    assert found[conversation_id].total_count == 3
    assert pages.COUNTED_EXACTLY == 10_000


async def test_a_cursor_of_another_list_is_no_place_among_notes(workshop: Workshop) -> None:
    conversation_id = await workshop.conversation()
    page = await ask(workshop, inbox.inbox_page, InboxFilter(), InboxOrder(), PageArgs())
    with pytest.raises(InvalidCursor):
        await note_bodies(workshop, [conversation_id], after=page.cursors[0])


async def test_follow_ups_come_soonest_first_and_csat_where_given(workshop: Workshop, ana: Person) -> None:
    first, second = await crowd.conversations(workshop, [1, 2])
    await crowd.hang_on(workshop, [first], ana)
    found = await ask(workshop, threads.follow_ups_of, [first, second])
    assert [(row.kind, row.due_at) for row in found.pop(first)] == [
        (FollowUpKind.FOLLOW_UP, minute(59)),
        (FollowUpKind.CALLBACK, minute(60)),
    ]
    assert found == {}
    assert await ask(workshop, threads.csat_of, [first, second]) == {
        first: CsatRow(first, 5, None, minute(9), ana.actor_id)
    }


async def everything(shop: Workshop, viewer: Viewer, ids: list[UUID], notes: list[UUID], due: list[UUID]) -> list[Any]:
    return [
        await ask(shop, inbox.conversations_by_id, ids, viewer=viewer),
        await ask(shop, threads.notes_of, ids, PageArgs(), viewer=viewer),
        await ask(shop, threads.follow_ups_of, ids, viewer=viewer),
        await ask(shop, threads.csat_of, ids, viewer=viewer),
        await ask(shop, threads.notes_by_id, notes, viewer=viewer),
        await ask(shop, threads.follow_ups_by_id, due, viewer=viewer),
    ]


async def test_only_readers_of_the_inbox_of_this_workspace_read_it(
    workshop: Workshop, other: Workshop, ana: Person
) -> None:
    (conversation_id,) = await crowd.conversations(workshop, [1])
    await crowd.hang_on(workshop, [conversation_id], ana)
    notes = [await workshop.note(conversation_id, ana)]
    due = [await workshop.follow_up(conversation_id, ana)]
    nil = await workshop.person("Nil")
    await workshop.sign_in(nil)
    await workshop.sign_in(ana)
    reading = (await workshop.partner(TokenScope.INBOX_READ)).viewer
    writing = (await workshop.partner(TokenScope.INBOX_WRITE, TokenScope.USERS_READ)).viewer
    for viewer in (workshop.olivia.viewer, ana.viewer, reading):
        assert all(await everything(workshop, viewer, [conversation_id], notes, due))
        assert await ask(workshop, inbox.count_inbox, InboxFilter(), viewer=viewer) == 1
    for viewer in (nil.viewer, writing, other.olivia.viewer):
        assert not any(await everything(workshop, viewer, [conversation_id], notes, due))
    assert await subjects(other) == []
    for viewer in (nil.viewer, writing):
        with pytest.raises(Forbidden):
            await ask(workshop, inbox.inbox_page, InboxFilter(), InboxOrder(), PageArgs(), viewer=viewer)
        with pytest.raises(Forbidden):
            await ask(workshop, inbox.count_inbox, InboxFilter(), viewer=viewer)


async def test_a_note_of_another_workspace_is_not_read_through_a_conversation_of_this_one(
    workshop: Workshop, other: Workshop, ana: Person
) -> None:
    """Such rows cannot come about; the walls hold even so."""
    (conversation_id,) = await crowd.conversations(workshop, [1])
    note_id = await workshop.note(conversation_id, ana)
    await workshop.change(Note, note_id, workspace_id=other.workspace_id)
    assert await note_bodies(workshop, [conversation_id]) == {}
    assert await workshop.count(CsatResponse) == 0


async def test_nobody_of_another_workspace_has_anything_in_this_one(workshop: Workshop, other: Workshop) -> None:
    """Such rows cannot come about; the walls hold even so."""
    await workshop.conversation(assignee=other.olivia)
    assert await subjects(workshop, assigned_to_user_id=other.olivia.id) == []


@pytest.mark.parametrize("size", [1, 100])
async def test_each_read_is_one_statement_for_one_and_for_a_hundred(
    workshop: Workshop, plans: Plans, ana: Person, size: int
) -> None:
    made = await crowd.conversations(workshop, range(size), [ana])
    await crowd.hang_on(workshop, made, ana)
    wanted = InboxFilter(assigned_to_user_id=ana.id, search="ref")
    async with workshop.database.read() as reader:
        with watched(workshop.database) as statements:
            await inbox.inbox_page(reader, workshop.olivia.viewer, InboxFilter(), InboxOrder(), PageArgs(first=size))
            await inbox.inbox_page(reader, workshop.olivia.viewer, wanted, InboxOrder(), PageArgs(first=size))
            await inbox.count_inbox(reader, workshop.olivia.viewer, wanted)
    assert len(statements) == 1 + 2 + 2  # whether a search finds few is asked first
    assert [found for each in statements for found in await plans.scans(each)] == []
    reads: list[tuple[Any, Any, int]] = [
        (inbox.conversations_by_id, (made,), size),
        (threads.notes_of, (made, PageArgs(first=1)), size),
        (threads.follow_ups_of, (made,), size),
        (threads.csat_of, (made,), size),
    ]
    for read, args, answers in reads:
        with watched(workshop.database) as statements:
            found = await ask(workshop, read, *args)
        assert len(statements) == 1, read
        assert not answers or len(found) == answers
        assert await plans.scans(statements[0]) == [], read
        assert await plans.walks(statements[0]) == [], read


UNASSIGNED = "conversation_assignee conversation_unassigned"


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "conversation_status"),
        ({"unassigned": False}, "conversation_status"),
        ({"unassigned": True}, UNASSIGNED),
        ({"assigned_to_user_id": NOBODY}, "conversation_assignee"),
    ],
)
@pytest.mark.parametrize(
    "order", [InboxOrder(field, direction) for field in InboxOrderField for direction in OrderDirection]
)
async def test_a_page_of_many_walks_an_index_in_its_order(
    workshop: Workshop, plans: Plans, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], index: str, order: Any
) -> None:
    """Each status is walked in its order, and nothing more than those few rows is put in order."""
    await check_walks(workshop, plans, monkeypatch, wanted, index, order)


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"search": "refund"}, "conversation_status"),
        ({"team_id": NOBODY}, "conversation_team"),
        ({"team_id": NOBODY, "unassigned": True}, "conversation_team_unassigned"),
        ({"team_id": NOBODY, "unassigned": False}, "conversation_status"),
        ({"team_id": NOBODY, "assigned_to_user_id": NOBODY}, "conversation_assignee"),
    ],
)
@pytest.mark.parametrize("field", InboxOrderField)
async def test_where_postgresql_sees_that_it_is_little_sqlite_walks_too(
    workshop: Workshop, plans: Plans, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], index: str, field: Any
) -> None:
    await check_walks(workshop, plans, monkeypatch, wanted, index, InboxOrder(field))


async def check_walks(
    workshop: Workshop, plans: Plans, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any], index: str, order: Any
) -> None:
    await crowd.conversations(workshop, range(3))
    page = await ask(workshop, inbox.inbox_page, InboxFilter(), order, PageArgs())
    for module in (inbox, sets):
        monkeypatch.setattr(module, "is_few", never)
    fitting = {f"{each}_{order.field.removesuffix('_AT').lower()}" for each in index.split()}
    for args in (PageArgs(), PageArgs(after=page.cursors[0]), PageArgs(last=2, before=page.cursors[2])):
        with watched(workshop.database) as statements:
            await ask(workshop, inbox.inbox_page, InboxFilter(**wanted, status=[SNOOZED]), order, args)
            await ask(workshop, inbox.inbox_page, InboxFilter(**wanted), order, args)
        of_one, of_all = [each for each in of_conversations(statements) if "conversation.subject" in each.sql]
        assert fitting & {*await plans.indexes(of_one)}
        assert not await plans.sorts(of_one)
        assert len([each for each in await plans.indexes(of_all) if each in fitting]) == len(ConversationStatus)


def of_conversations(statements: list[Statement]) -> list[Statement]:
    """Without the one that asks whose work is being released."""
    return [each for each in statements if "FROM conversation" in each.sql]


async def never(*_: object) -> bool:
    """Says that there are too many to collect them."""
    return False


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"ids": [NOBODY]}, "conversation_pkey sqlite_autoindex_conversation_1"),
        ({"search": "refund"}, "conversation_word_pkey"),
        ({"team_id": NOBODY, "assigned_to_user_id": NOBODY}, "conversation_team_assignee"),
    ],
)
async def test_a_few_are_collected(workshop: Workshop, plans: Plans, wanted: dict[str, Any], index: str) -> None:
    for read, more in ((inbox.inbox_page, (InboxOrder(), PageArgs())), (inbox.count_inbox, ())):
        with watched(workshop.database) as statements:
            await ask(workshop, read, InboxFilter(**wanted), *more)
        for each in of_conversations(statements):
            assert {*index.split()} & {*await plans.indexes(each)}
            assert await plans.walks(each) == []


async def test_pages_of_many_are_those_of_a_few(
    workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = await workshop.team("Billing")
    made = await crowd.conversations(workshop, [3, 1, 2, 2], [ana])
    for conversation_id in made[:3]:
        await workshop.change(Conversation, conversation_id, team_id=team)
    await workshop.change(Conversation, made[0], assignee_id=None)
    await workshop.change(Conversation, made[1], status=CLOSED)
    filters = [
        InboxFilter(search="ref"),
        InboxFilter(search="ref kim", team_id=team),
        InboxFilter(unassigned=False),
        InboxFilter(team_id=team, unassigned=True),
        InboxFilter(team_id=team, assigned_to_user_id=ana.id, status=[OPEN]),
    ]

    async def found() -> list[Any]:
        return [
            (
                await ask(workshop, inbox.inbox_page, each, InboxOrder(), PageArgs()),
                await ask(workshop, inbox.count_inbox, each),
            )
            for each in filters
        ]

    of_few = await found()
    for module in (inbox, sets):
        monkeypatch.setattr(module, "is_few", never)
    assert await found() == of_few
    assert [count for _, count in of_few] == [4, 0, 3, 1, 1]


async def test_a_search_uses_the_index_of_terms(workshop: Workshop, plans: Plans) -> None:
    await workshop.conversation("Refund")
    with watched(workshop.database) as statements:
        assert await subjects(workshop, search="ref") == ["Refund"]
    for statement in statements:
        assert "conversation_word_pkey" in await plans.indexes(statement)
        assert await plans.scans(statement) == []


async def test_one_page_is_one_moment(workshop: Workshop) -> None:
    """The page and its total agree, whatever is written between them."""
    conversation_id = await workshop.conversation()
    async with workshop.database.read() as reader:
        viewer = workshop.olivia.viewer
        page = await inbox.inbox_page(reader, viewer, InboxFilter(status=[OPEN]), InboxOrder(), PageArgs())
        await workshop.change(Conversation, conversation_id, status=CLOSED)
        assert await inbox.count_inbox(reader, viewer, InboxFilter(status=[OPEN])) == len(page.rows) == 1
