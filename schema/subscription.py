"""The subscription root: what is pushed to clients as it happens."""

from collections.abc import AsyncGenerator, AsyncIterator

import strawberry

from models.events import Cursor, CursorExpired, CursorInvalid, FeedEvent
from resolvers import errors, operations, watching
from resolvers.viewer import require
from resolvers.watching import RevocationScope, Watch
from schema import ids
from schema.context import Context, Info
from schema.log import SessionRevocation, UserChange
from schema.work import BulkOperation


async def follow(context: Context, watch: Watch, after: str | None) -> AsyncIterator[FeedEvent]:
    """The events that a viewer watches for, missed ones first; each is answered from a fresh snapshot, with the roles
    that the viewer has by then.

    Raises InvalidCursor, CursorExpired, and Forbidden once the viewer has lost the right to watch.
    """
    feed = context.viewer.feed
    try:
        start = feed.position if after is None else feed.resume(Cursor.parse(after))
        async for event in context.feed.follow(context.connection, context.viewer.workspace_id, start, watch.concerns):
            await context.forget()
            if watch.changes_rights(event):
                context.sign_in(await watch.check_again(context.reader))
            if watch.wants(event):
                yield event
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
    async def session_revoked(
        self, info: Info, scope: RevocationScope = RevocationScope.CURRENT_SESSION, after: str | None = None
    ) -> AsyncGenerator[SessionRevocation, None]:
        """Session revocations."""
        watch = watching.revocations(info.context.viewer, scope)
        async for event in follow(info.context, watch, after):
            yield event  # type: ignore[misc]

    @strawberry.subscription(
        description="Users as they change, for consoles that keep their lists live. With `after`, missed changes come "
        "first."
    )
    async def user_changed(self, info: Info, after: str | None = None) -> AsyncGenerator[UserChange, None]:
        """User changes."""
        async for event in follow(info.context, watching.user_changes(info.context.viewer), after):
            yield event  # type: ignore[misc]

    @strawberry.subscription(description="A hand-over's state at once, then every change until it ends.")
    async def bulk_operation_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[BulkOperation, None]:
        """A hand-over runs within its request, so by now its state is the last one."""
        context = info.context
        require(context.viewer.reads_inbox or context.viewer.writes_inbox)
        operation = await context.load(operations.operations_by_id, ids.decode("BulkOperation", id))
        if operation is None:
            raise errors.NotFound("There is no such operation in this workspace.")
        yield operation
