"""The event feed: rows that say what connected clients must hear of.

The rule that makes a cursor safe: positions of a workspace are taken under its lock, in the transaction that writes the
rows, so they have no gaps and their order is the order of the commits. Whoever has seen position n and reads "greater
than n" therefore misses nothing and sees nothing twice. Brokers only wake readers; the rows are the truth.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, Self
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, update

from models.database import WORKSPACE, Reader, Tx, table
from models.enums import EventKind, RevocationReason, UserChangeKind
from models.log import Event

EVENT = table(Event)
BATCH = 500


class CursorInvalid(Exception):
    """Not a cursor that this service gave out."""


class CursorExpired(Exception):
    """A cursor whose later events can no longer be told apart or told completely: the client must read anew."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a workspace's feed: its generation, and the position of the last event seen."""

    generation: str
    position: int

    def __str__(self) -> str:
        return urlsafe_b64encode(f"{self.generation}:{self.position}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what str() wrote; raises CursorInvalid for anything else."""
        try:
            generation, position = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").split(":")
            cursor = cls(generation, int(position))
        except ValueError:
            raise CursorInvalid from None
        if str(cursor) != text or cursor.position < 0:
            raise CursorInvalid
        return cursor


def new_generation() -> str:
    """A name for a feed that no earlier cursor carries."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class FeedState:
    """Where a workspace's feed stands: the last position given out, and the last one pruned."""

    generation: str
    position: int
    pruned: int

    def resume(self, cursor: Cursor) -> int:
        """The position after which a client with this cursor goes on; raises CursorExpired if it cannot."""
        if cursor.generation != self.generation or not self.pruned <= cursor.position <= self.position:
            raise CursorExpired
        return cursor.position

    @property
    def cursor(self) -> Cursor:
        """The cursor of this very place."""
        return Cursor(self.generation, self.position)


class Topic(NamedTuple):
    """What may be followed in a workspace's feed: events of one kind; if one is named, of one user or session only.

    With `plans`, also what only those who manage users are told.
    """

    kind: EventKind
    user_id: UUID | None = None
    session_id: UUID | None = None
    plans: bool = False

    @property
    def is_own(self) -> bool:
        """Followed only by the user whom it is about, which needs no right."""
        return self.user_id is not None or self.session_id is not None


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of a workspace's feed, as it was committed. Before that, its position is 0."""

    kind: EventKind
    user_id: UUID | None = None
    session_id: UUID | None = None
    access_token_id: UUID | None = None
    reason: RevocationReason | None = None
    change: UserChangeKind | None = None
    workspace_id: UUID | None = None
    position: int = 0
    generation: str = ""
    occurred_at: datetime | None = None

    @property
    def cursor(self) -> str:
        """Where a client that has seen this event stands."""
        return str(Cursor(self.generation, self.position))

    @property
    def topics(self) -> set[Topic]:
        """Every topic that this event belongs to."""
        kind = self.kind
        with_plans = Topic(kind, plans=True)
        if self.change is UserChangeKind.PLANS_CHANGED:
            return {with_plans}
        return {Topic(kind), Topic(kind, user_id=self.user_id), Topic(kind, session_id=self.session_id), with_plans}

    @property
    def changes_rights_of(self) -> UUID | None:
        """The user whose roles have changed, if that is what this event tells."""
        return self.user_id if self.change is UserChangeKind.ROLES_CHANGED else None


def session_revoked(session_id: UUID, user_id: UUID, reason: RevocationReason) -> FeedEvent:
    """A session has ended."""
    return FeedEvent(EventKind.SESSION_REVOKED, user_id=user_id, session_id=session_id, reason=reason)


def user_changed(user_id: UUID, change: UserChangeKind) -> FeedEvent:
    """A user has changed."""
    return FeedEvent(EventKind.USER_CHANGED, user_id=user_id, change=change)


def token_revoked(access_token_id: UUID) -> FeedEvent:
    """An access token has been revoked: its sockets must close."""
    return FeedEvent(EventKind.TOKEN_REVOKED, access_token_id=access_token_id, reason=RevocationReason.TOKEN_REVOKED)


async def append(tx: Tx, workspace_id: UUID, events: Sequence[FeedEvent]) -> None:
    """Write events at the next positions, when all else is done. The transaction must hold the workspace's lock."""
    if not events:
        return
    if not tx.events:
        tx.at_end.append(partial(_write, tx))
    tx.events.setdefault(workspace_id, []).extend(events)


_TAKE_POSITIONS = (
    update(WORKSPACE)
    .where(WORKSPACE.c.id == bindparam("workspace"))
    .values(event_position=WORKSPACE.c.event_position + bindparam("how_many"))
    .returning(WORKSPACE.c.event_position, WORKSPACE.c.feed_generation)
)


async def _write(tx: Tx) -> None:
    for workspace_id, events in sorted(tx.events.items()):
        row = await tx.row(_TAKE_POSITIONS, {"workspace": workspace_id, "how_many": len(events)})
        assert row is not None
        first = row.event_position - len(events) + 1
        tx.events[workspace_id] = numbered = [
            replace(
                event,
                workspace_id=workspace_id,
                position=position,
                generation=row.feed_generation,
                occurred_at=tx.now,
            )
            for position, event in enumerate(events, first)
        ]
        await tx.run(
            insert(EVENT), [{column.key: getattr(event, column.key) for column in EVENT.c} for event in numbered]
        )


async def state(reader: Reader | Tx, workspace_id: UUID) -> FeedState:
    """Where a workspace's feed stands now."""
    row = await reader.row(
        select(WORKSPACE.c.feed_generation, WORKSPACE.c.event_position, WORKSPACE.c.pruned_position).where(
            WORKSPACE.c.id == workspace_id
        )
    )
    assert row is not None
    return FeedState(row.feed_generation, row.event_position, row.pruned_position)


async def positions(reader: Reader, workspace_ids: Collection[UUID]) -> dict[UUID, int]:
    """The last position of each of some workspaces, in one statement."""
    rows = await reader.rows(
        select(WORKSPACE.c.id, WORKSPACE.c.event_position).where(WORKSPACE.c.id.in_(workspace_ids))
    )
    return {row.id: row.event_position for row in rows}


async def read_after(reader: Reader, workspace_id: UUID, position: int, limit: int = BATCH) -> list[FeedEvent]:
    """The next events after a position, in order, at most `limit`."""
    rows = await reader.rows(
        select(EVENT, WORKSPACE.c.feed_generation)
        .join(WORKSPACE, WORKSPACE.c.id == EVENT.c.workspace_id)
        .where(EVENT.c.workspace_id == workspace_id, EVENT.c.position > position)
        .order_by(EVENT.c.position)
        .limit(limit)
    )
    return [_event(row) for row in rows]


def _event(row: Row[Any]) -> FeedEvent:
    fields = dict(row._mapping)
    return FeedEvent(generation=fields.pop("feed_generation"), **fields)
