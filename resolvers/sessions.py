"""Sessions: ending them, with the events that tell connected clients so."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from models import events
from models.database import Database, Tx, table
from models.enums import AuditAction, RevocationReason
from models.people import AccessToken, UserSession
from resolvers import audit, authority
from resolvers.errors import Unauthenticated, not_found
from resolvers.members import USER, find_member, load_member
from resolvers.viewer import Viewer, authenticate, enter, require

SESSION = table(UserSession)
TOKEN = table(AccessToken)


async def end_sessions(tx: Tx, *which: ColumnElement[bool], reason: RevocationReason) -> int:
    """End every session that `which` selects and that has not ended; says how many.

    Each gets an event. What told of the device is erased. The locks of all workspaces concerned must be held.
    """
    ended = await tx.rows(
        update(SESSION)
        .where(SESSION.c.ended_at.is_(None), *which)
        .values(ended_at=tx.now, end_reason=reason, device_name=None, user_agent=None, ip_address=None)
        .returning(SESSION.c.id, SESSION.c.user_id, SESSION.c.workspace_id)
    )
    by_workspace: defaultdict[UUID, list[events.FeedEvent]] = defaultdict(list)
    for session in sorted(ended, key=lambda session: session.id):
        by_workspace[session.workspace_id].append(events.session_revoked(session.id, session.user_id, reason))
    for workspace_id, revocations in by_workspace.items():
        await events.append(tx, workspace_id, revocations)
    return len(ended)


async def touch(tx: Tx, viewers: Collection[Viewer]) -> None:
    """Note that sessions and access tokens were used just now; those that have ended stay untouched."""
    sessions = [viewer.session_id for viewer in viewers if not viewer.is_token]
    if sessions:
        alive = (SESSION.c.id.in_(sessions), SESSION.c.ended_at.is_(None))
        await tx.run(update(SESSION).where(*alive).values(last_seen_at=tx.now))
    tokens = [viewer.access_token_id for viewer in viewers if viewer.is_token]
    if tokens:
        await tx.run(update(TOKEN).where(TOKEN.c.id.in_(tokens)).values(last_used_at=tx.now))


async def sign_out(tx: Tx, viewer: Viewer) -> None:
    """End the viewer's own session. Raises Forbidden for an access token, which has none."""
    viewer = await enter(tx, viewer)
    require(viewer.session_id is not None, "An access token has no session to sign out of.")
    await end_sessions(tx, SESSION.c.id == viewer.session_id, reason=RevocationReason.SIGNED_OUT)
    await audit.record(
        tx, viewer.workspace_id, AuditAction.SIGNED_OUT, actor_id=viewer.actor_id, target_id=viewer.actor_id
    )


async def leave(database: Database, token: str) -> None:
    """Sign out of a session by its token, as a browser does that signs in anew; if it has ended, nothing is to do."""
    try:
        async with database.read() as reader:
            viewer = await authenticate(reader, token)
        await database.transact(lambda tx: sign_out(tx, viewer))
    except Unauthenticated:
        return


async def revoke_session(tx: Tx, viewer: Viewer, *, session_id: UUID) -> int:
    """End one session: the viewer's own, or anybody's for owners and administrators; an ended one stays as it is.

    Raises Forbidden; refuses with NOT_FOUND, or OWNER_REQUIRED for an owner's session.
    """
    viewer = await enter(tx, viewer)
    require(viewer.user_id is not None)
    row = await tx.row(
        select(SESSION.c.user_id).where(SESSION.c.id == session_id, SESSION.c.workspace_id == viewer.workspace_id)
    )
    if row is None:
        raise not_found("session", "sessionId")
    return await _revoke(tx, viewer, row.user_id, SESSION.c.id == session_id)


async def revoke_all_sessions(tx: Tx, viewer: Viewer, *, user_id: UUID, except_current: bool = False) -> int:
    """End every session of a user, perhaps but for the one that asks; says how many ended.

    Raises Forbidden; refuses with NOT_FOUND, or OWNER_REQUIRED for an owner's sessions.
    """
    viewer = await enter(tx, viewer)
    require(viewer.user_id == user_id or viewer.is_admin)
    await find_member(tx, viewer.workspace_id, user_id)
    keep = [SESSION.c.id != viewer.session_id] if except_current else []
    return await _revoke(tx, viewer, user_id, SESSION.c.user_id == user_id, *keep)


async def _revoke(tx: Tx, viewer: Viewer, user_id: UUID, *which: ColumnElement[bool]) -> int:
    member = await load_member(tx, USER.c.id == user_id)
    if member is None:
        return 0
    if viewer.user_id != user_id:
        require(viewer.is_admin)
        authority.act_on(viewer, member.roles)
    ended = await end_sessions(tx, *which, reason=RevocationReason.SESSION_REVOKED)
    if ended:
        await audit.record(
            tx,
            viewer.workspace_id,
            AuditAction.SESSION_REVOKED,
            actor_id=viewer.actor_id,
            target_id=member.actor.id,
            sessions=ended,
        )
    return ended
