"""Many signed-in people at once, put into the database in one transaction."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import insert, select
from sqlmodel import SQLModel

from models.database import WORKSPACE, Database, Tx, table
from models.enums import ClientKind, Role
from models.people import Account, UserSession
from models.types import new_id, now
from resolvers.members import new_member
from resolvers.viewer import SESSION_PREFIX, digest, new_secret
from schema.ids import encode
from tests.e2e.callers import Person
from tests.e2e.office import Office


async def hire_many(office: Office, count: int, role: Role = Role.AGENT) -> list[Person]:
    """New colleagues, each with one session and no password."""
    database = Database(office.server.database_url)
    people = await database.transact(lambda tx: _hire(tx, office, count, role))
    await database.close()
    return people


async def _hire(tx: Tx, office: Office, count: int, role: Role) -> list[Person]:
    workspace_id = await tx.scalar(select(WORKSPACE.c.id).where(WORKSPACE.c.slug == office.slug))
    people, rows = [], []
    for number in range(count):
        account = Account(email=office.email(new_id().hex), created_at=now())
        user, actor, rest = new_member(
            account,
            workspace_id=workspace_id,
            name=f"N{number}",
            roles=[role],
            team_ids=[],
            created_at=now(),
            pending=False,
        )
        token = new_secret(SESSION_PREFIX)
        session = UserSession(
            workspace_id=workspace_id,
            user_id=user.id,
            token_hash=digest(token),
            epoch=0,
            client=ClientKind.WEB,
            created_at=now(),
            last_seen_at=now(),
            expires_at=now() + timedelta(days=1),
        )
        rows += [account, user, actor, *rest, session]
        ids = {"id": encode("User", user.id), "session_id": encode("Session", session.id)}
        people.append(Person(office.http, office.server.url, token, **ids, email=account.email, workspace=office.slug))
    await _insert(tx, rows)
    return people


async def _insert(tx: Tx, rows: Iterable[SQLModel]) -> None:
    by_table: dict[type[SQLModel], list[dict[str, object]]] = {}
    for row in rows:
        by_table.setdefault(type(row), []).append(row.model_dump())
    for model, values in by_table.items():
        await tx.run(insert(table(model)), values)
