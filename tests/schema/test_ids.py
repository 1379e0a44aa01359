"""Global ids."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.types import NOBODY
from schema import ids


@given(st.sampled_from(["User", "Session", "Conversation"]), st.uuids())
def test_an_id_leads_back_to_its_row(kind: str, row_id: UUID) -> None:
    text = ids.encode(kind, row_id)
    assert ids.split(text) == (kind, row_id)
    assert ids.decode(kind, text) == row_id
    assert ids.decode("Team", text) == NOBODY
    assert ids.decode_any(text, "Team", kind) == row_id
    assert text.isascii()
    assert all(character.isalnum() for character in text)


@given(st.text())
def test_any_other_text_names_nobody(text: str) -> None:
    assert ids.decode("User", text) == NOBODY


@pytest.mark.parametrize("tail", ["=", "==", "A", " ", "\n"])
def test_an_id_has_one_spelling(tail: str) -> None:
    text = ids.encode("User", UUID(int=5))
    assert ids.split(text + tail) == ("", NOBODY)
