"""Signing in: from an address and a password to a session, so that nobody learns more than they already knew.

The password is compared outside of any transaction. The session is written only if the user is active and carries
the epoch that was read together with the password's hash: whoever was deactivated in between gets none.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import Row, and_, insert, literal, select, text, update

from models.database import WORKSPACE, Database, Tx, table
from models.enums import ActorKind, AuditAction, ClientKind, ErrorCode, UserStatus
from models.people import Account, Actor, User, UserSession
from models.types import new_id
from resolvers import audit
from resolvers.emails import find_email
from resolvers.errors import Refused, refuse
from resolvers.passwords import hash_password, needs_rehash, verify_nobody, verify_password
from resolvers.texts import find_slug, storable
from resolvers.viewer import SESSION_PREFIX, Viewer, authenticate, digest, new_secret

ACCOUNT = table(Account)
USER = table(User)
SESSION = table(UserSession)
PERSON = table(Actor).alias("person")
SYSTEM = table(Actor).alias("system")

LONGEST_DEVICE_TEXT = 200


class Device(TypedDict):
    """What a client says of itself, and where it called from."""

    client: ClientKind
    device_name: str | None
    user_agent: str | None
    ip_address: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: its secret, which is nowhere stored, and the viewer that it makes."""

    token: str
    session_id: UUID
    user_id: UUID
    viewer: Viewer


async def sign_in(
    database: Database,
    *,
    workspace: str,
    email: str,
    password: str,
    lifetime: timedelta,
    hash_cost: int,
    **device: Unpack[Device],
) -> SignedIn:
    """Open a session; `workspace` is its slug.

    Refuses with USER_DEACTIVATED for the right password of somebody inactive, otherwise with INVALID_CREDENTIALS: an
    unknown workspace, an unknown address, a wrong password and an invitation that waits all look and cost the same.
    Either way an entry of the audit log is committed.
    """
    found = await _look_up(database, workspace, email)
    stored: str | None = None if found is None or found.pending else found.password_hash
    rehashed: str | None = None
    if stored is None:
        known = await verify_nobody(password, hash_cost)
    else:
        known = await verify_password(password, stored)
        if known and needs_rehash(stored, hash_cost):
            rehashed = await hash_password(password, hash_cost)

    async def conclude(tx: Tx) -> SignedIn | Refused:
        if found is None or not known:
            return await _fail(tx, found, _wrong())
        if rehashed is not None:
            same = (ACCOUNT.c.id == found.account_id) & (ACCOUNT.c.password_hash == stored)
            await tx.run(update(ACCOUNT).where(same).values(password_hash=rehashed))
        opened = await open_session(tx, found.workspace_id, found.user_id, found.epoch, lifetime, **device)
        if opened is None:
            return await _fail(tx, found, await _why_not(tx, found.user_id))
        await audit.record(tx, found.workspace_id, AuditAction.SIGNED_IN, actor_id=found.actor_id)
        return opened

    outcome = await database.transact(conclude)
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


async def open_session(
    tx: Tx, workspace_id: UUID, user_id: UUID, epoch: int, lifetime: timedelta, **device: Unpack[Device]
) -> SignedIn | None:
    """Write a session, if the user is active and still carries this epoch; else nothing, and None."""
    unchanged = and_(USER.c.id == user_id, USER.c.status == UserStatus.ACTIVE, USER.c.epoch == epoch)
    # The user's row first: on PostgreSQL it stays locked, so that the condition holds until the commit.
    await tx.run(update(USER).where(unchanged).values(last_signed_in_at=tx.now))
    token = new_secret(SESSION_PREFIX)
    values: dict[str, Any] = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "token_hash": digest(token),
        "client": device["client"],
        "device_name": _cut(device["device_name"]),
        "user_agent": _cut(device["user_agent"]),
        "ip_address": _cut(device["ip_address"]),
        "created_at": tx.now,
        "last_seen_at": tx.now,
        "expires_at": tx.now + lifetime,
    }
    written = await tx.run(
        insert(SESSION).from_select(
            ["user_id", "epoch", *values],
            select(
                USER.c.id, USER.c.epoch, *(literal(value, SESSION.c[name].type) for name, value in values.items())
            ).where(unchanged),
        )
    )
    if not written:
        return None
    return SignedIn(token, values["id"], user_id, await authenticate(tx, token))


async def count_stray_attempt(tx: Tx) -> None:
    """Count an attempt on a workspace that does not exist: it costs the write that an audit entry would cost."""
    await tx.run(
        text(
            "INSERT INTO installation (id, stray_attempts) VALUES (1, 1) "
            "ON CONFLICT (id) DO UPDATE SET stray_attempts = installation.stray_attempts + 1"
        )
    )


async def _look_up(database: Database, workspace: str, email: str) -> Row[Any] | None:
    """The workspace with, if there is one, the user of that address; None if there is no such workspace."""
    async with database.read() as reader:
        return await reader.row(
            select(
                WORKSPACE.c.id.label("workspace_id"),
                SYSTEM.c.id.label("system_id"),
                USER.c.id.label("user_id"),
                USER.c.epoch,
                USER.c.pending,
                PERSON.c.id.label("actor_id"),
                ACCOUNT.c.id.label("account_id"),
                ACCOUNT.c.password_hash,
            )
            .join(SYSTEM, and_(SYSTEM.c.workspace_id == WORKSPACE.c.id, SYSTEM.c.kind == ActorKind.SYSTEM))
            .outerjoin(USER, and_(USER.c.workspace_id == WORKSPACE.c.id, USER.c.email == find_email(email)))
            .outerjoin(PERSON, PERSON.c.user_id == USER.c.id)
            .outerjoin(ACCOUNT, ACCOUNT.c.id == USER.c.account_id)
            .where(WORKSPACE.c.slug == find_slug(workspace))
        )


async def _fail(tx: Tx, found: Row[Any] | None, refusal: Refused) -> Refused:
    if found is None:
        await count_stray_attempt(tx)
    else:
        await audit.record(
            tx, found.workspace_id, AuditAction.SIGN_IN_FAILED, actor_id=found.system_id, target_id=found.actor_id
        )
    return refusal


async def _why_not(tx: Tx, user_id: UUID) -> Refused:
    """Why somebody with the right password got no session: inactive, or the password changed a moment ago."""
    status = await tx.scalar(select(USER.c.status).where(USER.c.id == user_id))
    if status is UserStatus.INACTIVE:
        return refuse(
            ErrorCode.USER_DEACTIVATED,
            "Your account was deactivated by an administrator. Ask an administrator to reactivate it.",
        )
    return _wrong()


def _wrong() -> Refused:
    return refuse(
        ErrorCode.INVALID_CREDENTIALS,
        "Workspace, email and password do not fit together. Check all three, or reset your password.",
    )


def _cut(said: str | None) -> str | None:
    """What a client says of itself is no reason to refuse it: what cannot be stored is left out."""
    return "".join(filter(storable, said[:LONGEST_DEVICE_TEXT])) or None if said else None
