"""Reading any one thing by its kind and id."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from uuid import UUID

from models.database import Reader, Tx
from resolvers.audit import audit_entries_by_id
from resolvers.credentials import access_tokens_by_id, sessions_by_id
from resolvers.inbox import conversations_by_id
from resolvers.operations import operations_by_id
from resolvers.plans import departures_by_id
from resolvers.rows import NodeRow, TeamRow, UserRow
from resolvers.teams import teams_by_id, workspaces_by_id
from resolvers.threads import follow_ups_by_id, notes_by_id
from resolvers.users import users_by_id
from resolvers.viewer import Viewer
from resolvers.visibility import looks_up_teams, looks_up_user


async def read_node(reader: Reader | Tx, viewer: Viewer, kind: str, id: UUID) -> NodeRow | None:
    """The thing of this kind (a type's name in the API) with this id.

    None for an unknown kind or id, for one of another workspace, and for what the viewer may not read.
    """
    read = _READS.get(kind)
    return None if read is None else (await read(reader, viewer, [id])).get(id)


async def _users(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, UserRow]:
    return await users_by_id(reader, viewer, [each for each in ids if looks_up_user(viewer, each)])


async def _teams(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, TeamRow]:
    return await teams_by_id(reader, viewer, ids if looks_up_teams(viewer) else [])


_READS: dict[str, Callable[[Reader | Tx, Viewer, Collection[UUID]], Awaitable[Mapping[UUID, NodeRow]]]] = {
    "Workspace": workspaces_by_id,
    "User": _users,
    "Team": _teams,
    "Session": sessions_by_id,
    "Conversation": conversations_by_id,
    "Note": notes_by_id,
    "FollowUp": follow_ups_by_id,
    "BulkOperation": operations_by_id,
    "AuditEntry": audit_entries_by_id,
    "AccessToken": access_tokens_by_id,
    "ScheduledDeparture": departures_by_id,
}
