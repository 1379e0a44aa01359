"""Pages of a list by keyset: rows are found by their place in the order, so a page keeps its place while others come
and go. Every page is one statement."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import Column, ColumnElement, Row, Select, Uuid, func, literal, select, tuple_

from models.database import Reader, Tx
from models.types import Timestamp, from_millis, to_millis
from resolvers.errors import InvalidCursor, InvalidInput
from resolvers.texts import storable

SMALLEST_PAGE = 1
LARGEST_PAGE = 100
DEFAULT_PAGE = 50
COUNTED_EXACTLY = 10_000

R = TypeVar("R")


class OrderDirection(StrEnum):
    """Which end of an order comes first."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class PageArgs:
    """Which page is asked for. Raises InvalidInput for a size out of range, or for both `first` and `last`."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None:
            raise InvalidInput("Send `first` or `last`, not both.")
        for name, size in (("first", self.first), ("last", self.last)):
            if size is not None and not SMALLEST_PAGE <= size <= LARGEST_PAGE:
                raise InvalidInput(f"`{name}` must be between {SMALLEST_PAGE} and {LARGEST_PAGE}.")

    @property
    def backward(self) -> bool:
        """The rows nearest to the end are wanted."""
        return self.last is not None

    @property
    def size(self) -> int:
        """How many rows a page has at most."""
        return self.last or self.first or DEFAULT_PAGE


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list in its order, each with its cursor, and whether there is more on either side."""

    rows: list[R]
    cursors: list[str]
    has_next_page: bool
    has_previous_page: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A total order of a list: columns that all go in one direction, the id last. `name` marks its cursors."""

    name: str
    columns: tuple[Column[Any], ...]
    direction: OrderDirection

    @property
    def descending(self) -> bool:
        """The greatest comes first."""
        return self.direction is OrderDirection.DESC

    def by(self, *, backward: bool = False) -> list[ColumnElement[Any]]:
        """The ORDER BY of this order, or of its reverse."""
        return [column.desc() if self.descending != backward else column.asc() for column in self.columns]

    def cursor(self, row: Row[Any]) -> str:
        """The opaque place of a row, which has selected the order's columns."""
        values = [_plain(row._mapping[column]) for column in self.columns]
        return urlsafe_b64encode(orjson.dumps([self.name, self.direction, *values])).decode().rstrip("=")

    def beyond(self, cursor: str, *, backward: bool = False) -> ColumnElement[bool]:
        """The condition that a row comes after a cursor, or before it; raises InvalidCursor if it is none of ours."""
        place = tuple_(
            *(literal(value, column.type) for value, column in zip(self._place(cursor), self.columns, strict=True))
        )
        keys = tuple_(*self.columns)
        return keys < place if self.descending != backward else keys > place

    def _place(self, cursor: str) -> list[Any]:
        try:
            name, direction, *values = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if (name, direction) == (self.name, self.direction):
                return [_typed(value, column) for value, column in zip(values, self.columns, strict=True)]
        except (ValueError, TypeError, OverflowError):
            pass
        raise InvalidCursor(
            "This cursor is not one of this list in this order. Pass a cursor of the same list and `orderBy`, "
            "or leave it out to start again."
        )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_millis(value)
    return value.hex if isinstance(value, UUID) else value


def _typed(value: Any, column: Column[Any]) -> Any:
    if isinstance(column.type, Timestamp):
        if type(value) is int:
            return from_millis(value)
    elif isinstance(value, str) and storable(value):
        return UUID(value) if isinstance(column.type, Uuid) else value
    raise TypeError


async def read_page(
    reader: Reader | Tx, statement: Select[Any], order: Order, args: PageArgs, make: Callable[[Row[Any]], R]
) -> Page[R]:
    """One page of a filtered select that names the order's columns, each row made by `make`.

    With `after` there is a page before this one, with `before` one behind it; else an extra row tells.
    Raises InvalidCursor.
    """
    if args.after is not None:
        statement = statement.where(order.beyond(args.after))
    if args.before is not None:
        statement = statement.where(order.beyond(args.before, backward=True))
    found = list(await reader.rows(statement.order_by(*order.by(backward=args.backward)).limit(args.size + 1)))
    more = len(found) > args.size
    found = found[: args.size]
    if args.backward:
        found.reverse()
    return Page(
        [make(row) for row in found],
        [order.cursor(row) for row in found],
        has_next_page=args.before is not None or (more and not args.backward),
        has_previous_page=args.after is not None or (more and args.backward),
    )


async def total_count(reader: Reader | Tx, statement: Select[Any]) -> int:
    """How many rows a filtered select has: exact up to 10,000; 10,001 means more."""
    ones = statement.with_only_columns(literal(1).label("one"), maintain_column_froms=True).order_by(None)
    return int(await reader.scalar(select(func.count()).select_from(ones.limit(COUNTED_EXACTLY + 1).subquery())))
