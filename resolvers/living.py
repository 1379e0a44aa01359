"""Whether a session or an access token works still; and if not, why."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Row, Select, and_, bindparam, func, select

from models.database import Reader, table
from models.enums import RevocationReason, UserStatus
from models.people import AccessToken, Actor, User, UserSession
from models.types import now

SESSION = table(UserSession)
TOKEN = table(AccessToken)
USER = table(User)
ACTOR = table(Actor)


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
    """Which of some sessions live no longer, and why. One statement while all are alive, and a second one if not.

    They are only counted at first: thousands are asked about all the time, and hardly any is ever dead.
    """
    asked = list(set(session_ids))
    if await reader.scalar(_HOW_MANY_LIVE, {"asked": asked, "now": now()}) == len(asked):
        return {}
    rows = await reader.rows(session_query().where(SESSION.c.id.in_(asked)))
    reasons = {row.id: why_dead(row) for row in rows}
    found = {each: reasons.get(each, RevocationReason.SESSION_REVOKED) for each in asked}
    return {each: reason for each, reason in found.items() if reason is not None}


def is_alive(moment: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """The condition that a session lives: why_dead() finds nothing. Needs SESSION joined with USER."""
    return and_(
        SESSION.c.ended_at.is_(None),
        SESSION.c.expires_at > moment,
        SESSION.c.epoch == USER.c.epoch,
        USER.c.status == UserStatus.ACTIVE,
    )


_HOW_MANY_LIVE = (
    select(func.count())
    .select_from(SESSION)
    .join(USER, USER.c.id == SESSION.c.user_id)
    .where(SESSION.c.id.in_(bindparam("asked", expanding=True)), is_alive(bindparam("now")))
)


async def dead_tokens(reader: Reader, token_ids: Collection[UUID]) -> dict[UUID, RevocationReason]:
    """Which of some access tokens work no longer, and why, in one statement."""
    rows = await reader.rows(
        select(TOKEN.c.id, TOKEN.c.revoked_at, TOKEN.c.expires_at).where(TOKEN.c.id.in_(token_ids))
    )
    found = {row.id: why_token_dead(row) for row in rows}
    reasons = {each: found.get(each, RevocationReason.TOKEN_REVOKED) for each in token_ids}
    return {each: reason for each, reason in reasons.items() if reason is not None}


def why_token_dead(token: Row[Any]) -> RevocationReason | None:
    """Why a row with revoked_at and expires_at is no access token that works; None if it does."""
    if token.revoked_at is not None:
        return RevocationReason.TOKEN_REVOKED
    return RevocationReason.EXPIRED if token.expires_at is not None and token.expires_at <= now() else None
