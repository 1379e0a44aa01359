"""Reading what people and partners are signed in with: live sessions and access tokens."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from models.database import Reader, Tx, table
from models.enums import TokenScope
from models.people import AccessToken, User, UserSession
from resolvers.rows import AccessTokenRow, SessionRow
from resolvers.viewer import Viewer, require
from resolvers.visibility import live_sessions, visible_sessions, visible_tokens

SESSION = table(UserSession)
TOKEN = table(AccessToken)
USER = table(User)


async def sessions_of(reader: Reader | Tx, viewer: Viewer, user_ids: Collection[UUID]) -> dict[UUID, list[SessionRow]]:
    """The live sessions of each user that the viewer may see, newest first; a user without any is absent."""
    statement = _sessions(viewer).where(SESSION.c.user_id.in_(user_ids))
    sessions: dict[UUID, list[SessionRow]] = {}
    for row in await reader.rows(statement.order_by(SESSION.c.created_at.desc(), SESSION.c.id.desc())):
        sessions.setdefault(row.user_id, []).append(_session_row(row, viewer))
    return sessions


async def sessions_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, SessionRow]:
    """Some live sessions that the viewer may see, by id."""
    rows = await reader.rows(_sessions(viewer).where(SESSION.c.id.in_(ids)))
    return {row.id: _session_row(row, viewer) for row in rows}


async def live_session_counts(reader: Reader | Tx, viewer: Viewer, user_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many live sessions each user has; a user without any is absent. The caller decides who may know."""
    rows = await reader.rows(
        select(SESSION.c.user_id, func.count().label("how_many"))
        .join(USER, USER.c.id == SESSION.c.user_id)
        .where(live_sessions(viewer.workspace_id), SESSION.c.user_id.in_(user_ids))
        .group_by(SESSION.c.user_id)
    )
    return {row.user_id: row.how_many for row in rows}


async def access_tokens(reader: Reader | Tx, viewer: Viewer) -> list[AccessTokenRow]:
    """Every access token of the workspace that was not revoked, newest first. Raises Forbidden."""
    require(viewer.is_owner)
    return list(map(_token_row, await reader.rows(_tokens(viewer))))


async def access_tokens_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, AccessTokenRow]:
    """Some access tokens that the viewer may see, by id."""
    return {row.id: _token_row(row) for row in await reader.rows(_tokens(viewer).where(TOKEN.c.id.in_(ids)))}


async def tokens_created_by(
    reader: Reader | Tx, viewer: Viewer, actor_ids: Collection[UUID]
) -> dict[UUID, list[AccessTokenRow]]:
    """The access tokens that each actor created and that the viewer may see, newest first; without any, absent."""
    tokens: dict[UUID, list[AccessTokenRow]] = {}
    for row in await reader.rows(_tokens(viewer).where(TOKEN.c.created_by_id.in_(actor_ids))):
        tokens.setdefault(row.created_by_id, []).append(_token_row(row))
    return tokens


def _sessions(viewer: Viewer) -> Select[Any]:
    return select(SESSION).join(USER, USER.c.id == SESSION.c.user_id).where(visible_sessions(viewer))


def _session_row(row: Row[Any], viewer: Viewer) -> SessionRow:
    return SessionRow(
        id=row.id,
        user_id=row.user_id,
        client=row.client,
        device_name=row.device_name,
        user_agent=row.user_agent,
        ip_address=row.ip_address,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        current=row.id == viewer.session_id,
    )


def _tokens(viewer: Viewer) -> Select[Any]:
    return select(TOKEN).where(visible_tokens(viewer)).order_by(TOKEN.c.created_at.desc(), TOKEN.c.id.desc())


def _token_row(row: Row[Any]) -> AccessTokenRow:
    return AccessTokenRow(
        id=row.id,
        created_by_id=row.created_by_id,
        name=row.name,
        scopes=[TokenScope(scope) for scope in row.scopes.split()],
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
