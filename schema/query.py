"""The query root."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from resolvers import audit, credentials, inbox, nodes, operations, plans, teams, users
from resolvers.pages import Page, PageArgs
from resolvers.viewer import require
from resolvers.visibility import belongs, looks_up_user
from schema import ids
from schema.base import Connection, Node
from schema.context import Info
from schema.inputs import AuditFilter, InboxFilter, InboxOrder, UserFilter, UserOrder
from schema.leaving import ScheduledDeparture
from schema.log import AuditEntry
from schema.people import AccessToken, Team, User, Workspace
from schema.work import BulkOperation, Conversation


@strawberry.type(description="What can be read.")
class Query:
    """See the description."""

    @strawberry.field(description="The signed-in user; null for an access token.")
    async def viewer(self, info: Info) -> User | None:
        """Oneself."""
        viewer = info.context.viewer
        return await info.context.load(users.users_by_id, viewer.user_id) if viewer.user_id else None

    @strawberry.field(description="The viewer's workspace.")
    async def workspace(self, info: Info) -> Workspace:
        """The tenant."""
        viewer = info.context.viewer
        require(belongs(viewer))
        return await info.context.load(teams.workspaces_by_id, viewer.workspace_id)

    @strawberry.field(
        description="Anything by its id; null if that is unknown, foreign, malformed or not readable by the viewer.",
        graphql_type=Node | None,
    )
    async def node(self, info: Info, id: strawberry.ID) -> object:
        """Relay's node field."""
        context = info.context
        kind, row_id = ids.split(id)
        return await nodes.read_node(context.reader, context.viewer, kind, row_id)

    @strawberry.field(
        description="Where the event feed stands, read before any data of this answer: query it with a page, then "
        "subscribe with `after` and miss nothing."
    )
    async def feed_position(self, info: Info) -> str:
        """The cursor that the sign-in check read, the first statement of this answer's snapshot."""
        return str(info.context.viewer.feed.cursor)

    @strawberry.field(description="The workspace's users, by name unless ordered otherwise.")
    async def users(
        self,
        info: Info,
        filter: UserFilter | None = None,
        order_by: UserOrder | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[User] | None:
        """A page of users."""
        reader, viewer = info.context.reader, info.context.viewer
        require(viewer.reads_users)
        wanted = filter.plain() if filter else users.UserFilter()
        order = users.UserOrder(order_by.field, order_by.direction) if order_by else users.UserOrder()
        page = await users.users_page(reader, viewer, wanted, order, PageArgs(first, after, last, before))
        return connection(page, lambda: users.count_users(reader, viewer, wanted))

    @strawberry.field(description="One user; null if the id names none.")
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        """A user by id."""
        user_id = ids.decode("User", id)
        require(looks_up_user(info.context.viewer, user_id))
        return await info.context.load(users.users_by_id, user_id)

    @strawberry.field(
        description="Pending departures of those whom the viewer may deactivate, soonest first; for OWNER, ADMIN and "
        "tokens with USERS_WRITE."
    )
    async def scheduled_departures(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ScheduledDeparture] | None:
        """A page of departures."""
        reader, viewer = info.context.reader, info.context.viewer
        page = await plans.departures_page(reader, viewer, PageArgs(first, after, last, before))
        return connection(page, lambda: plans.count_departures(reader, viewer))

    @strawberry.field(description="The workspace's teams, by name.")
    async def teams(self, info: Info) -> list[Team]:
        """All teams."""
        require(info.context.viewer.reads_users)
        return await teams.teams(info.context.reader, info.context.viewer)  # type: ignore[return-value]

    @strawberry.field(description="Conversations, most recently moved first unless ordered otherwise.")
    async def inbox(
        self,
        info: Info,
        filter: InboxFilter | None = None,
        order_by: InboxOrder | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Conversation] | None:
        """A page of conversations."""
        reader, viewer = info.context.reader, info.context.viewer
        require(viewer.reads_inbox)
        wanted = filter.plain() if filter else inbox.InboxFilter()
        order = inbox.InboxOrder(order_by.field, order_by.direction) if order_by else inbox.InboxOrder()
        page = await inbox.inbox_page(reader, viewer, wanted, order, PageArgs(first, after, last, before))
        return connection(page, lambda: inbox.count_inbox(reader, viewer, wanted))

    @strawberry.field(description="One conversation; null if the id names none.")
    async def conversation(self, info: Info, id: strawberry.ID) -> Conversation | None:
        """A conversation by id."""
        require(info.context.viewer.reads_inbox)
        return await info.context.load(inbox.conversations_by_id, ids.decode("Conversation", id))

    @strawberry.field(description="What happened, newest first; for OWNER, ADMIN and tokens with AUDIT_READ.")
    async def audit_log(
        self,
        info: Info,
        filter: AuditFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[AuditEntry] | None:
        """A page of audit entries."""
        reader, viewer = info.context.reader, info.context.viewer
        require(viewer.reads_audit)
        wanted = filter.plain() if filter else audit.AuditFilter()
        page = await audit.audit_page(reader, viewer, wanted, PageArgs(first, after, last, before))
        return connection(page, lambda: audit.count_audit(reader, viewer, wanted))

    @strawberry.field(description="The workspace's access tokens that are not revoked, newest first; for OWNER.")
    async def access_tokens(self, info: Info) -> list[AccessToken] | None:
        """All access tokens."""
        require(info.context.viewer.is_owner)
        return await credentials.access_tokens(info.context.reader, info.context.viewer)  # type: ignore[return-value]

    @strawberry.field(description="One hand-over; null if the id names none.")
    async def bulk_operation(self, info: Info, id: strawberry.ID) -> BulkOperation | None:
        """A bulk operation by id."""
        viewer = info.context.viewer
        require(viewer.reads_inbox or viewer.writes_inbox)
        return await info.context.load(operations.operations_by_id, ids.decode("BulkOperation", id))

    @strawberry.field(description="Hand-overs and their undoing, newest first.")
    async def bulk_operations(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[BulkOperation] | None:
        """A page of bulk operations."""
        reader, viewer = info.context.reader, info.context.viewer
        page = await operations.operations_page(reader, viewer, PageArgs(first, after))
        return connection(page, lambda: operations.count_operations(reader, viewer))


def connection(page: Page[Any], count: Callable[[], Awaitable[int]]) -> Any:
    """A page as its GraphQL type."""
    return Connection[Any](page=page, count=count)
