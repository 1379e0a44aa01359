"""Makes people and work, straight in the database, so that a test says only what it is about."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from models.database import Database, Tx, table
from models.enums import (
    ActorKind,
    ClientKind,
    ConversationStatus,
    DeactivationReason,
    FollowUpKind,
    Role,
    TokenScope,
    UserStatus,
)
from models.events import new_generation
from models.people import AccessToken, Account, Actor, Team, TeamMember, User, UserSession, Workspace
from models.search import terms_of
from models.types import now
from models.work import Conversation, ConversationWord, FollowUp, Note
from resolvers.members import new_member
from resolvers.viewer import ACCESS_PREFIX, SESSION_PREFIX, Viewer, authenticate, digest, new_secret


@dataclass
class Person:
    """A user made by the workshop; `token` and `viewer` are of its last sign_in()."""

    id: UUID
    actor_id: UUID
    email: str
    token: str = ""
    viewer: Viewer = field(repr=False, default=None)  # type: ignore[assignment]


@dataclass
class Workshop:
    """One workspace and its makers."""

    database: Database
    workspace_id: UUID
    system_id: UUID
    olivia: Person = None  # type: ignore[assignment]

    @classmethod
    async def open(cls, database: Database, slug: str = "acme", email: str | None = None) -> "Workshop":
        workspace = Workspace(slug=slug, name=slug.title(), created_at=now(), feed_generation=new_generation())
        system = Actor(workspace_id=workspace.id, kind=ActorKind.SYSTEM)
        async with database.begin() as tx:
            await tx.add(workspace)
            await tx.add(system)
        shop = cls(database, workspace.id, system.id)
        shop.olivia = await shop.person("Olivia Owens", Role.OWNER, email=email)
        await shop.sign_in(shop.olivia)
        return shop

    async def person(
        self,
        name: str,
        *roles: Role,
        email: str | None = None,
        teams: tuple[UUID, ...] = (),
        pending: bool = False,
        inactive: bool = False,
        password_hash: str | None = "unusable",
        created_at: datetime | None = None,
        account_id: UUID | None = None,
    ) -> Person:
        email = email or f"{name.split()[0].lower()}@acme.test"
        async with self.database.begin() as tx:
            account = await tx.get(Account, email=email)
            if account is None:
                account = Account(email=email, password_hash=None if pending else password_hash, created_at=now())
                await tx.add(account)
            user, actor, rest = new_member(
                account,
                workspace_id=self.workspace_id,
                name=name,
                roles=roles,
                team_ids=teams,
                created_at=created_at or now(),
                pending=pending,
            )
            if inactive:
                user.status = UserStatus.INACTIVE
                user.deactivated_at = now()
                user.deactivated_by_id = self.system_id
                user.deactivation_reason = DeactivationReason.OTHER
            await tx.add(user)
            await tx.add(actor)
            await tx.add(*rest)
            return Person(user.id, actor.id, email)

    async def sign_in(self, person: Person, *, expires_in: timedelta = timedelta(days=1)) -> Viewer:
        """A live session; sets the person's token and viewer."""
        person.token = new_secret(SESSION_PREFIX)
        async with self.database.begin() as tx:
            user = await tx.get(User, id=person.id)
            assert user is not None
            await tx.add(
                UserSession(
                    workspace_id=self.workspace_id,
                    user_id=person.id,
                    token_hash=digest(person.token),
                    epoch=user.epoch,
                    client=ClientKind.WEB,
                    device_name="Laptop",
                    created_at=now(),
                    last_seen_at=now(),
                    expires_at=now() + expires_in,
                )
            )
        async with self.database.read() as reader:
            person.viewer = await authenticate(reader, person.token)
        return person.viewer

    async def partner(self, *scopes: TokenScope, creator: Person | None = None, name: str = "Partner") -> Person:
        """An access token, signed in; `id` is the token's."""
        secret = new_secret(ACCESS_PREFIX)
        token = AccessToken(
            workspace_id=self.workspace_id,
            created_by_id=(creator or self.olivia).actor_id,
            name=name,
            scopes=" ".join(scopes),
            secret_hash=digest(secret),
            created_at=now(),
        )
        actor = Actor(workspace_id=self.workspace_id, kind=ActorKind.SERVICE, access_token_id=token.id)
        async with self.database.begin() as tx:
            await tx.add(token)
            await tx.add(actor)
        async with self.database.read() as reader:
            viewer = await authenticate(reader, secret)
        return Person(token.id, actor.id, "", secret, viewer)

    async def team(self, name: str, *members: Person) -> UUID:
        team = Team(workspace_id=self.workspace_id, name=name)
        async with self.database.begin() as tx:
            await tx.add(team)
            await tx.add(*(TeamMember(team_id=team.id, user_id=person.id) for person in members))
        return team.id

    async def conversation(
        self,
        subject: str = "Refund",
        assignee: Person | None = None,
        status: ConversationStatus = ConversationStatus.OPEN,
        **columns: Any,
    ) -> UUID:
        moment = columns.pop("updated_at", now())
        conversation = Conversation(
            workspace_id=self.workspace_id,
            subject=subject,
            status=status,
            snoozed_until=columns.pop("snoozed_until", now() + timedelta(days=1))
            if status is ConversationStatus.SNOOZED
            else None,
            customer_name=columns.pop("customer_name", "Kim"),
            assignee_id=assignee.actor_id if assignee else None,
            created_at=columns.pop("created_at", moment),
            updated_at=moment,
            **columns,
        )
        terms = terms_of(subject, conversation.customer_name, email=conversation.customer_email)
        async with self.database.begin() as tx:
            await tx.add(conversation)
            await tx.add(
                *(
                    ConversationWord(workspace_id=self.workspace_id, word=word, conversation_id=conversation.id)
                    for word in terms
                )
            )
        return conversation.id

    async def note(self, conversation_id: UUID, author: Person, body: str = "Called back", **columns: Any) -> UUID:
        note = Note(
            workspace_id=self.workspace_id,
            conversation_id=conversation_id,
            body=body,
            author_id=author.actor_id,
            created_at=columns.pop("created_at", now()),
        )
        async with self.database.begin() as tx:
            await tx.add(note)
        return note.id

    async def follow_up(
        self,
        conversation_id: UUID,
        assignee: Person | None = None,
        kind: FollowUpKind = FollowUpKind.FOLLOW_UP,
        **columns: Any,
    ) -> UUID:
        follow_up = FollowUp(
            workspace_id=self.workspace_id,
            conversation_id=conversation_id,
            kind=kind,
            due_at=columns.pop("due_at", now() + timedelta(days=2)),
            assignee_id=assignee.actor_id if assignee else None,
        )
        async with self.database.begin() as tx:
            await tx.add(follow_up)
        return follow_up.id

    async def change(self, model: Any, row_id: UUID | None, **values: Any) -> None:
        """Set columns of one row."""
        rows = table(model)
        async with self.database.begin() as tx:
            await tx.run(update(rows).where(rows.c.id == row_id).values(**values))

    async def count(self, model: Any, **equal: Any) -> int:
        rows = table(model)
        async with self.database.read() as reader:
            return int(
                await reader.scalar(
                    select(func.count()).select_from(rows).where(*(rows.c[k] == v for k, v in equal.items()))
                )
            )

    async def load(self, model: Any, **key: Any) -> Any:
        """One object as the database has it now, or None."""

        async def work(tx: Tx) -> Any:
            return await tx.get(model, **key)

        return await self.database.transact(work)
