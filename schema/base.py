"""What every type builds on: the Relay and Actor interfaces, connections, and the tie between a type and its rows."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import strawberry

from resolvers.pages import Page
from schema import ids

T = TypeVar("T")


def id_field(kind: str, attribute: str = "id", description: str = "Opaque and unique across all types.") -> Any:
    """A field that shows a row's UUID as the global id of a type."""

    def resolve(root: Any) -> strawberry.ID:
        return ids.encode(kind, getattr(root, attribute))

    return strawberry.field(resolver=resolve, description=description)


def backed_by(*rows: type) -> Any:
    """Tells GraphQL which rows are of a type, where an interface leaves it open."""
    return classmethod(lambda _cls, row, _info: isinstance(row, rows))


@strawberry.interface(description="Anything with a globally unique, opaque id (Relay).")
class Node:
    """See the description."""

    id: strawberry.ID = strawberry.field(description="Opaque and unique across all types.")


@strawberry.interface(description="Whoever did something.")
class Actor:
    """See the description."""

    display_name: str = strawberry.field(
        description="A name that is safe to show; for a deleted user it is the literal 'Deleted user'."
    )


@strawberry.type(description="Where a page lies in its list (Relay Cursor Connections).")
class PageInfo:
    """See the description."""

    has_next_page: bool = strawberry.field(description="There is more after this page.")
    has_previous_page: bool = strawberry.field(description="There is more before this page.")
    start_cursor: str | None = strawberry.field(description="The first row's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The last row's cursor; null on an empty page.")


@strawberry.type(description="A row of a list, with its place in it.")
class Edge(Generic[T]):
    """See the description."""

    cursor: str = strawberry.field(description="The row's place: pass it as `after` or `before`.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="One page of a list, and how long the list is.")
class Connection(Generic[T]):
    """See the description."""

    page: strawberry.Private[Page[Any]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="The rows of this page, in order.")
    def edges(self) -> list[Edge[T]]:
        """Pair rows with cursors."""
        return [Edge(cursor=cursor, node=row) for cursor, row in zip(self.page.cursors, self.page.rows, strict=True)]

    @strawberry.field(description="Where this page lies.")
    def page_info(self) -> PageInfo:
        """The page's bounds."""
        cursors = self.page.cursors
        return PageInfo(
            has_next_page=self.page.has_next_page,
            has_previous_page=self.page.has_previous_page,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )

    @strawberry.field(description="How many rows the filter matches: exact up to 10,000; 10,001 means more.")
    async def total_count(self) -> int:
        """Counted only when asked for."""
        return await self.count()
