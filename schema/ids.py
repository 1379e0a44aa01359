"""Ids as clients see them: opaque, unique across types (Relay's Global Object Identification), URL-safe.

Outside, an id is the base64url of "Type:uuid" without padding; inside it is the UUID. An id that is malformed or of
another type is read as NOBODY, which names nothing, so that it is refused where and as an unknown id is.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import strawberry

from models.types import NOBODY


def encode(kind: str, row_id: UUID) -> strawberry.ID:
    """The id of a row of a type."""
    return strawberry.ID(urlsafe_b64encode(f"{kind}:{row_id}".encode()).decode().rstrip("="))


def split(text: str) -> tuple[str, UUID]:
    """The type and the UUID of an id; an empty type and NOBODY if it is none of ours."""
    try:
        kind, _, row_id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(":")
        found = UUID(row_id)
    except ValueError:
        return "", NOBODY
    return (kind, found) if encode(kind, found) == text else ("", NOBODY)


def decode(kind: str, text: str) -> UUID:
    """The UUID of an id of a given type, else NOBODY."""
    found, row_id = split(text)
    return row_id if found == kind else NOBODY


def decode_any(text: str, *kinds: str) -> UUID:
    """The UUID of an id of one of some types, else NOBODY."""
    found, row_id = split(text)
    return row_id if found in kinds else NOBODY
