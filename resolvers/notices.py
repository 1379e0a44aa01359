"""Telling the owners of a workspace something by mail."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, select

from models.database import Tx, table
from models.enums import NoticeKind, Role, UserStatus
from models.leaving import Notice
from models.people import User, UserRole
from models.types import new_id

NOTICE = table(Notice)
ROLE = table(UserRole)
USER = table(User)


def is_owner(workspace_id: Any) -> ColumnElement[bool]:
    """The condition that a user is an active owner who has accepted. Needs USER joined with ROLE."""
    return and_(
        ROLE.c.workspace_id == workspace_id,
        ROLE.c.role == Role.OWNER,
        USER.c.status == UserStatus.ACTIVE,
        USER.c.pending.is_(False),
    )


async def tell_owners(tx: Tx, workspace_id: UUID, kind: NoticeKind, **details: Any) -> None:
    """Queue a mail to each active owner, in the transaction that it tells of.

    `details` are actor ids (as text), times (in ISO 8601), counts and enum names, see offboard.mail.notices.
    """
    owners = await tx.rows(
        select(USER.c.id).join(ROLE, ROLE.c.user_id == USER.c.id).where(is_owner(workspace_id)).order_by(USER.c.id)
    )
    rows = [
        {
            "id": new_id(),
            "workspace_id": workspace_id,
            "user_id": owner.id,
            "kind": kind,
            "details": details,
            "created_at": tx.now,
            "mail_due_at": tx.now,
            "attempts": 0,
        }
        for owner in owners
    ]
    if rows:
        await tx.run(insert(NOTICE), rows)
        tx.mail_due = True
