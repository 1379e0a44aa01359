"""Invitations: asking somebody in by mail, and coming in."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Unpack
from uuid import UUID

from sqlalchemy import Row, exists, func, insert, literal, select, update

from models import events
from models.database import Database, Overtaken, Tx, table
from models.enums import AuditAction, ErrorCode, LinkKind, Role, UserChangeKind, UserStatus
from models.people import Account, Team, User
from models.types import new_id
from resolvers import audit
from resolvers.attempts import Attempts
from resolvers.authority import act_on
from resolvers.emails import normalize_email
from resolvers.errors import Refused, not_found, refuse
from resolvers.links import LINK, open_link, replace_link, void_links
from resolvers.members import Member, load_member, new_member, system_actor
from resolvers.passwords import hash_new_password, verify_password
from resolvers.signing_in import Device, SignedIn, open_session
from resolvers.texts import required_text
from resolvers.viewer import Viewer, enter

TEAM = table(Team)
USER = table(User)
ACCOUNT = table(Account)


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom the invitation is for."""

    user_id: UUID


async def invite_user(
    tx: Tx,
    viewer: Viewer,
    *,
    email: str,
    name: str,
    roles: Collection[Role],
    team_ids: Collection[UUID],
    lifetime: timedelta,
) -> Invited:
    """Make somebody a pending user and have an invitation mailed; for a pending user, mail a new link and no more.

    Raises Forbidden if the viewer may not invite with these roles at all; refuses with OWNER_REQUIRED if only an owner
    may, INVALID_INPUT, NOT_FOUND for a team of elsewhere, and EMAIL_TAKEN for somebody who is already in.
    """
    viewer = await enter(tx, viewer)
    act_on(viewer, roles)
    if not roles:
        raise refuse(ErrorCode.INVALID_INPUT, "Give at least one role.", "roles")
    address, called = _address(email), required_text(name, "name")
    await _check_teams(tx, viewer, team_ids)
    member = await load_member(tx, USER.c.workspace_id == viewer.workspace_id, USER.c.email == address)
    if member is None:
        member = await _add_member(tx, viewer, address, called, roles, team_ids)
    else:
        _may_invite_again(viewer, member)
    await replace_link(tx, member.user.id, LinkKind.INVITATION, lifetime, sent_by_id=viewer.actor_id)
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.USER_INVITED,
        actor_id=viewer.actor_id,
        target_id=member.actor.id,
        roles=sorted(member.roles),
    )
    return Invited(member.user.id)


def _may_invite_again(viewer: Viewer, member: Member) -> None:
    if not member.user.pending or member.user.status is not UserStatus.ACTIVE:
        raise refuse(
            ErrorCode.EMAIL_TAKEN,
            "Somebody with this address is in this workspace already. Look among the active and the inactive users.",
            "email",
        )
    act_on(viewer, member.roles)


def _address(email: str) -> str:
    try:
        return normalize_email(email)
    except ValueError as error:
        raise refuse(ErrorCode.INVALID_INPUT, str(error), "email") from None


async def _check_teams(tx: Tx, viewer: Viewer, team_ids: Collection[UUID]) -> None:
    mine = select(func.count()).where(TEAM.c.workspace_id == viewer.workspace_id, TEAM.c.id.in_(team_ids))
    if await tx.scalar(mine) != len(set(team_ids)):
        raise not_found("team", "teamIds")


async def _add_member(
    tx: Tx, viewer: Viewer, email: str, name: str, roles: Collection[Role], team_ids: Collection[UUID]
) -> Member:
    account = await _hold_account(tx, email)
    user, actor, rest = new_member(
        account,
        workspace_id=viewer.workspace_id,
        name=name,
        roles=roles,
        team_ids=team_ids,
        created_at=tx.now,
        pending=True,
    )
    await tx.add(user)
    await tx.add(actor)
    await tx.add(*rest)
    await events.append(tx, viewer.workspace_id, [events.user_changed(user.id, UserChangeKind.INVITED)])
    return Member(user, actor, frozenset(roles))


async def _hold_account(tx: Tx, email: str) -> Account:
    """The account of an address, with the same statements whether or not there was one: see law 7."""
    new = {"id": new_id(), "email": email, "created_at": tx.now}
    await tx.run(
        insert(ACCOUNT).from_select(
            list(new),
            select(*(literal(value, ACCOUNT.c[name].type) for name, value in new.items())).where(
                ~exists().where(ACCOUNT.c.email == email)
            ),
        )
    )
    account = await tx.hold(Account, email=email)
    if account is None:
        raise Overtaken  # its last user is deleted at this moment
    return account


async def accept_invitation(
    database: Database,
    *,
    token: str,
    password: str,
    lifetime: timedelta,
    hash_cost: int,
    attempts: Attempts,
    **device: Unpack[Device],
) -> SignedIn:
    """Take an invitation up, and be signed in.

    Somebody new chooses a password; somebody who has one, from another workspace, must give that one. Refuses with
    TOKEN_INVALID, WEAK_PASSWORD, INVALID_CREDENTIALS if it is not that one, which the audit log tells, or RATE_LIMITED.
    """
    async with database.read() as reader:
        link = await open_link(reader, token, LinkKind.INVITATION)
    if link.password_hash is None:
        context = (link.email, link.name, link.workspace_name, link.slug)
        stored = await hash_new_password(password, hash_cost, *context, field="password")
    else:
        stored = link.password_hash
        async with attempts.confirm(link.slug, link.email, device["ip_address"]):
            if not await verify_password(password, stored):
                await database.transact(lambda tx: _note_failure(tx, link))
                raise _wrong_password()
    return await database.transact(lambda tx: _come_in(tx, token, link, stored, lifetime, device))


async def _come_in(
    tx: Tx, token: str, earlier: Row[Any], password_hash: str, lifetime: timedelta, device: Device
) -> SignedIn:
    await tx.lock(earlier.workspace_id)
    link = await open_link(tx, token, LinkKind.INVITATION)
    # The account's other workspaces have locks of their own: somebody may be choosing its password there.
    unchanged = ACCOUNT.c.password_hash.is_not_distinct_from(earlier.password_hash)
    if not await tx.run(
        update(ACCOUNT).where(ACCOUNT.c.id == link.account_id, unchanged).values(password_hash=password_hash)
    ):
        raise _wrong_password()
    await tx.run(update(USER).where(USER.c.id == link.user_id).values(pending=False))
    await void_links(tx, LINK.c.user_id == link.user_id)
    await audit.record(
        tx,
        link.workspace_id,
        AuditAction.INVITATION_ACCEPTED,
        actor_id=link.actor_id,
        target_id=link.actor_id,
    )
    # Consoles show who is still invited and who the sole owner is; both may have changed.
    await events.append(tx, link.workspace_id, [events.user_changed(link.user_id, UserChangeKind.ROLES_CHANGED)])
    opened = await open_session(tx, link.workspace_id, link.user_id, link.epoch, lifetime, **device)
    assert opened is not None
    return opened


async def _note_failure(tx: Tx, link: Row[Any]) -> None:
    await audit.record(
        tx,
        link.workspace_id,
        AuditAction.SIGN_IN_FAILED,
        actor_id=await system_actor(tx, link.workspace_id),
        target_id=link.actor_id,
    )


def _wrong_password() -> Refused:
    return refuse(
        ErrorCode.INVALID_CREDENTIALS,
        "You have a password already, and this is not it. Enter the password that you use for your other workspace.",
        "password",
    )
