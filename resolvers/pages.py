"""Pages of a list by keyset: rows are found by their place in the order, so a page keeps its place while others come
and go. Every page is one statement.

A page of a million rows costs what a page of a hundred does, because no more than a page is ever put in order. An index
gives rows in the order of a list only where the columns before it are each fixed to one value. So a list is made up of
parts, one for each value that the filter leaves open, and a page is what comes first of the first rows of each part.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Integer,
    Row,
    Select,
    Uuid,
    bindparam,
    case,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from models.database import Reader, Tx
from models.types import Timestamp, from_millis, to_millis
from resolvers.errors import InvalidCursor, InvalidInput
from resolvers.texts import storable

SMALLEST_PAGE = 1
LARGEST_PAGE = 100
DEFAULT_PAGE = 50
COUNTED_EXACTLY = 10_000
FEW = 5_000
"""So many rows are collected and put in order sooner than the list is walked until a page of them has been met."""

R = TypeVar("R")

_TOO_LARGE = 2**31


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

    def by(self, *, backward: bool = False, of: FromClause | None = None) -> list[ColumnElement[Any]]:
        """The ORDER BY of this order, or of its reverse; `of` has columns with the names of the order's."""
        columns = self.columns if of is None else [of.c[column.name] for column in self.columns]
        return [column.desc() if self.descending != backward else column.asc() for column in columns]

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
    elif isinstance(column.type, Integer):
        if type(value) is int and abs(value) < _TOO_LARGE:
            return value
    elif isinstance(value, str) and storable(value):
        return UUID(value) if isinstance(column.type, Uuid) else value
    raise TypeError


async def read_page(
    reader: Reader | Tx,
    whole: Select[Any],
    order: Order,
    args: PageArgs,
    make: Callable[[Row[Any]], R],
    *,
    parts: Sequence[ColumnElement[bool]] = (),
) -> Page[R]:
    """One page of a filtered select that names the order's columns, each row made by `make`.

    Of the select are meant the rows that fulfil one of `parts`, conditions of which no row fulfils two; without parts
    all. With `after` there is a page before this one, with `before` one behind it; else an extra row tells.
    Raises InvalidCursor.
    """
    if len(parts) > 1:
        *_, row_id = order.columns
        wanted = whole.where(row_id.in_(ids_of_first([whole.where(part) for part in parts], order, args)))
    else:
        wanted = whole.where(*parts, *bounds(order, args))
    return await read_first(reader, wanted, order, args, make)


async def read_first(
    reader: Reader | Tx, wanted: Select[Any], order: Order, args: PageArgs, make: Callable[[Row[Any]], R]
) -> Page[R]:
    """One page as of read_page(), of a select that has nothing from beyond the cursors."""
    found = list(await reader.rows(_first(wanted, order, args)))
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


def bounds(order: Order, args: PageArgs) -> list[ColumnElement[bool]]:
    """The conditions that a row lies between the cursors. Raises InvalidCursor."""
    bounds = [] if args.after is None else [order.beyond(args.after)]
    return bounds if args.before is None else [*bounds, order.beyond(args.before, backward=True)]


def _first(rows: Select[Any], order: Order, args: PageArgs) -> Select[Any]:
    return rows.order_by(*order.by(backward=args.backward)).limit(written_out(args.size + 1))


def ids_of_first(lists: Sequence[Select[Any]], order: Order, args: PageArgs) -> CompoundSelect[Any]:
    """The ids of what comes first in each of some lists, between the cursors: of those a page of all of them consists.

    The order's columns are those of the lists. Raises InvalidCursor.
    """
    *_, row_id = order.columns
    between = [each.with_only_columns(*order.columns).where(*bounds(order, args)) for each in lists]
    firsts = [_first(each, order, args).subquery() for each in between]
    return union_all(*(select(first.c[row_id.name]) for first in firsts))


def written_out(value: Any) -> BindParameter[Any]:
    """A value that is part of the statement's text.

    PostgreSQL keeps one plan for all values of a parameter. It would take a limit for a tenth of everything, and one
    value of an enumeration to be as frequent as another.
    """
    return bindparam("written", value, literal(value).type, unique=True, literal_execute=True)


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column's value in a condition by which no rows are to be looked up: those that are met are judged by it."""
    return func.coalesce(column, column)


async def total_count(reader: Reader | Tx, whole: Select[Any], *, parts: Sequence[ColumnElement[bool]] = ()) -> int:
    """How many rows of a filtered select fulfil one of `parts`: exact up to 10,000; 10,001 means more."""
    ones = whole.with_only_columns(_ONE, maintain_column_froms=True).order_by(None)
    rows = union_all(*(ones.where(part) for part in parts)) if len(parts) > 1 else ones.where(*parts)
    return int(await reader.scalar(select(counted(rows, COUNTED_EXACTLY))))


def counted(rows: Select[Any] | CompoundSelect[Any], most: int) -> ColumnElement[int]:
    """How many rows a select has, as part of a statement: exact up to `most`; one more means more."""
    many = rows.limit(written_out(1)).offset(written_out(most)).exists()
    return case((many, most + 1), else_=select(func.count()).select_from(rows.subquery()).scalar_subquery())


async def is_few(reader: Reader | Tx, rows: Select[Any], most: int = FEW) -> bool:
    """Whether a select has at most so many rows."""
    ones = rows.with_only_columns(_ONE, maintain_column_froms=True)
    return not await reader.scalar(select(ones.limit(written_out(1)).offset(written_out(most)).exists()))


_ONE = literal(1).label("one")
