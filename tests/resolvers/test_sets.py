"""What a search finds is the same whichever way it is looked for, in either order, page by page and in total."""

from itertools import product
from typing import Any

import pytest

from models.enums import ConversationStatus, Role, UserStatus
from resolvers import inbox, pages, sets
from resolvers.inbox import InboxFilter, InboxOrder, count_inbox, inbox_page
from resolvers.pages import PageArgs
from resolvers.users import UserFilter, UserOrder, count_users, users_page
from tests.crowd import minute
from tests.statements import watched
from tests.workshop import Person, Workshop

OPEN, SNOOZED, CLOSED = ConversationStatus

WAYS: dict[str, dict[str, int]] = {
    "few": {},
    "near": {"FEW": 0},
    "collected": {"FEW": 0, "NEAR": 1},
    "collected, of many": {"FEW": 0, "NEAR": 1, "SAMPLE": 1},
    "of more than is counted": {"FEW": 0, "NEAR": 0, "SAMPLE": 0, "MANY": 0},
}
"""What is few, near and many, so that a list of a few rows is looked for like one of many."""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    async def is_few(reader: Any, rows: Any, most: int | None = None) -> bool:
        return await pages.is_few(reader, rows, sets.FEW if most is None else most)

    for name, value in WAYS[request.param].items():
        monkeypatch.setattr(sets, name, value)
    for module in (sets, inbox):
        monkeypatch.setattr(module, "is_few", is_few)
    return str(request.param)


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    return await workshop.person("Ana Brandt", Role.AGENT)


async def whole(shop: Workshop, read: Any, name: str, *args: Any) -> list[str]:
    """A list read page by page in both directions, which must agree."""
    found: list[list[str]] = []
    for size, place, more in (("first", "after", "has_next_page"), ("last", "before", "has_previous_page")):
        names: list[str] = []
        asked: dict[str, Any] = {size: 3}
        for _ in range(20):
            async with shop.database.read() as reader:
                page = await read(reader, shop.olivia.viewer, *args, PageArgs(**asked))
            here = [getattr(row, name) for row in page.rows]
            names = names + here if size == "first" else here + names
            if not getattr(page, more):
                break
            asked[place] = page.cursors[-1 if size == "first" else 0]
        found.append(names)
    assert found[0] == found[1]
    return found[0]


SEARCHES = {
    "refund": "hfedba",
    "ref": "hfedba",
    "ki": "hgfedcba",
    "refund ki": "hfedba",
    "ki refund": "hfedba",
    "refund invoice": "ea",
    "invoice parcel": "",
    "nothing": "",
}
"""What each finds, the latest first: conversations have a letter each."""


@pytest.fixture
async def conversations(workshop: Workshop, ana: Person) -> None:
    texts = ("refund invoice", "refund", "invoice", "refund", "refund refund-2 invoice", "refund", "parcel", "refund")
    for at, (letter, text) in enumerate(zip("abcdefgh", texts, strict=True)):
        status = (OPEN, CLOSED, SNOOZED)[at % 3]
        subject = f"{letter} {text}"
        held = ana if letter in "abcf" else None
        names = {"customer_name": "Kim Kit"}
        await workshop.conversation(subject, held, status, updated_at=minute(at), **names)


@pytest.mark.usefixtures("way", "conversations")
async def test_conversations(workshop: Workshop, ana: Person) -> None:
    filters: list[tuple[dict[str, Any], str]] = [
        ({}, "abcdefgh"),
        ({"status": [OPEN, SNOOZED]}, "acdfg"),
        ({"status": [CLOSED]}, "beh"),
        ({"assigned_to_user_id": ana.id}, "abcf"),
        ({"unassigned": True}, "degh"),
        ({"unassigned": False, "status": [OPEN]}, "a"),
    ]
    for search, (words, fitting) in product(SEARCHES, filters):
        wanted = InboxFilter(search=search, **words)
        expected = [letter for letter in SEARCHES[search] if letter in fitting]
        found = await whole(workshop, inbox_page, "subject", wanted, InboxOrder())
        assert [subject[0] for subject in found] == expected, wanted
        async with workshop.database.read() as reader:
            assert await count_inbox(reader, workshop.olivia.viewer, wanted) == len(expected)


@pytest.mark.usefixtures("way")
async def test_users(workshop: Workshop, ana: Person) -> None:
    team = await workshop.team("Support", ana)
    await workshop.person("Bo Brandt", Role.AGENT, Role.VIEWER, teams=(team,), inactive=True)
    await workshop.person("Bruno Brandt", Role.VIEWER)
    filters: list[tuple[dict[str, Any], str]] = [
        ({"search": "br"}, "Ana Bo Bruno"),
        ({"search": "br", "status": UserStatus.ACTIVE}, "Ana Bruno"),
        ({"search": "brandt bo"}, "Bo"),
        ({"search": "br", "role": Role.AGENT}, "Ana Bo"),
        ({"search": "br", "role": Role.AGENT, "team_id": team, "status": UserStatus.INACTIVE}, "Bo"),
        ({"role": Role.VIEWER, "team_id": team}, "Bo"),
    ]
    for words, expected in filters:
        found = await whole(workshop, users_page, "name", UserFilter(**words), UserOrder())
        assert [name.split()[0] for name in found] == expected.split()
        async with workshop.database.read() as reader:
            assert await count_users(reader, workshop.olivia.viewer, UserFilter(**words)) == len(expected.split())


@pytest.mark.usefixtures("way", "conversations")
async def test_totals_are_exact_up_to_a_limit(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "COUNTED_EXACTLY", 3)
    async with workshop.database.read() as reader:
        for search, status, total in (("refund", None, 4), ("refund", [OPEN, CLOSED], 4), ("refund invoice", None, 2)):
            wanted = InboxFilter(search=search, status=status)
            assert await count_inbox(reader, workshop.olivia.viewer, wanted) == total


@pytest.mark.usefixtures("conversations")
async def test_the_narrowest_comes_first(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    words = inbox._sets(workshop.olivia.viewer, InboxFilter(search="kim parcel refund"))
    for sizes, most in (((1, 7, 9), 1), ((0, 7, 9), 7), ((0, 0, 1), 1), ((0, 0, 0), None)):
        for name, value in zip(("FEW", "SAMPLE", "MANY"), sizes, strict=True):
            monkeypatch.setattr(sets, name, value)
        async with workshop.database.read() as reader:
            arranged = await sets.arrange(reader, words)
        assert arranged.most == most
        if most == 1:
            assert arranged.narrowest is words[1]
        assert {id(each) for each in (arranged.narrowest, *arranged.others)} == {id(each) for each in words}


@pytest.mark.usefixtures("conversations")
async def test_a_search_walks_no_farther_than_the_beginning_of_a_list(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether few are found, where the beginning ends, a page of that; and only if it is not full one of all."""
    monkeypatch.setattr(sets, "FEW", 0)
    wanted = InboxFilter(search="refund", status=[OPEN])
    for near, statements in ((2_000, 3), (1, 4)):
        monkeypatch.setattr(sets, "NEAR", near)
        with watched(workshop.database) as seen:
            async with workshop.database.read() as reader:
                page = await inbox_page(reader, workshop.olivia.viewer, wanted, InboxOrder(), PageArgs(first=2))
        assert [row.subject[0] for row in page.rows] == ["d", "a"]
        assert len(seen) == statements
