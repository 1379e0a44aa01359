"""Users as members of a workspace: the rows that make one, and finding one under the lock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlmodel import SQLModel

from models.database import Reader, Tx, table
from models.enums import ActorKind, Role, UserStatus
from models.people import Account, Actor, TeamMember, User, UserRole, UserWord
from models.search import terms_of
from models.types import new_id
from resolvers.errors import not_found

ACTOR = table(Actor)
ROLE = table(UserRole)
USER = table(User)


_MEMBERS = (
    select(User, Actor, ROLE.c.role)
    .join_from(User, Actor, ACTOR.c.user_id == USER.c.id)
    .outerjoin(ROLE, ROLE.c.user_id == USER.c.id)
)


@dataclass(slots=True)
class Member:
    """A user with its actor and roles, loaded under the lock to be changed or judged."""

    user: User
    actor: Actor
    roles: frozenset[Role]


async def find_member(tx: Tx, workspace_id: UUID, user_id: UUID, *field: str) -> Member:
    """A user of this workspace; refuses with NOT_FOUND if the id names none. `field` is the input's path."""
    member = await load_member(tx, USER.c.id == user_id, USER.c.workspace_id == workspace_id)
    if member is None:
        raise not_found("user", *(field or ("userId",)))
    return member


async def load_member(tx: Tx, *which: ColumnElement[bool]) -> Member | None:
    """The user that is meant, with its actor and roles, in one statement; None if there is none."""
    rows = await tx.objects(_MEMBERS.where(*which))
    if not rows:
        return None
    return Member(rows[0].User, rows[0].Actor, frozenset(row.role for row in rows if row.role))


async def is_sole_owner(tx: Tx, member: Member) -> bool:
    """Whether this member is the sole owner of its workspace."""
    return Role.OWNER in member.roles and await sole_owner(tx, member.user.workspace_id) == member.user.id


async def sole_owner(reader: Reader | Tx, workspace_id: UUID) -> UUID | None:
    """The only active owner who has accepted, if there is just one. Invited and inactive owners count as none."""
    owners = await reader.rows(
        select(USER.c.id)
        .join(ROLE, ROLE.c.user_id == USER.c.id)
        .where(
            ROLE.c.workspace_id == workspace_id,
            ROLE.c.role == Role.OWNER,
            USER.c.status == UserStatus.ACTIVE,
            USER.c.pending.is_(False),
        )
        .limit(2)
    )
    return owners[0].id if len(owners) == 1 else None


async def system_actor(tx: Tx, workspace_id: UUID) -> UUID:
    """The actor in whose name the system itself acts in a workspace."""
    actor_id: UUID = await tx.scalar(
        select(ACTOR.c.id).where(ACTOR.c.workspace_id == workspace_id, ACTOR.c.kind == ActorKind.SYSTEM)
    )
    return actor_id


def new_member(
    account: Account,
    *,
    workspace_id: UUID,
    name: str,
    roles: Collection[Role],
    team_ids: Collection[UUID],
    created_at: datetime,
    pending: bool,
) -> tuple[User, Actor, list[SQLModel]]:
    """The rows that make an account a user of a workspace: the user, its actor, and the rest, added in that order.

    A pending user has been invited and has not accepted yet.
    """
    user = User(
        id=new_id(),
        workspace_id=workspace_id,
        account_id=account.id,
        email=account.email,
        name=name,
        name_key=name.lower(),
        pending=pending,
        created_at=created_at,
    )
    actor = Actor(workspace_id=workspace_id, kind=ActorKind.USER, user_id=user.id)
    rest: list[SQLModel] = [UserRole(user_id=user.id, role=role, workspace_id=workspace_id) for role in set(roles)]
    rest += [TeamMember(team_id=team_id, user_id=user.id) for team_id in set(team_ids)]
    rest += [
        UserWord(workspace_id=workspace_id, word=word, user_id=user.id)
        for word in sorted(terms_of(name, email=account.email))
    ]
    return user, actor, rest
