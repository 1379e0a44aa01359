"""The subscription root: what is pushed to clients as it happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import strawberry

from models.enums import BulkOperationStatus
from models.events import Cursor, CursorExpired, CursorInvalid, FeedState
from resolvers import errors, operations, watching
from resolvers.viewer import recheck, require
from resolvers.watching import RevocationScope, Watch
from schema import ids
from schema.context import Info
from schema.log import SessionRevocation, UserChange
from schema.work import BulkOperation

PROGRESS_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Watched(AsyncIterable[Any]):
    """What a subscription to the event feed resolves to: whoever runs it follows the feed, and answers each event.

    It stands for a stream of events, as GraphQL wants one, without being one: thousands of subscribers need no task
    each.
    """

    watch: Watch
    after: str | None

    def __aiter__(self) -> AsyncIterator[Any]:
        raise TypeError("The feed is followed, not iterated.")


def position_after(feed: FeedState, after: str | None) -> int:
    """The position after which a subscription begins, where the feed stands at `feed`.

    Raises InvalidCursor and CursorExpired (both of resolvers.errors).
    """
    try:
        return feed.position if after is None else feed.resume(Cursor.parse(after))
    except CursorInvalid:
        raise errors.InvalidCursor("This is no cursor of the event feed. Start from feedPosition.") from None
    except CursorExpired:
        raise errors.CursorExpired from None


@strawberry.type(description="What is pushed as it happens.")
class Subscription:
    """See the description."""

    @strawberry.subscription(
        description="Sessions as they end. CURRENT_SESSION: the caller's own, one event, after which the server "
        "completes the operation and closes the connection with 4401. VIEWER: all of the signed-in user's. WORKSPACE: "
        "everyone's, for OWNER, ADMIN and access tokens with SESSIONS_WATCH. With `after`, missed events come first."
    )
    def session_revoked(
        self, info: Info, scope: RevocationScope = RevocationScope.CURRENT_SESSION, after: str | None = None
    ) -> AsyncIterator[SessionRevocation]:
        """Session revocations."""
        return cast(
            "AsyncIterator[SessionRevocation]", Watched(watching.revocations(info.context.viewer, scope), after)
        )

    @strawberry.subscription(
        description="Users as they change, for consoles that keep their lists live. With `after`, missed changes come "
        "first."
    )
    def user_changed(self, info: Info, after: str | None = None) -> AsyncIterator[UserChange]:
        """User changes."""
        return cast("AsyncIterator[UserChange]", Watched(watching.user_changes(info.context.viewer), after))

    @strawberry.subscription(
        description="A hand-over's state at once, then every change until it ends: at most four events a second, and "
        "always the last one."
    )
    async def bulk_operation_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[BulkOperation, None]:
        """The operation is looked at, by who may still see it, as long as it runs: any node may carry it on."""
        context, operation_id = info.context, ids.decode("BulkOperation", id)
        viewer, told = context.viewer, None
        while True:
            require(viewer.reads_inbox or viewer.writes_inbox)
            operation = (await operations.operations_by_id(context.reader, viewer, [operation_id])).get(operation_id)
            if operation is None:
                raise errors.NotFound("There is no such operation in this workspace.")
            if operation != told:
                told = operation
                yield operation  # type: ignore[misc]
            if operation.status is not BulkOperationStatus.RUNNING:
                return
            await context.forget()
            await asyncio.sleep(PROGRESS_EVERY_S)
            viewer = await recheck(context.reader, viewer)
            context.sign_in(viewer)
