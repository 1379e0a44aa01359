"""The rules for texts that people type."""

import re

from models.enums import ErrorCode
from resolvers.errors import InvalidInput, refuse

SLUG = re.compile(r"[a-z0-9-]{2,63}")
LONGEST_NAME = 200
LONGEST_TEXT = 10_000
LONGEST_SEARCH = 200


def storable(text: str) -> bool:
    """Whether every database can keep a text: PostgreSQL has no NUL, and no encoding half a surrogate pair."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def required_text(text: str, field: str, longest: int = LONGEST_NAME) -> str:
    """The text without surrounding white space; refuses with INVALID_INPUT if it is empty, too long or unstorable."""
    cleaned = text.strip()
    if not 1 <= len(cleaned) <= longest:
        raise refuse(ErrorCode.INVALID_INPUT, f"{field} must have 1 to {longest:,} characters.", field)
    if not storable(cleaned):
        raise refuse(ErrorCode.INVALID_INPUT, f"{field} must not contain the character NUL.", field)
    return cleaned


def optional_text(text: str | None, field: str, longest: int = LONGEST_TEXT) -> str | None:
    """The text likewise, or None where there is none."""
    return required_text(text, field, longest) if text and text.strip() else None


def check_search(search: str | None) -> None:
    """Raise InvalidInput for a search term that is longer than anybody types, or that no text can contain."""
    if search is not None and len(search) > LONGEST_SEARCH:
        raise InvalidInput(f"`search` must have at most {LONGEST_SEARCH} characters.")
    if search is not None and not storable(search):
        raise InvalidInput("`search` must not contain the character NUL.")


def find_slug(text: str) -> str:
    """The slug to look up for what somebody typed; one that no workspace has if it is no slug."""
    slug = text.strip().lower()
    return slug if SLUG.fullmatch(slug) else ""
