"""Reading teams, and the workspace that they belong to."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from models.database import WORKSPACE, Reader, Tx, table
from models.people import Team, TeamMember, User
from resolvers.rows import TeamRow, WorkspaceRow
from resolvers.viewer import Viewer, require
from resolvers.visibility import visible_teams, visible_users, visible_workspace

MEMBER = table(TeamMember)
TEAM = table(Team)
USER = table(User)


async def workspaces_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, WorkspaceRow]:
    """The viewer's workspace, if it is asked for and the viewer may see it."""
    rows = await reader.rows(select(WORKSPACE).where(visible_workspace(viewer), WORKSPACE.c.id.in_(ids)))
    return {row.id: _workspace_row(row) for row in rows}


async def teams(reader: Reader | Tx, viewer: Viewer) -> list[TeamRow]:
    """Every team of the workspace, by name. Raises Forbidden."""
    require(viewer.reads_users)
    return list(map(_row, await reader.rows(select(TEAM).where(visible_teams(viewer)).order_by(TEAM.c.name))))


async def teams_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, TeamRow]:
    """Some teams that the viewer may see, by id."""
    rows = await reader.rows(select(TEAM).where(visible_teams(viewer), TEAM.c.id.in_(ids)))
    return {row.id: _row(row) for row in rows}


async def teams_of(reader: Reader | Tx, viewer: Viewer, user_ids: Collection[UUID]) -> dict[UUID, list[TeamRow]]:
    """The teams of each user, by name; a user without any is absent."""
    rows = await reader.rows(
        select(MEMBER.c.user_id, TEAM.c.id, TEAM.c.name)
        .select_from(MEMBER)
        .join(USER, USER.c.id == MEMBER.c.user_id)
        .join(TEAM, TEAM.c.id == MEMBER.c.team_id)
        .where(visible_users(viewer), visible_teams(viewer), MEMBER.c.user_id.in_(user_ids))
        .order_by(TEAM.c.name)
    )
    found: defaultdict[UUID, list[TeamRow]] = defaultdict(list)
    for row in rows:
        found[row.user_id].append(_row(row))
    return dict(found)


def _row(row: Row[Any]) -> TeamRow:
    return TeamRow(row.id, row.name)


def _workspace_row(row: Row[Any]) -> WorkspaceRow:
    return WorkspaceRow(row.id, row.name, row.slug, row.retention_days, row.delete_after_days, row.created_at)
