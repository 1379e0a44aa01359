"""A workspace of the size that is measured, put straight into a database: everybody has a session of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import SQLModel

from models.database import Database, Tx, table
from models.enums import ActorKind, ClientKind, Role
from models.people import Account, Actor, User, UserRole, UserSession
from models.types import new_id, now
from resolvers.provisioning import create_workspace
from resolvers.viewer import SESSION_PREFIX, digest, new_secret
from schema import ids

AWAY = timedelta(hours=1)
"""How long ago everybody was seen last: a client that comes back has its time of use noted, as in real life."""

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Person:
    """A user with one session, by its token; the id is the one that clients see."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Office:
    """Administrators who watch, agents who are there to be deactivated, and one who is signed out again and again."""

    watchers: list[Person]
    leavers: list[Person]
    tokens: list[str]

    def again(self) -> "Office":
        """The same people in a fresh copy of the database, with all tokens still to be used."""
        return Office(self.watchers, self.leavers, list(self.tokens))


async def open_office(url: str, *, watchers: int, leavers: int, sign_outs: int) -> Office:
    """Fill a migrated, empty database."""
    database = Database(url)
    try:
        return await database.transact(lambda tx: _fill(tx, watchers, leavers, sign_outs))
    finally:
        await database.close()


async def _fill(tx: Tx, watchers: int, leavers: int, sign_outs: int) -> Office:
    workspace_id = await create_workspace(
        tx, slug="office", name="Office", owner_email="owner@office.test", owner_name="Owner", password_hash="none"
    )
    admins = [new_id() for _ in range(watchers)]
    agents = [new_id() for _ in range(leavers)]
    rows: dict[type[SQLModel], list[dict[str, Any]]] = {Account: [], User: [], Actor: [], UserRole: []}
    for number, user_id in enumerate((*admins, *agents)):
        role = Role.ADMIN if number < watchers else Role.AGENT
        for model, row in _user(workspace_id, user_id, number, role):
            rows[model].append(row)
    secrets: list[str] = [new_secret(SESSION_PREFIX) for _ in range(watchers + leavers + sign_outs)]
    holders = (*admins, *agents, *[admins[0]] * sign_outs)
    rows[UserSession] = [
        _session(workspace_id, user_id, secret) for user_id, secret in zip(holders, secrets, strict=True)
    ]
    for model, made in rows.items():
        for first in range(0, len(made), _PAGE):
            await tx.run(insert(table(model)), made[first : first + _PAGE])
    people = [
        Person(ids.encode("User", user_id), secret)
        for user_id, secret in zip((*admins, *agents), secrets, strict=False)
    ]
    return Office(people[:watchers], people[watchers:], secrets[watchers + leavers :])


def _user(
    workspace_id: UUID, user_id: UUID, number: int, role: Role
) -> Iterator[tuple[type[SQLModel], dict[str, Any]]]:
    account_id, email, name = new_id(), f"somebody{number}@office.test", f"Somebody {number}"
    yield Account, {"id": account_id, "email": email, "created_at": now()}
    yield (
        User,
        _complete(
            User(
                id=user_id,
                workspace_id=workspace_id,
                account_id=account_id,
                email=email,
                name=name,
                name_key=name.lower(),
                pending=False,
                created_at=now(),
            )
        ),
    )
    yield Actor, _complete(Actor(workspace_id=workspace_id, kind=ActorKind.USER, user_id=user_id))
    yield UserRole, {"user_id": user_id, "role": role, "workspace_id": workspace_id}


def _session(workspace_id: UUID, user_id: UUID, secret: str) -> dict[str, Any]:
    return _complete(
        UserSession(
            workspace_id=workspace_id,
            user_id=user_id,
            token_hash=digest(secret),
            epoch=0,
            client=ClientKind.WEB,
            device_name="Firefox on Linux",
            created_at=now() - AWAY,
            last_seen_at=now() - AWAY,
            expires_at=now() + timedelta(days=30),
        )
    )


def _complete(row: SQLModel) -> dict[str, Any]:
    return {column: getattr(row, column) for column in _columns(type(row))}


def _columns(model: type[SQLModel]) -> Sequence[str]:
    return [column.key for column in table(model).columns]
