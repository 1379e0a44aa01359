"""Word-prefix search as a plain index: the terms under which a row is found, and the condition that finds it.

A text is cut at white space; each piece is a term from every place in it where a word begins, so that "O'Brien-Lee" is
found by "o'b", "brien" and "lee". An email address is one term, from its start. Terms are case-folded (Unicode), so
both databases compare plain code points.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, select

_TERM_START = re.compile(r"^|(?<!\w)(?=\w)")
_LONGEST_TERM = 64
_AFTER_EVERY_TERM = "\U0010ffff"


def fold(text: str) -> str:
    """The form in which texts are compared."""
    return text.casefold()


def terms_of(*texts: str | None, email: str | None = None) -> set[str]:
    """Every term of some texts and an email address, each at most 64 characters long."""
    found = {term[:_LONGEST_TERM] for text in texts if text for term in _terms(fold(text))}
    return found | {fold(email)[:_LONGEST_TERM]} if email else found


def _terms(text: str) -> Iterator[str]:
    for piece in text.split():
        for start in _TERM_START.finditer(piece):
            yield piece[start.start() :]


def matches(search: str, key: ColumnElement[Any], words: Table, owner: str, workspace_id: UUID) -> ColumnElement[bool]:
    """The condition that every white-space separated piece of `search` begins a term of the row.

    `key` is the row's id, `words` the table of terms, `owner` its column that names the row. A search of nothing but
    white space matches everything.
    """
    return and_(True, *(key.in_(found) for found in matching(search, words, owner, workspace_id)))


def matching(search: str, words: Table, owner: str, workspace_id: UUID) -> list[Select[Any]]:
    """For each piece of `search` the ids of the rows of which it begins a term; a row may be there more than once."""
    return [
        select(words.c[owner]).where(
            words.c.workspace_id == workspace_id, words.c.word >= piece, words.c.word < piece + _AFTER_EVERY_TERM
        )
        for piece in sorted({piece[:_LONGEST_TERM] for piece in fold(search).split()})
    ]
