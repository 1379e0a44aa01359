"""Who asks: a session or an access token, checked against the database, and what it may do."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select

from models.database import WORKSPACE, Reader, Tx, table
from models.enums import RevocationReason, Role, TokenScope, UserStatus
from models.events import FeedState
from models.people import AccessToken, Actor, User, UserRole, UserSession
from models.types import now
from resolvers.errors import Forbidden, Unauthenticated

SESSION = table(UserSession)
TOKEN = table(AccessToken)
USER = table(User)
ROLE = table(UserRole)
ACTOR = table(Actor)

SESSION_PREFIX = "obs_"
ACCESS_PREFIX = "oba_"

_FEED = (WORKSPACE.c.feed_generation, WORKSPACE.c.event_position, WORKSPACE.c.pruned_position)


def new_secret(prefix: str) -> str:
    """A bearer secret of 256 random bits; the prefix tells what kind it is, to people and to secret scanners."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256. A random secret needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


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
    if secret.startswith(ACCESS_PREFIX):
        return await _token_viewer(reader, TOKEN.c.secret_hash == digest(secret))
    return await _session_viewer(reader, SESSION.c.token_hash == digest(secret))


async def recheck(reader: Reader | Tx, viewer: Viewer) -> Viewer:
    """The same viewer as the database has it now; raises Unauthenticated if it has ended since."""
    if viewer.access_token_id is not None:
        return await _token_viewer(reader, TOKEN.c.id == viewer.access_token_id)
    return await _session_viewer(reader, SESSION.c.id == viewer.session_id)


async def enter(tx: Tx, viewer: Viewer, *other_workspaces: UUID) -> Viewer:
    """Begin a verb: take the lifecycle lock, then read the viewer's session, epoch and roles anew.

    Permission read before the lock would let two administrators deactivate each other.
    """
    await tx.lock(viewer.workspace_id, *other_workspaces)
    return await recheck(tx, viewer)


def session_query(*more: Any) -> Select[Any]:
    """Everything that decides whether a session lives, a row per role of its user (one without role if it has none)."""
    return (
        select(
            SESSION.c.id,
            SESSION.c.workspace_id,
            SESSION.c.user_id,
            SESSION.c.ended_at,
            SESSION.c.end_reason,
            SESSION.c.expires_at,
            SESSION.c.last_seen_at,
            (SESSION.c.epoch == USER.c.epoch).label("current"),
            USER.c.status,
            ACTOR.c.id.label("actor_id"),
            *more,
        )
        .select_from(SESSION)
        .outerjoin(USER, USER.c.id == SESSION.c.user_id)
        .outerjoin(ACTOR, ACTOR.c.user_id == USER.c.id)
    )


async def _session_viewer(reader: Reader | Tx, which: ColumnElement[bool]) -> Viewer:
    rows = await reader.rows(
        session_query(ROLE.c.role, *_FEED)
        .join(WORKSPACE, WORKSPACE.c.id == SESSION.c.workspace_id)
        .outerjoin(ROLE, ROLE.c.user_id == USER.c.id)
        .where(which)
    )
    if not rows:
        raise Unauthenticated
    row = rows[0]
    if (reason := why_dead(row)) is not None:
        raise Unauthenticated(reason)
    return Viewer(
        workspace_id=row.workspace_id,
        actor_id=row.actor_id,
        feed=_feed(row),
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        user_id=row.user_id,
        session_id=row.id,
        roles=frozenset(each.role for each in rows if each.role),
    )


def why_dead(session: Row[Any]) -> RevocationReason | None:
    """Why a row of session_query() is no live session; None if it lives."""
    if session.ended_at is not None:
        return RevocationReason(session.end_reason)
    if session.status is None:
        return RevocationReason.USER_DELETED
    if session.status is not UserStatus.ACTIVE:
        return RevocationReason.USER_DEACTIVATED
    if not session.current:
        return RevocationReason.SESSION_REVOKED
    return RevocationReason.EXPIRED if session.expires_at <= now() else None


async def dead_sessions(reader: Reader, session_ids: Collection[UUID]) -> dict[UUID, RevocationReason]:
    """Which of some sessions live no longer, and why, in one statement."""
    rows = await reader.rows(session_query().where(SESSION.c.id.in_(session_ids)))
    found = {row.id: why_dead(row) for row in rows}
    reasons = {each: found.get(each, RevocationReason.SESSION_REVOKED) for each in session_ids}
    return {each: reason for each, reason in reasons.items() if reason is not None}


async def dead_tokens(reader: Reader, token_ids: Collection[UUID]) -> dict[UUID, RevocationReason]:
    """Which of some access tokens work no longer, and why, in one statement."""
    rows = await reader.rows(
        select(TOKEN.c.id, TOKEN.c.revoked_at, TOKEN.c.expires_at).where(TOKEN.c.id.in_(token_ids))
    )
    found = {row.id: _why_token_dead(row) for row in rows}
    reasons = {each: found.get(each, RevocationReason.TOKEN_REVOKED) for each in token_ids}
    return {each: reason for each, reason in reasons.items() if reason is not None}


def _why_token_dead(token: Row[Any]) -> RevocationReason | None:
    if token.revoked_at is not None:
        return RevocationReason.TOKEN_REVOKED
    return RevocationReason.EXPIRED if token.expires_at is not None and token.expires_at <= now() else None


async def _token_viewer(reader: Reader | Tx, which: ColumnElement[bool]) -> Viewer:
    row = await reader.row(
        select(TOKEN, ACTOR.c.id.label("actor_id"), *_FEED)
        .join(WORKSPACE, WORKSPACE.c.id == TOKEN.c.workspace_id)
        .join(ACTOR, ACTOR.c.access_token_id == TOKEN.c.id)
        .where(which)
    )
    if row is None:
        raise Unauthenticated
    if (reason := _why_token_dead(row)) is not None:
        raise Unauthenticated(reason)
    return Viewer(
        workspace_id=row.workspace_id,
        actor_id=row.actor_id,
        feed=_feed(row),
        last_seen_at=row.last_used_at,
        expires_at=row.expires_at,
        access_token_id=row.id,
        scopes=frozenset(map(TokenScope, row.scopes.split())),
    )


def _feed(row: Row[Any]) -> FeedState:
    return FeedState(row.feed_generation, row.event_position, row.pruned_position)
