"""Giving roles and taking them."""

from uuid import UUID

from sqlalchemy import delete

from models import events
from models.database import Tx, table
from models.enums import AuditAction, Role, UserChangeKind
from models.people import UserRole
from resolvers import audit, authority
from resolvers.errors import Refused
from resolvers.members import Member, find_member, is_sole_owner
from resolvers.viewer import Viewer, enter, require

ROLE = table(UserRole)


async def assign_role(tx: Tx, viewer: Viewer, *, user_id: UUID, role: Role) -> UUID:
    """Give a user a role; nothing changes if it is held already.

    Raises Forbidden; refuses with NOT_FOUND or OWNER_REQUIRED.
    """
    viewer, member = await _enter(tx, viewer, user_id, role)
    if role not in member.roles:
        await tx.add(UserRole(user_id=user_id, role=role, workspace_id=viewer.workspace_id))
        await _tell(tx, viewer, member, AuditAction.ROLE_ASSIGNED, role)
    return user_id


async def remove_role(tx: Tx, viewer: Viewer, *, user_id: UUID, role: Role) -> UUID:
    """Take a role from a user; nothing changes if it is not held.

    Subscriptions that needed it end. Raises Forbidden; refuses with NOT_FOUND, OWNER_REQUIRED or SOLE_OWNER.
    """
    viewer, member = await _enter(tx, viewer, user_id, role)
    if role in member.roles:
        if role is Role.OWNER and await is_sole_owner(tx, member):
            raise Refused(authority.SOLE_OWNER)
        await tx.run(delete(ROLE).where(ROLE.c.user_id == user_id, ROLE.c.role == role))
        await _tell(tx, viewer, member, AuditAction.ROLE_REMOVED, role)
    return user_id


async def _enter(tx: Tx, viewer: Viewer, user_id: UUID, role: Role) -> tuple[Viewer, Member]:
    viewer = await enter(tx, viewer)
    require(viewer.manages_users)
    member = await find_member(tx, viewer.workspace_id, user_id)
    authority.act_on(viewer, member.roles | {role})
    return viewer, member


async def _tell(tx: Tx, viewer: Viewer, member: Member, action: AuditAction, role: Role) -> None:
    user_id = member.user.id
    await events.append(tx, viewer.workspace_id, [events.user_changed(user_id, UserChangeKind.ROLES_CHANGED)])
    await audit.record(tx, viewer.workspace_id, action, actor_id=viewer.actor_id, target_id=member.actor.id, role=role)
