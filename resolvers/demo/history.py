"""What an import cannot say: passwords, when somebody was last here, how they left, and the audit log of it all."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from models.database import WORKSPACE, Tx, table
from models.enums import AuditAction, Role
from models.log import AuditEntry
from models.people import Account, Actor, User
from resolvers.demo.story import Colleague, Story
from resolvers.members import system_actor

ACCOUNT = table(Account)
ACTOR = table(Actor)
AUDIT = table(AuditEntry)
USER = table(User)


async def tell_history(tx: Tx, workspace_id: UUID, story: Story, hashes: dict[str, str]) -> None:
    """Date everything back to the story's times; `hashes` are the passwords by email."""
    founder = story.colleagues[0]
    await tx.run(update(WORKSPACE).where(WORKSPACE.c.id == workspace_id).values(created_at=founder.joined_at))
    rows = await tx.rows(
        select(USER.c.email, USER.c.id, ACTOR.c.id.label("actor_id"))
        .join(ACTOR, ACTOR.c.user_id == USER.c.id)
        .where(USER.c.workspace_id == workspace_id)
    )
    people = {row.email: row for row in rows}
    founder_id: UUID = people[founder.email].actor_id
    system_id = await system_actor(tx, workspace_id)
    for colleague in story.colleagues:
        person = people[colleague.email]
        inviter_id = system_id if colleague is founder else founder_id
        await tx.run(update(USER).where(USER.c.id == person.id).values(_columns(colleague, founder_id)))
        await tx.run(
            update(AUDIT)
            .where(AUDIT.c.target_id == person.actor_id, AUDIT.c.action == AuditAction.USER_INVITED)
            .values(at=colleague.joined_at, actor_id=inviter_id)
        )
        if colleague.last_here_at is not None:
            await tx.run(
                update(ACCOUNT).where(ACCOUNT.c.email == colleague.email).values(password_hash=hashes[colleague.email])
            )
        await tx.add(*_entries(workspace_id, colleague, person.actor_id, founder_id))


def _columns(colleague: Colleague, founder_id: UUID) -> dict[str, Any]:
    columns: dict[str, Any] = {"created_at": colleague.joined_at}
    if colleague.last_here_at is not None:
        columns |= {"pending": False, "last_signed_in_at": colleague.last_here_at}
        if colleague.departure is not None:
            reason, note = colleague.departure
            columns |= {"deactivated_at": _left_at(colleague.last_here_at), "deactivated_by_id": founder_id}
            columns |= {"deactivation_reason": reason, "deactivation_note": note, "epoch": 1}
    return columns


def _entries(workspace_id: UUID, colleague: Colleague, actor_id: UUID, founder_id: UUID) -> list[AuditEntry]:
    def entry(at: datetime, action: AuditAction, by: UUID, target_id: UUID | None, **details: Any) -> AuditEntry:
        return AuditEntry(
            workspace_id=workspace_id, at=at, action=action, actor_id=by, target_id=target_id, details=details
        )

    found: list[AuditEntry] = []
    if colleague.last_here_at is None:
        return found
    accepted_at = colleague.joined_at + timedelta(hours=5)
    found.append(entry(accepted_at, AuditAction.INVITATION_ACCEPTED, actor_id, actor_id))
    if Role.ADMIN in colleague.roles:
        promoted_at = colleague.joined_at + timedelta(days=30)
        found.append(entry(promoted_at, AuditAction.ROLE_ASSIGNED, founder_id, actor_id, role=Role.ADMIN))
    found.append(entry(colleague.last_here_at, AuditAction.SIGNED_IN, actor_id, None))
    if colleague.departure is not None:
        reason, _ = colleague.departure
        left_at = _left_at(colleague.last_here_at)
        found.append(entry(left_at, AuditAction.USER_DEACTIVATED, founder_id, actor_id, reason=reason, sessions=1))
    return found


def _left_at(last_here_at: datetime) -> datetime:
    return last_here_at + timedelta(hours=3)
