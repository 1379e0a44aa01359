"""Many signed-in people at once, put into the database in one transaction."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlmodel import SQLModel

from models.database import WORKSPACE, Database, Tx, table
from models.enums import ClientKind, Role
from models.people import Account, UserSession, UserWord
from models.search import terms_of
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
    model = Model(workspace_id, role)
    people = [model.copy(office, f"N{number}") for number in range(count)]
    for kind, rows in model.rows.items():
        await tx.run(insert(table(kind)), rows)
    return people


class Model:
    """Somebody as the program makes a user, and copies: to make ten thousand as the program does takes seconds."""

    def __init__(self, workspace_id: UUID, role: Role) -> None:
        self._workspace_id = workspace_id
        self._account = Account(email="model", created_at=now())
        self._user, self._actor, rest = new_member(
            self._account,
            workspace_id=workspace_id,
            name="Model",
            roles=[role],
            team_ids=[],
            created_at=now(),
            pending=False,
        )
        self._session = UserSession(
            workspace_id=workspace_id,
            user_id=self._user.id,
            token_hash="secret",
            epoch=0,
            client=ClientKind.WEB,
            created_at=now(),
            last_seen_at=now(),
            expires_at=now() + timedelta(days=1),
        )
        rest = [row for row in rest if not isinstance(row, UserWord)]
        made: list[SQLModel] = [self._account, self._user, self._actor, *rest, self._session]
        self._made = [(type(row), row.model_dump()) for row in made]
        self.rows: dict[type[SQLModel], list[dict[str, Any]]] = {}

    def copy(self, office: Office, name: str) -> Person:
        """Somebody else, whose rows come to the others."""
        email, token = office.email(new_id().hex), new_secret(SESSION_PREFIX)
        ids = {row.id: new_id() for row in (self._account, self._user, self._actor, self._session)}
        own = ids | {"model": name.lower(), "Model": name, "secret": digest(token)}
        for kind, values in self._made:
            copied = {column: own.get(value, value) for column, value in values.items()}
            self.rows.setdefault(kind, []).append(copied | ({"email": email} if "email" in values else {}))
        words = self.rows.setdefault(UserWord, [])
        user_id, session_id = ids[self._user.id], ids[self._session.id]
        for word in sorted(terms_of(name, email=email)):
            words.append({"workspace_id": self._workspace_id, "word": word, "user_id": user_id})
        shown = {"id": encode("User", user_id), "session_id": encode("Session", session_id)}
        return Person(office.http, office.server.url, token, **shown, email=email, workspace=office.slug)
