"""Word-prefix search: which terms a text has, and which rows a search finds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models.database import table
from models.search import fold, matches, terms_of
from models.work import Conversation, ConversationWord
from tests.workshop import Workshop

CONVERSATION, WORD = table(Conversation), table(ConversationWord)


@pytest.mark.parametrize(
    ("texts", "email", "expected"),
    [
        (("Ana Abel",), None, {"ana", "abel"}),
        (("O'Brien-Lee",), None, {"o'brien-lee", "brien-lee", "lee"}),
        (("(late) #42",), None, {"(late)", "late)", "#42", "42"}),
        (("STRASSE Straße",), None, {"strasse"}),
        (("Ana", None, "ANA"), "Ana.Abel@Acme.test", {"ana", "ana.abel@acme.test"}),
        (("", "  "), None, set()),
        (("x" * 70,), "y" * 70, {"x" * 64, "y" * 64}),
    ],
)
def test_the_terms_of_a_text(texts: tuple[str | None, ...], email: str | None, expected: set[str]) -> None:
    assert terms_of(*texts, email=email) == expected


async def found(shop: Workshop, search: str) -> set[object]:
    condition = matches(search, CONVERSATION.c.id, WORD, "conversation_id", shop.workspace_id)
    async with shop.database.read() as reader:
        return {row.id for row in await reader.rows(select(CONVERSATION.c.id).where(condition))}


@pytest.mark.parametrize(
    ("search", "hit"),
    [
        ("inv", True),
        ("INVOICE", True),
        ("late inv", True),
        ("inv kim", True),
        ("kim@c", True),
        ("customer", False),
        ("nvoice", False),
        ("inv refund", False),
        ("invoices", False),
        ("%", False),
        ("_", False),
        ("", True),
        (" \t", True),
    ],
)
async def test_every_piece_must_begin_a_term(workshop: Workshop, search: str, hit: bool) -> None:
    conversation = await workshop.conversation("Invoice (late)", customer_email="kim@customer.test")
    assert await found(workshop, search) == ({conversation} if hit else set())


async def test_the_workspace_is_a_wall(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    await other.conversation("Invoice")
    assert await found(workshop, "invoice") == set()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80), st.data())
async def test_any_beginning_of_any_word_finds_the_row(workshop: Workshop, subject: str, data: st.DataObject) -> None:
    conversation = await workshop.conversation(subject)
    pieces = [piece for piece in subject.split() if piece]
    if pieces:
        piece = data.draw(st.sampled_from(pieces))
        search = piece[: data.draw(st.integers(1, len(piece)))]
        assert conversation in await found(workshop, search)
        assert conversation in await found(workshop, fold(search))
