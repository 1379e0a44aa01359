"""Column types and the small values that every table shares: ids, times, flags."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Dialect, String, text
from sqlalchemy.types import TypeDecorator, TypeEngine
from uuid_utils.compat import uuid7

E = TypeVar("E", bound=StrEnum)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = EPOCH
"""Stands in a column for "has not happened", where an index must order it before everything that has."""

NOBODY = UUID(int=0)
"""An id that no row ever has: what a malformed id, or an id of another type, is read as."""


def new_id() -> UUID:
    """A fresh id, never used before: a UUID version 7 (RFC 9562, section 5.7), so that new rows lie together."""
    return uuid7()


def now() -> datetime:
    """The present by this machine's clock, in UTC, cut to the millisecond that the API shows."""
    return cut(datetime.now(UTC))


def cut(moment: datetime) -> datetime:
    """A time without what is finer than a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_millis(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00Z."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_millis(millis: int) -> datetime:
    """The inverse of to_millis."""
    return EPOCH + timedelta(milliseconds=millis)


def where(condition: str) -> dict[str, Any]:
    """Arguments of an Index that has only the rows which fulfil a condition."""
    return dict.fromkeys(("sqlite_where", "postgresql_where"), text(condition))


class Timestamp(TypeDecorator[datetime]):
    """An aware UTC datetime with millisecond precision: an integer on SQLite, timestamptz elsewhere."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return to_millis(value) if dialect.name == "sqlite" else cut(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return from_millis(value) if value is not None and dialect.name == "sqlite" else value


class Text(TypeDecorator[str]):
    """Text that is compared and ordered by code point, whatever the collation of a PostgreSQL database is."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(self.length, collation=collation))


class Named(TypeDecorator[E]):
    """A member of a StrEnum, stored as its plain name, so that a new member needs no migration."""

    impl = Text(40)
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__()
        self.kind = kind

    def process_result_value(self, value: Any, _dialect: Dialect) -> E | None:
        return None if value is None else self.kind(value)
