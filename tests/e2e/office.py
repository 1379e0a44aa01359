"""Workspaces of their own on a running server, put into its database from beside."""

from dataclasses import dataclass
from uuid import uuid4

import httpx
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select

from models.database import WORKSPACE, Database
from models.enums import EventKind, Role
from models.events import EVENT, Cursor
from resolvers.provisioning import create_user, create_workspace
from resolvers.sessions import sign_out
from resolvers.viewer import authenticate
from schema.ids import encode
from tests.e2e.callers import Caller, Person
from tests.e2e.server import Server
from tests.hashing import LITTLE_KIB

PASSWORD = "correct horse battery"
PASSWORD_HASH = Argon2Hasher(time_cost=1, memory_cost=LITTLE_KIB, parallelism=1).hash(PASSWORD)
"""As a server that was forked would make it, so that it does not make a better one when somebody signs in."""


@dataclass
class Office:
    """One workspace with the owner Olivia, who is signed in."""

    server: Server
    http: httpx.AsyncClient
    slug: str
    olivia: Person = None  # type: ignore[assignment]

    @classmethod
    async def open(cls, server: Server, http: httpx.AsyncClient, beside: "Office | None" = None) -> "Office":
        """A new workspace. If it is beside another one, its owner is the same Olivia, with one account for both."""
        office = cls(server, http, f"w{uuid4().hex[:12]}")
        owner = (beside or office).email("Olivia")
        database = Database(server.database_url)
        await database.transact(
            lambda tx: create_workspace(
                tx,
                slug=office.slug,
                name="Office",
                owner_email=owner,
                owner_name="Olivia",
                password_hash=PASSWORD_HASH,
            )
        )
        await database.close()
        office.olivia = await office.visitor.sign_in(office.slug, owner, PASSWORD)
        return office

    @property
    def visitor(self) -> Caller:
        """Somebody who is not signed in."""
        return Caller(self.http, self.server.url)

    def email(self, name: str) -> str:
        """The address of somebody here, used in no other workspace."""
        return f"{name.lower()}@{self.slug}.test"

    async def hire(self, name: str, *roles: Role) -> Person:
        """A new colleague, signed in."""
        database = Database(self.server.database_url)
        await database.transact(
            lambda tx: create_user(
                tx,
                workspace=self.slug,
                email=self.email(name),
                name=name,
                roles=roles or (Role.AGENT,),
                teams=(),
                password_hash=PASSWORD_HASH,
            )
        )
        await database.close()
        return await self.sign_in(name)

    async def sign_in(self, name: str) -> Person:
        """One more session of somebody."""
        return await self.visitor.sign_in(self.slug, self.email(name), PASSWORD)

    async def end_quietly(self, person: Person) -> None:
        """End somebody's session from beside the nodes: none gets a hint."""
        database = Database(self.server.database_url)
        async with database.read() as reader:
            viewer = await authenticate(reader, str(person.token))
        await database.transact(lambda tx: sign_out(tx, viewer))
        await database.close()

    async def events(self, after: str, kind: EventKind = EventKind.SESSION_REVOKED) -> list[tuple[str, str]]:
        """Cursor, and session or user, of every event after a cursor, as the database has them."""
        rows = (
            select(EVENT.c.position, EVENT.c.session_id, EVENT.c.user_id, WORKSPACE.c.feed_generation)
            .join(WORKSPACE, WORKSPACE.c.id == EVENT.c.workspace_id)
            .where(WORKSPACE.c.slug == self.slug, EVENT.c.kind == kind, EVENT.c.position > Cursor.parse(after).position)
            .order_by(EVENT.c.position)
        )
        database = Database(self.server.database_url)
        async with database.read() as reader:
            found = await reader.rows(rows)
        await database.close()
        return [
            (
                str(Cursor(row.feed_generation, row.position)),
                encode("Session", row.session_id) if row.session_id else encode("User", row.user_id),
            )
            for row in found
        ]

    async def partner(self, *scopes: str) -> "Partner":
        """A new access token."""
        payload = await self.olivia.do(
            """mutation($scopes: [TokenScope!]!) { createAccessToken(input: {name: "Partner", scopes: $scopes}) {
              secret accessToken { id } errors { code }
            } }""",
            scopes=scopes,
        )
        return Partner(self.http, self.server.url, payload["secret"], id=payload["accessToken"]["id"])


@dataclass
class Partner(Caller):
    """A program with an access token."""

    id: str = ""
