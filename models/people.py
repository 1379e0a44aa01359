"""Who belongs to a workspace, how they sign in, and what remains of them when they are gone.

Actor rows are never deleted, so a column that names an actor (`..._by_id`, `assignee_id`, `author_id`) cannot dangle
and carries no foreign key.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.enums import ActorKind, ClientKind, DeactivationReason, LinkKind, RevocationReason, Role, UserStatus
from models.types import NEVER, Named, Text, Timestamp, new_id, where


class Workspace(SQLModel, table=True):
    """A tenant. Its row is the lock of everybody's lifecycle in it and counts the events of its feed.

    `revision` counts the transactions that changed who has its work.
    """

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    retention_days: int = 30
    delete_after_days: int | None = None
    created_at: datetime = Field(sa_type=Timestamp)
    feed_generation: str = Field(sa_type=Text)
    event_position: int = Field(default=0, sa_type=BigInteger)
    pruned_position: int = Field(default=0, sa_type=BigInteger)
    revision: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Installation(SQLModel, table=True):
    """One row for the whole database: what belongs to no workspace."""

    id: int = Field(default=1, primary_key=True)
    stray_attempts: int = 0


class Account(SQLModel, table=True):
    """An email address and its password. One account may be a user of several workspaces."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(unique=True, sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=Timestamp)


class User(SQLModel, table=True):
    """An account's membership of one workspace. `email` repeats the account's, so that a page is one table."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "email"),
        Index("user_name", "workspace_id", "name_key", "id"),
        Index("user_status_name", "workspace_id", "status", "name_key", "id"),
        Index("user_created", "workspace_id", "created_at", "id"),
        Index("user_status_created", "workspace_id", "status", "created_at", "id"),
        Index("user_signed_in", "workspace_id", "last_signed_in_at", "id"),
        Index("user_status_signed_in", "workspace_id", "status", "last_signed_in_at", "id"),
        Index("user_deactivated", "workspace_id", "deactivated_at", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    account_id: UUID = Field(foreign_key="account.id", index=True)
    email: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    name_key: str = Field(sa_type=Text)
    status: UserStatus = Field(default=UserStatus.ACTIVE, sa_type=Named(UserStatus))
    pending: bool = True
    epoch: int = 0
    created_at: datetime = Field(sa_type=Timestamp)
    last_signed_in_at: datetime = Field(default=NEVER, sa_type=Timestamp)
    deactivated_at: datetime | None = Field(default=None, sa_type=Timestamp)
    deactivated_by_id: UUID | None = None
    deactivation_reason: DeactivationReason | None = Field(default=None, sa_type=Named(DeactivationReason))
    deactivation_note: str | None = Field(default=None, sa_type=Text)


def _in_each_order(name: str, *columns: str) -> list[Index]:
    """For each order of users an index that has it, once some columns and the status are given."""
    keys = {"name": "name_key", "created": "created_at", "signed_in": "last_signed_in_at"}
    return [Index(f"{name}_{order}", *columns, "status", key, "user_id") for order, key in keys.items()]


class Listed(SQLModel):
    """Repeats what users are listed by, so that those of one role or team have an order of their own.

    The database keeps it: its triggers write these columns, and nothing else does.
    """

    status: UserStatus | None = Field(default=None, sa_type=Named(UserStatus))
    name_key: str | None = Field(default=None, sa_type=Text)
    created_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_signed_in_at: datetime | None = Field(default=None, sa_type=Timestamp)


class UserRole(Listed, table=True):
    """One role of one user; kept while the user is inactive."""

    __tablename__ = "user_role"
    __table_args__ = (*_in_each_order("user_role", "workspace_id", "role"), {"sqlite_with_rowid": False})

    user_id: UUID = Field(primary_key=True, foreign_key="user.id", ondelete="CASCADE")
    role: Role = Field(primary_key=True, sa_type=Named(Role))
    workspace_id: UUID = Field(foreign_key="workspace.id")


class UserWord(SQLModel, table=True):
    """A term under which a user is found, see models.search; a prefix is a range of the primary key."""

    __tablename__ = "user_word"
    __table_args__ = {"sqlite_with_rowid": False}

    workspace_id: UUID = Field(primary_key=True, foreign_key="workspace.id")
    word: str = Field(primary_key=True, sa_type=Text)
    user_id: UUID = Field(primary_key=True, foreign_key="user.id", ondelete="CASCADE", index=True)


class Team(SQLModel, table=True):
    """A named group of users, and of conversations."""

    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    name: str = Field(sa_type=Text)


class TeamMember(Listed, table=True):
    """One user's membership of one team; kept while the user is inactive."""

    __tablename__ = "team_member"
    __table_args__ = (*_in_each_order("team_member", "team_id"), {"sqlite_with_rowid": False})

    team_id: UUID = Field(primary_key=True, foreign_key="team.id")
    user_id: UUID = Field(primary_key=True, foreign_key="user.id", ondelete="CASCADE", index=True)


class Actor(SQLModel, table=True):
    """Whoever did something, under an id that clients never see.

    Notes, audit entries, assignments and CSAT answers name actors. Deleting a user empties `user_id` and draws
    `reference`: that one row changes, however much the person wrote.
    """

    __table_args__ = (Index("actor_system", "workspace_id", "kind"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    kind: ActorKind = Field(sa_type=Named(ActorKind))
    user_id: UUID | None = Field(default=None, foreign_key="user.id", unique=True)
    access_token_id: UUID | None = Field(default=None, foreign_key="access_token.id", unique=True)
    reference: UUID | None = Field(default=None, unique=True)


class UserSession(SQLModel, table=True):
    """A sign-in on one device. It works while it has not ended, has not expired, and carries its user's epoch.

    `user_id` is no foreign key: an ended session outlives a deleted user until it is pruned, so that the old token is
    answered with the reason. What tells of the device is erased when the session ends.
    """

    __tablename__ = "session"
    __table_args__ = (
        Index("session_user", "user_id", "ended_at"),
        Index("session_ended", "ended_at"),
        # That a column IS NULL gives PostgreSQL no order in an index with that column.
        Index("session_expiry", "expires_at", **where("ended_at IS NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    user_id: UUID
    token_hash: str = Field(unique=True, sa_type=Text)
    epoch: int
    client: ClientKind = Field(sa_type=Named(ClientKind))
    device_name: str | None = Field(default=None, sa_type=Text)
    user_agent: str | None = Field(default=None, sa_type=Text)
    ip_address: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=Timestamp)
    last_seen_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp)
    ended_at: datetime | None = Field(default=None, sa_type=Timestamp)
    end_reason: RevocationReason | None = Field(default=None, sa_type=Named(RevocationReason))


class AccessToken(SQLModel, table=True):
    """A partner's credential. It belongs to the workspace and outlives the user who created it."""

    __tablename__ = "access_token"
    __table_args__ = (Index("access_token_workspace", "workspace_id", "created_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    created_by_id: UUID = Field(index=True)
    name: str = Field(sa_type=Text)
    scopes: str = Field(sa_type=Text)
    secret_hash: str = Field(unique=True, sa_type=Text)
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_used_at: datetime | None = Field(default=None, sa_type=Timestamp)
    revoked_at: datetime | None = Field(default=None, sa_type=Timestamp)


class MailedLink(SQLModel, table=True):
    """An invitation or a password reset. The row goes when the link is used or void.

    Its token is drawn when the mail is sent and only its hash is kept: a row with `mail_due_at` waits for the mailer,
    which a crash cannot make forget it.
    """

    __tablename__ = "mailed_link"
    __table_args__ = (UniqueConstraint("user_id", "kind"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    workspace_id: UUID = Field(foreign_key="workspace.id")
    user_id: UUID = Field(foreign_key="user.id", ondelete="CASCADE")
    kind: LinkKind = Field(sa_type=Named(LinkKind))
    sent_by_id: UUID | None = None
    token_hash: str | None = Field(default=None, unique=True, sa_type=Text)
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp)
    mail_due_at: datetime | None = Field(default=None, sa_type=Timestamp, index=True)
    attempts: int = 0
