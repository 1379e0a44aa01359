"""The rules for texts that people type."""

from models.enums import ErrorCode
from resolvers.errors import refuse

LONGEST_NAME = 200
LONGEST_TEXT = 10_000


def required_text(text: str, field: str, longest: int = LONGEST_NAME) -> str:
    """The text without surrounding white space; refuses with INVALID_INPUT if that is empty or too long."""
    cleaned = text.strip()
    if not 1 <= len(cleaned) <= longest or "\x00" in cleaned:
        raise refuse(ErrorCode.INVALID_INPUT, f"{field} must have 1 to {longest:,} characters.", field)
    return cleaned


def optional_text(text: str | None, field: str, longest: int = LONGEST_TEXT) -> str | None:
    """The text likewise, or None where there is none."""
    return required_text(text, field, longest) if text and text.strip() else None
