"""A client's picture of a workspace: read afresh, or kept by applying events to an older one."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from models import events
from models.database import Reader, table
from models.enums import EventKind, Role, UserChangeKind, UserStatus
from models.people import Actor, User, UserRole, UserSession
from models.work import Conversation

ACTOR, CONVERSATION, ROLE, SESSION, USER = map(table, (Actor, Conversation, UserRole, UserSession, User))


@dataclass
class Picture:
    """Users by id with status and roles, and live sessions."""

    users: dict[UUID, tuple[UserStatus, frozenset[Role]]] = field(default_factory=dict)
    sessions: set[UUID] = field(default_factory=set)

    async def replay(self, reader: Reader, workspace_id: UUID, position: int, now: "Picture") -> int:
        """Apply every event after a position, as a client does; roles are taken from `now` when they changed.

        The position of the last one.
        """
        for event in await events.read_after(reader, workspace_id, position):
            assert event.position == position + 1
            position = event.position
            if event.kind is EventKind.SESSION_REVOKED:
                self.sessions.remove(event.session_id)  # type: ignore[arg-type]
                continue
            assert event.user_id is not None
            if event.change is UserChangeKind.DELETED:
                del self.users[event.user_id]
                continue
            status, held = self.users[event.user_id]
            match event.change:
                case UserChangeKind.DEACTIVATED:
                    status = UserStatus.INACTIVE
                case UserChangeKind.REACTIVATED:
                    status = UserStatus.ACTIVE
                case UserChangeKind.ROLES_CHANGED:
                    held = now.users.get(event.user_id, (status, held))[1]
            self.users[event.user_id] = (status, held)
        return position


async def fresh(reader: Reader, workspace_id: UUID) -> tuple[Picture, int]:
    """What there is now, and the position of the last event."""
    users = await reader.rows(select(USER.c.id, USER.c.status))
    held = await reader.rows(select(ROLE.c.user_id, ROLE.c.role))
    sessions = await reader.rows(select(SESSION.c.id).where(SESSION.c.ended_at.is_(None)))
    state = await events.state(reader, workspace_id)
    roles_of = {row.id: frozenset(each.role for each in held if each.user_id == row.id) for row in users}
    seen = Picture({row.id: (row.status, roles_of[row.id]) for row in users}, {row.id for row in sessions})
    return seen, state.position


async def assignments(reader: Reader) -> dict[UUID, UUID | None]:
    """Which user has each conversation; None where nobody has, or somebody deleted."""
    rows = await reader.rows(
        select(CONVERSATION.c.id, ACTOR.c.user_id).outerjoin(ACTOR, ACTOR.c.id == CONVERSATION.c.assignee_id)
    )
    return {row.id: row.user_id for row in rows}
