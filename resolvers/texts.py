"""The rules for texts that people type."""

from models.enums import ErrorCode
from resolvers.errors import InvalidInput, refuse

LONGEST_NAME = 200
LONGEST_TEXT = 10_000
LONGEST_SEARCH = 200


def required_text(text: str, field: str, longest: int = LONGEST_NAME) -> str:
    """The text without surrounding white space; refuses with INVALID_INPUT if that is empty or too long."""
    cleaned = text.strip()
    if not 1 <= len(cleaned) <= longest or "\x00" in cleaned:
        raise refuse(ErrorCode.INVALID_INPUT, f"{field} must have 1 to {longest:,} characters.", field)
    return cleaned


def optional_text(text: str | None, field: str, longest: int = LONGEST_TEXT) -> str | None:
    """The text likewise, or None where there is none."""
    return required_text(text, field, longest) if text and text.strip() else None


def check_search(search: str | None) -> None:
    """Raise InvalidInput for a search term that is longer than anybody types."""
    if search is not None and len(search) > LONGEST_SEARCH:
        raise InvalidInput(f"`search` must have at most {LONGEST_SEARCH} characters.")
