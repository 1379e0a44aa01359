"""Access tokens: a partner's credentials, which belong to the workspace."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from models import events
from models.database import Tx, table
from models.enums import ActorKind, AuditAction, ErrorCode, TokenScope
from models.people import AccessToken, Actor, UserRole
from resolvers import audit, authority
from resolvers.errors import Refused, not_found, refuse
from resolvers.texts import required_text
from resolvers.viewer import ACCESS_PREFIX, Viewer, digest, enter, new_secret, require

ACTOR = table(Actor)
ROLE = table(UserRole)
TOKEN = table(AccessToken)


@dataclass(frozen=True, slots=True)
class CreatedToken:
    """A new access token and its secret, which is not kept."""

    token_id: UUID
    secret: str


async def create_access_token(
    tx: Tx, viewer: Viewer, *, name: str, scopes: list[TokenScope], expires_at: datetime | None = None
) -> CreatedToken:
    """Make an access token. Raises Forbidden unless the viewer is an owner; refuses with INVALID_INPUT."""
    viewer = await enter(tx, viewer)
    require(viewer.is_owner)
    name = required_text(name, "name")
    if not scopes:
        raise refuse(ErrorCode.INVALID_INPUT, "Give the token at least one scope.", "scopes")
    if expires_at is not None and expires_at <= tx.now:
        raise refuse(ErrorCode.INVALID_INPUT, "expiresAt must be in the future, or left out for never.", "expiresAt")
    secret = new_secret(ACCESS_PREFIX)
    token = AccessToken(
        workspace_id=viewer.workspace_id,
        created_by_id=viewer.actor_id,
        name=name,
        scopes=" ".join(sorted(set(scopes))),
        secret_hash=digest(secret),
        created_at=tx.now,
        expires_at=expires_at,
    )
    await tx.add(token)
    await tx.add(Actor(workspace_id=viewer.workspace_id, kind=ActorKind.SERVICE, access_token_id=token.id))
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.TOKEN_CREATED,
        actor_id=viewer.actor_id,
        scopes=sorted(set(scopes)),
    )
    return CreatedToken(token.id, secret)


async def revoke_access_token(tx: Tx, viewer: Viewer, *, token_id: UUID) -> None:
    """End an access token; an ended one stays as it is.

    Owners may end any, and whoever may deactivate a user those which that user created. Raises Forbidden; refuses with
    NOT_FOUND or OWNER_REQUIRED.
    """
    viewer = await enter(tx, viewer)
    require(viewer.manages_users)
    token = await tx.get(AccessToken, id=token_id, workspace_id=viewer.workspace_id)
    if token is None:
        raise not_found("access token", "accessTokenId")
    if not viewer.is_owner:
        await _check_creator(tx, viewer, token)
    if token.revoked_at is None:
        await _revoke(tx, viewer, token)


async def revoke_tokens_created_by(tx: Tx, viewer: Viewer, actor_id: UUID) -> None:
    """End every access token that an actor created. The caller has checked that the viewer may."""
    found = await tx.rows(
        select(TOKEN.c.id)
        .where(
            TOKEN.c.workspace_id == viewer.workspace_id,
            TOKEN.c.created_by_id == actor_id,
            TOKEN.c.revoked_at.is_(None),
        )
        .order_by(TOKEN.c.id)
    )
    for row in found:
        token = await tx.get(AccessToken, id=row.id)
        assert token is not None
        await _revoke(tx, viewer, token)


async def _check_creator(tx: Tx, viewer: Viewer, token: AccessToken) -> None:
    rows = await tx.rows(
        select(ACTOR.c.user_id, ROLE.c.role)
        .outerjoin(ROLE, ROLE.c.user_id == ACTOR.c.user_id)
        .where(ACTOR.c.id == token.created_by_id)
    )
    if rows[0].user_id is None:
        raise Refused(authority.OWNER_REQUIRED)
    authority.act_on(viewer, {row.role for row in rows if row.role})


async def _revoke(tx: Tx, viewer: Viewer, token: AccessToken) -> None:
    await tx.run(update(TOKEN).where(TOKEN.c.id == token.id).values(revoked_at=tx.now))
    await events.append(tx, viewer.workspace_id, [events.token_revoked(token.id)])
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.TOKEN_REVOKED,
        actor_id=viewer.actor_id,
        target_id=token.created_by_id,
        scopes=token.scopes.split(),
    )
