"""A new password: by a mailed link, or by somebody who is signed in. It ends the account's sessions everywhere."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select, update

from models import events
from models.database import WORKSPACE, Database, Overtaken, Tx, table
from models.enums import ActorKind, AuditAction, ErrorCode, LinkKind, RevocationReason, UserChangeKind, UserStatus
from models.people import Account, Actor, User
from models.types import NOBODY
from resolvers import audit
from resolvers.attempts import Attempts
from resolvers.emails import find_email
from resolvers.errors import Unauthenticated, refuse
from resolvers.links import LINK, open_link, replace_link, void_links
from resolvers.passwords import hash_new_password, verify_password
from resolvers.sessions import SESSION, end_sessions
from resolvers.signing_in import count_stray_attempt
from resolvers.texts import find_slug
from resolvers.viewer import Viewer, recheck, require

ACCOUNT = table(Account)
USER = table(User)
PERSON = table(Actor).alias("person")
SYSTEM = table(Actor).alias("system")


async def request_password_reset(database: Database, *, workspace: str, email: str, lifetime: timedelta) -> None:
    """Have a link mailed to an active user, invited ones too; `workspace` is its slug.

    For any address in any workspace, known or not, the same statements run, and nothing tells which it was.
    """

    async def work(tx: Tx) -> None:
        found = await tx.row(
            select(
                WORKSPACE.c.id,
                SYSTEM.c.id.label("system_id"),
                USER.c.id.label("user_id"),
                PERSON.c.id.label("actor_id"),
            )
            .join(SYSTEM, and_(SYSTEM.c.workspace_id == WORKSPACE.c.id, SYSTEM.c.kind == ActorKind.SYSTEM))
            .outerjoin(USER, and_(USER.c.workspace_id == WORKSPACE.c.id, USER.c.email == find_email(email)))
            .outerjoin(PERSON, PERSON.c.user_id == USER.c.id)
            .where(WORKSPACE.c.slug == find_slug(workspace))
        )
        user_id = found.user_id if found is not None and found.user_id is not None else NOBODY
        await replace_link(tx, user_id, LinkKind.PASSWORD_RESET, lifetime, sent_by_id=None)
        if found is None:
            await count_stray_attempt(tx)
        else:
            await audit.record(
                tx,
                found.id,
                AuditAction.PASSWORD_RESET_REQUESTED,
                actor_id=found.system_id,
                target_id=found.actor_id,
            )

    await database.transact(work)


async def reset_password(database: Database, *, token: str, new_password: str, hash_cost: int) -> None:
    """Set a new password with a mailed link. Who was invited has thereby come in, the mailbox being theirs.

    Refuses with TOKEN_INVALID or WEAK_PASSWORD. All sessions of the account end with PASSWORD_CHANGED.
    """
    async with database.read() as reader:
        link = await open_link(reader, token, LinkKind.PASSWORD_RESET)
    context = (link.email, link.name, link.workspace_name, link.slug)
    password_hash = await hash_new_password(new_password, hash_cost, *context, field="newPassword")

    async def work(tx: Tx) -> None:
        await _lock_account(tx, link.account_id)
        user_id = (await open_link(tx, token, LinkKind.PASSWORD_RESET)).user_id
        invited = await tx.run(update(USER).where(USER.c.id == user_id, USER.c.pending).values(pending=False))
        await void_links(tx, LINK.c.user_id == user_id)
        await _set_password(tx, link.account_id, password_hash)
        if invited:
            # Consoles show who is still invited and who the sole owner is; both may have changed.
            changed = events.user_changed(user_id, UserChangeKind.ROLES_CHANGED)
            await events.append(tx, link.workspace_id, [changed])

    await database.transact(work)


async def change_password(
    database: Database,
    viewer: Viewer,
    *,
    current_password: str,
    new_password: str,
    hash_cost: int,
    attempts: Attempts,
    ip_address: str | None,
) -> None:
    """Set the signed-in user's new password; every other session of the account ends with PASSWORD_CHANGED.

    Raises Forbidden for an access token; refuses with RATE_LIMITED, INVALID_CREDENTIALS or WEAK_PASSWORD.
    """
    require(viewer.user_id is not None, "An access token has no password.")
    owner = await _owner(database, viewer)
    wrong = refuse(ErrorCode.INVALID_CREDENTIALS, "This is not your current password.", "currentPassword")
    async with attempts.confirm(owner.slug, owner.email, ip_address):
        if not await verify_password(current_password, owner.password_hash or ""):
            raise wrong
    context = (owner.email, owner.name, owner.workspace_name, owner.slug)
    password_hash = await hash_new_password(new_password, hash_cost, *context, field="newPassword")

    async def work(tx: Tx) -> None:
        await _lock_account(tx, owner.account_id)
        await recheck(tx, viewer)
        current = await tx.scalar(select(ACCOUNT.c.password_hash).where(ACCOUNT.c.id == owner.account_id))
        if current != owner.password_hash:
            raise wrong
        await _set_password(tx, owner.account_id, password_hash, keep=viewer.session_id)

    await database.transact(work)


async def _owner(database: Database, viewer: Viewer) -> Row[Any]:
    """The account of a signed-in user; raises Unauthenticated if the user was deleted a moment ago."""
    async with database.read() as reader:
        owner = await reader.row(
            select(
                USER.c.account_id,
                USER.c.email,
                USER.c.name,
                ACCOUNT.c.password_hash,
                WORKSPACE.c.name.label("workspace_name"),
                WORKSPACE.c.slug,
            )
            .join(ACCOUNT, ACCOUNT.c.id == USER.c.account_id)
            .join(WORKSPACE, WORKSPACE.c.id == USER.c.workspace_id)
            .where(USER.c.id == viewer.user_id)
        )
    if owner is None:
        raise Unauthenticated(RevocationReason.USER_DELETED)
    return owner


async def _lock_account(tx: Tx, account_id: UUID) -> None:
    """Lock every workspace that the account is a user of, and the account, so that it comes to no other meanwhile.

    Raises Overtaken if it came to another one while we waited: that must be locked too, in its turn.
    """
    workspaces = select(USER.c.workspace_id).where(USER.c.account_id == account_id)
    before = {row.workspace_id for row in await tx.rows(workspaces)}
    await tx.lock(*before)
    await tx.hold(Account, id=account_id)
    if {row.workspace_id for row in await tx.rows(workspaces)} - before:
        raise Overtaken


async def _set_password(tx: Tx, account_id: UUID, password_hash: str, *, keep: UUID | None = None) -> None:
    """Store a password, and let nothing of the old one work on: no session but `keep`, no mailed reset."""
    users = select(USER.c.id).where(USER.c.account_id == account_id)
    await tx.run(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(password_hash=password_hash))
    await tx.run(update(USER).where(USER.c.account_id == account_id).values(epoch=USER.c.epoch + 1))
    others = [SESSION.c.user_id.in_(users)] if keep is None else [SESSION.c.user_id.in_(users), SESSION.c.id != keep]
    await end_sessions(tx, *others, reason=RevocationReason.PASSWORD_CHANGED)
    epoch = select(USER.c.epoch).where(USER.c.id == SESSION.c.user_id).scalar_subquery()
    await tx.run(update(SESSION).where(SESSION.c.id == keep).values(epoch=epoch))
    await void_links(tx, LINK.c.user_id.in_(users), LINK.c.kind == LinkKind.PASSWORD_RESET)
    # Where somebody is only invited, or inactive, an entry would tell that the account is used elsewhere.
    living = await tx.rows(
        select(PERSON.c.id, USER.c.workspace_id)
        .join(USER, USER.c.id == PERSON.c.user_id)
        .where(USER.c.account_id == account_id, USER.c.status == UserStatus.ACTIVE, USER.c.pending.is_(False))
    )
    for actor in living:
        await audit.record(tx, actor.workspace_id, AuditAction.PASSWORD_CHANGED, actor_id=actor.id, target_id=actor.id)
