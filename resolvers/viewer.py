"""Who asks: a session or an access token, checked against the database, and what it may do."""

import hashlib
import secrets
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, select

from models.database import WORKSPACE, Reader, Tx, table
from models.enums import Role, TokenScope
from models.events import FeedState
from models.people import UserRole
from resolvers.errors import Forbidden, Unauthenticated
from resolvers.living import ACTOR, SESSION, TOKEN, USER, session_query, why_dead, why_token_dead

ROLE = table(UserRole)

SESSION_PREFIX = "obs_"
ACCESS_PREFIX = "oba_"

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_FEED = (WORKSPACE.c.feed_generation, WORKSPACE.c.event_position, WORKSPACE.c.pruned_position)


def new_secret(prefix: str) -> str:
    """A bearer secret of 256 random bits; the prefix tells what kind it is, to people and to secret scanners."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256. A random secret needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Standing(NamedTuple):
    """What a viewer may see and do, apart from who it is."""

    workspace_id: UUID
    is_token: bool
    roles: frozenset[Role]
    scopes: frozenset[TokenScope]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever asks, as the database had it at one moment, and where the event feed stood then.

    A user's viewer has `user_id` and `session_id` and its roles; an access token's has `access_token_id` and scopes.
    """

    workspace_id: UUID
    actor_id: UUID
    feed: FeedState
    last_seen_at: datetime | None
    expires_at: datetime | None
    user_id: UUID | None = None
    session_id: UUID | None = None
    access_token_id: UUID | None = None
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[TokenScope] = frozenset()

    @property
    def standing(self) -> Standing:
        """Whoever has the same standing is shown the same, except for what is one's own."""
        return Standing(self.workspace_id, self.is_token, self.roles, self.scopes)

    @property
    def is_token(self) -> bool:
        """Is an access token, not a user."""
        return self.access_token_id is not None

    @property
    def is_owner(self) -> bool:
        """Holds OWNER."""
        return Role.OWNER in self.roles

    @property
    def is_admin(self) -> bool:
        """Holds OWNER or ADMIN."""
        return bool(self.roles & {Role.OWNER, Role.ADMIN})

    @property
    def reads_users(self) -> bool:
        """May read users and teams."""
        return bool(self.roles) or TokenScope.USERS_READ in self.scopes

    @property
    def reads_inbox(self) -> bool:
        """May read conversations, notes and follow-ups."""
        return bool(self.roles) or TokenScope.INBOX_READ in self.scopes

    @property
    def writes_inbox(self) -> bool:
        """May assign conversations, hand them over in bulk and write notes."""
        return bool(self.roles - {Role.VIEWER}) or TokenScope.INBOX_WRITE in self.scopes

    @property
    def manages_users(self) -> bool:
        """May invite, deactivate and reactivate somebody; whom, the target decides."""
        return self.is_admin or TokenScope.USERS_WRITE in self.scopes

    @property
    def watches_sessions(self) -> bool:
        """May see everybody's sessions end."""
        return self.is_admin or TokenScope.SESSIONS_WATCH in self.scopes

    @property
    def reads_audit(self) -> bool:
        """May read the audit log."""
        return self.is_admin or TokenScope.AUDIT_READ in self.scopes


def require(allowed: bool, message: str = "Your roles do not allow this.") -> None:
    """Raise Forbidden unless `allowed`."""
    if not allowed:
        raise Forbidden(message)


async def authenticate(reader: Reader | Tx, secret: str) -> Viewer:
    """The viewer that a bearer secret stands for, in one statement; raises Unauthenticated with the reason."""
    return _or_raise((await authenticate_many(reader, [secret]))[secret])


async def authenticate_many(reader: Reader | Tx, secrets: Collection[str]) -> dict[str, Viewer | Unauthenticated]:
    """What authenticate() returns or raises for each of some secrets, in one statement a kind."""
    return await _find(
        reader,
        {secret: digest(secret) for secret in secrets if not secret.startswith(ACCESS_PREFIX)},
        {secret: digest(secret) for secret in secrets if secret.startswith(ACCESS_PREFIX)},
        SESSION.c.token_hash,
        TOKEN.c.secret_hash,
    )


async def recheck(reader: Reader | Tx, viewer: Viewer) -> Viewer:
    """The same viewer as the database has it now; raises Unauthenticated if it has ended since."""
    return _or_raise((await recheck_many(reader, [viewer]))[viewer])


async def recheck_many(reader: Reader | Tx, viewers: Collection[Viewer]) -> dict[Viewer, Viewer | Unauthenticated]:
    """What recheck() returns or raises for each of some viewers, in one statement a kind."""
    return await _find(
        reader,
        {viewer: viewer.session_id for viewer in viewers if not viewer.is_token},
        {viewer: viewer.access_token_id for viewer in viewers if viewer.is_token},
        SESSION.c.id,
        TOKEN.c.id,
    )


def _or_raise(found: Viewer | Unauthenticated) -> Viewer:
    if isinstance(found, Unauthenticated):
        raise found
    return found


async def _find(
    reader: Reader | Tx,
    sessions: Mapping[K, Any],
    tokens: Mapping[K, Any],
    session_key: ColumnElement[Any],
    token_key: ColumnElement[Any],
) -> dict[K, Viewer | Unauthenticated]:
    found: dict[Any, Viewer | Unauthenticated] = {}
    if sessions:
        found |= await _session_viewers(reader, session_key, list(sessions.values()))
    if tokens:
        found |= await _token_viewers(reader, token_key, list(tokens.values()))
    return {asked: found.get(key) or Unauthenticated() for asked, key in (*sessions.items(), *tokens.items())}


async def enter(tx: Tx, viewer: Viewer, *other_workspaces: UUID) -> Viewer:
    """Begin a verb: take the lifecycle lock, then read the viewer's session, epoch and roles anew.

    Permission read before the lock would let two administrators deactivate each other.
    """
    await tx.lock(viewer.workspace_id, *other_workspaces)
    return await recheck(tx, viewer)


async def _session_viewers(
    reader: Reader | Tx, key: ColumnElement[Any], keys: Collection[Any]
) -> dict[Any, Viewer | Unauthenticated]:
    rows = await reader.rows(_session_statement(key), {"keys": keys})
    sessions: dict[Any, list[Row[Any]]] = {}
    for row in rows:
        sessions.setdefault(row.key, []).append(row)
    return {found: _session_viewer(rows) for found, rows in sessions.items()}


@cache
def _session_statement(key: ColumnElement[Any]) -> Select[Any]:
    """The statement that every request begins with, made once."""
    return (
        session_query(ROLE.c.role, *_FEED, key.label("key"))
        .join(WORKSPACE, WORKSPACE.c.id == SESSION.c.workspace_id)
        .outerjoin(ROLE, ROLE.c.user_id == USER.c.id)
        .where(key.in_(bindparam("keys", expanding=True)))
    )


def _session_viewer(rows: list[Row[Any]]) -> Viewer | Unauthenticated:
    row = rows[0]
    if (reason := why_dead(row)) is not None:
        return Unauthenticated(reason)
    return Viewer(
        workspace_id=row.workspace_id,
        actor_id=row.actor_id,
        feed=_feed(row.feed_generation, row.event_position, row.pruned_position),
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        user_id=row.user_id,
        session_id=row.id,
        roles=_same(frozenset(each.role for each in rows if each.role)),
    )


async def _token_viewers(
    reader: Reader | Tx, key: ColumnElement[Any], keys: Collection[Any]
) -> dict[Any, Viewer | Unauthenticated]:
    rows = await reader.rows(
        select(TOKEN, ACTOR.c.id.label("actor_id"), *_FEED, key.label("key"))
        .join(WORKSPACE, WORKSPACE.c.id == TOKEN.c.workspace_id)
        .join(ACTOR, ACTOR.c.access_token_id == TOKEN.c.id)
        .where(key.in_(keys))
    )
    return {row.key: _token_viewer(row) for row in rows}


def _token_viewer(row: Row[Any]) -> Viewer | Unauthenticated:
    if (reason := why_token_dead(row)) is not None:
        return Unauthenticated(reason)
    return Viewer(
        workspace_id=row.workspace_id,
        actor_id=row.actor_id,
        feed=_feed(row.feed_generation, row.event_position, row.pruned_position),
        last_seen_at=row.last_used_at,
        expires_at=row.expires_at,
        access_token_id=row.id,
        scopes=_same(frozenset(map(TokenScope, row.scopes.split()))),
    )


# Thousands of viewers are kept, one for each open socket: what is equal in them is the same object.
_feed = lru_cache(256)(FeedState)
_same: Callable[[frozenset[T]], frozenset[T]] = lru_cache(256)(lambda rights: rights)
