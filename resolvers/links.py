"""Mailed links: invitations and password resets, from the request for a mail until the link is used or void."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, insert, literal, select

from models.database import WORKSPACE, Reader, Tx, table
from models.enums import ErrorCode, LinkKind, UserStatus
from models.people import Account, Actor, MailedLink, User
from models.types import new_id, now
from resolvers.errors import Refused, refuse
from resolvers.viewer import digest

LINK = table(MailedLink)
USER = table(User)
ACCOUNT = table(Account)
ACTOR = table(Actor)

LINK_PREFIX = "obl_"


async def replace_link(tx: Tx, user_id: UUID, kind: LinkKind, lifetime: timedelta, *, sent_by_id: UUID | None) -> None:
    """Have the mailer send an active user a link; an earlier one of the kind works no longer.

    For somebody who is not an active user the same statements run and change nothing.
    """
    await void_links(tx, LINK.c.user_id == user_id, LINK.c.kind == kind)
    values: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "sent_by_id": sent_by_id,
        "created_at": tx.now,
        "expires_at": tx.now + lifetime,
        "mail_due_at": tx.now,
        "attempts": 0,
    }
    await tx.run(
        insert(LINK).from_select(
            ["workspace_id", "user_id", *values],
            select(
                USER.c.workspace_id, USER.c.id, *(literal(value, LINK.c[name].type) for name, value in values.items())
            )
            .where(USER.c.id == user_id, USER.c.status == UserStatus.ACTIVE)
            # A deactivation at the same time either has happened, or waits and then voids this link too.
            .with_for_update(read=True),
        )
    )
    tx.mail_due = True


async def void_links(tx: Tx, *which: ColumnElement[bool]) -> None:
    """Make mailed links work no longer."""
    await tx.run(delete(LINK).where(*which))


async def open_link(reader: Reader | Tx, token: str, kind: LinkKind) -> Row[Any]:
    """Whom a link was mailed to: the user, its account and its workspace.

    Refuses with TOKEN_INVALID if it is unknown, used, void or expired, or if the user is not active.
    """
    row = await reader.row(
        select(
            LINK.c.user_id,
            LINK.c.workspace_id,
            LINK.c.expires_at,
            USER.c.account_id,
            USER.c.email,
            USER.c.name,
            USER.c.status,
            USER.c.epoch,
            ACTOR.c.id.label("actor_id"),
            ACCOUNT.c.password_hash,
            WORKSPACE.c.name.label("workspace_name"),
            WORKSPACE.c.slug,
        )
        .join(USER, USER.c.id == LINK.c.user_id)
        .join(ACTOR, ACTOR.c.user_id == USER.c.id)
        .join(ACCOUNT, ACCOUNT.c.id == USER.c.account_id)
        .join(WORKSPACE, WORKSPACE.c.id == LINK.c.workspace_id)
        .where(LINK.c.token_hash == digest(token), LINK.c.kind == kind)
    )
    if row is None or not _works(row.status, row.expires_at):
        raise _invalid(kind)
    return row


def _works(status: UserStatus, expires_at: datetime) -> bool:
    return status is UserStatus.ACTIVE and expires_at > now()


def _invalid(kind: LinkKind) -> Refused:
    next_step = (
        "Ask an administrator to invite you again."
        if kind is LinkKind.INVITATION
        else "Request a new mail to reset your password."
    )
    return refuse(
        ErrorCode.TOKEN_INVALID, f"This link was used before, was replaced or has expired. {next_step}", "token"
    )
