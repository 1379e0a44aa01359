"""Lists of what is in some sets: users with a role, of a team, or whatever a search finds.

Where one of the sets has few, these are collected. Otherwise the list is walked, and each row that is met is judged.
That meets a page soon, unless what fits is rare or comes last: so a search looks at the beginning of the list alone,
and then collects. The time that it takes has a bound, which grows with what the narrowest of its words finds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from models.database import Reader, Tx
from resolvers import pages
from resolvers.pages import FEW, Order, Page, PageArgs, bounds, is_few, read_page, total_count, unindexed, written_out

NEAR = 2_000
"""So many rows at the beginning of a list are looked at before everything that fits is collected."""

SAMPLE = 30_000
"""So many of what a word finds tell whether the total is above what is counted: a row is found by few words."""

MANY = 300_000
"""Up to so many are counted to tell which set is narrower."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class IdSet:
    """Ids by what another table says of them. `key` is its column with them; one may come more than once.

    `read_once`: to look into it for each of many ids would take longer than to read all of it beforehand.
    """

    rows: Select[Any]
    key: ColumnElement[Any]
    read_once: bool = False

    def has(self, row_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """The condition that an id is in the set."""
        return unindexed(row_id).in_(self.rows) if self.read_once else self._of(row_id).exists()

    def has_met(self, row_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """The same for a row that is met on the way: PostgreSQL does not read the whole set for it."""
        return self._of(row_id).offset(written_out(0)).exists()

    def _of(self, row_id: ColumnElement[Any]) -> Select[Any]:
        return self.rows.where(self.key == row_id).correlate(row_id.table)


@dataclass(frozen=True, slots=True)
class Sets:
    """Some sets in all of which an id is to be, the narrowest first. `most`: how many that has at most, if known."""

    narrowest: IdSet
    others: Sequence[IdSet]
    most: int | None

    @property
    def are_few(self) -> bool:
        """No more than are collected at once."""
        return self.most == FEW

    @property
    def samples(self) -> Sequence[int | None]:
        """Of how many of the narrowest it is tried to tell the total, one after the other; None: of all."""
        return (None,) if any(each.read_once for each in self.others) else (SAMPLE, None)

    def collected(self, row_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """The condition that an id is in all sets, where the ids are found by them."""
        return row_id.in_(self.ids())

    def met(self, row_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """The same, where rows that are met are judged."""
        return and_(*(each.has_met(row_id) for each in (self.narrowest, *self.others)))

    def ids(self, sample: int | None = None) -> Select[Any]:
        """The ids that are in all sets; if the size of a sample is given, those of so many of the narrowest."""
        rows, most = self.narrowest.rows, sample or self.most
        some = (rows if most is None else rows.limit(written_out(most))).subquery()
        (row_id,) = some.c
        return select(row_id).where(*(each.has(row_id) for each in self.others))


async def arrange(reader: Reader | Tx, sets: Sequence[IdSet]) -> Sets:
    """The sets, beginning with one that is narrow. There must be one."""
    for most in (FEW, SAMPLE, MANY) if len(sets) > 1 else (FEW,):
        for each in sets:
            if await is_few(reader, each.rows, most):
                others = [other for other in sets if other is not each]
                return Sets(each, [await _read(reader, other, most) for other in others], most)
    return Sets(sets[0], sets[1:], None)


async def _read(reader: Reader | Tx, other: IdSet, most: int) -> IdSet:
    """Another set than the narrowest, which has so many at most: read once if it is not much larger."""
    return replace(other, read_once=True) if most == MANY and await is_few(reader, other.rows, MANY) else other


async def read_page_of(
    sets: Sets,
    reader: Reader | Tx,
    whole: Select[Any],
    order: Order,
    args: PageArgs,
    make: Callable[[Row[Any]], R],
    *,
    parts: Sequence[ColumnElement[bool]],
) -> Page[R]:
    """One page as of read_page(), of the rows whose ids are in all of some sets."""
    *_, row_id = order.columns
    if not sets.are_few:
        end = await _end(reader, [whole.where(part) for part in parts], order, args)
        met = [and_(part, *end, sets.met(row_id)) for part in parts]
        page = await read_page(reader, whole, order, args, make, parts=met)
        if _is_full(page, args) or not end:
            return page
    fitting = whole.with_only_columns(*order.columns).where(or_(*parts), sets.collected(row_id), *bounds(order, args))
    # A list of its own, so that it is not walked in order until a page of it is met.
    found = fitting.offset(written_out(0)).subquery()
    first = select(found.c[row_id.name]).order_by(*order.by(backward=args.backward, of=found))
    return await read_page(reader, whole.where(row_id.in_(first.limit(written_out(args.size + 1)))), order, args, make)


async def _end(
    reader: Reader | Tx, lists: Sequence[Select[Any]], order: Order, args: PageArgs
) -> list[ColumnElement[bool]]:
    """The condition that a row is near the beginning of the list that some lists make up; none if all are.

    It is the same for all of them: no row behind it may come before one that is left out.
    """
    ends: list[Row[Any]] = []
    for rows in lists:
        places = rows.with_only_columns(*order.columns).where(*bounds(order, args))
        ordered = places.order_by(*order.by(backward=args.backward))
        last = await reader.row(ordered.limit(written_out(1)).offset(written_out(NEAR)))
        ends += [] if last is None else [last]
    if not ends:
        return []
    nearest = max(ends, key=tuple) if order.descending != args.backward else min(ends, key=tuple)
    return [order.beyond(order.cursor(nearest), backward=not args.backward)]


def _is_full(page: Page[R], args: PageArgs) -> bool:
    more = page.has_previous_page if args.backward else page.has_next_page
    return more and len(page.rows) == args.size


async def count_of(
    sets: Sets, reader: Reader | Tx, listed: Select[Any], row_id: ColumnElement[Any], *, is_all: bool
) -> int:
    """How many rows of a list, which has all that the sets have or less, are in all sets: exact up to 10,000."""
    if sets.are_few:
        return await total_count(reader, listed.where(sets.collected(row_id)))
    if not is_all and await is_few(reader, listed):
        return await total_count(reader, listed.where(sets.met(row_id)))
    for sample in sets.samples:
        ids = sets.ids(sample)
        found = ids.distinct() if is_all else listed.with_only_columns(row_id).where(row_id.in_(ids))
        some = found.limit(written_out(pages.COUNTED_EXACTLY + 1)).subquery()
        total = int(await reader.scalar(select(func.count()).select_from(some)))
        if total > pages.COUNTED_EXACTLY or sets.most == sample:
            break
    return total
