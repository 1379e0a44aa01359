"""An operation under way, and the chunks in which it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, Select

from models.database import Tx
from models.listed import stored_id, stored_time


class Step(StrEnum):
    """What an operation goes through, one after the other. Which of them there are depends on its kind."""

    CONVERSATIONS = "CONVERSATIONS"
    WOKEN = "WOKEN"
    FOLLOW_UPS = "FOLLOW_UPS"

    @property
    def is_of_conversations(self) -> bool:
        """It moves conversations."""
        return self is not Step.FOLLOW_UPS


class Place(NamedTuple):
    """How far a step has come: the last row dealt with, and the time or the revision by which it was in order."""

    id: UUID
    at: datetime | None = None
    revision: int | None = None


class Moved(NamedTuple):
    """What became of a chunk: how many rows were still as they had been, and how many of them changed."""

    met: int
    moved: int


@dataclass(frozen=True, slots=True)
class State:
    """Up to where an operation has come, and how many conversations and follow-ups it has met.

    Before it begins, what it matched must be counted again unless it is `counted`: something changed meanwhile.
    """

    step: Step = Step.CONVERSATIONS
    after: Place | None = None
    conversations: int = 0
    follow_ups: int = 0
    counted: bool = True

    def met(self, step: Step) -> int:
        """How many were met of what a step moves."""
        return self.conversations if step.is_of_conversations else self.follow_ups

    def moved_on(self, step: Step, upto: Place | None, met: int) -> "State":
        """Having dealt with a chunk, after which a step has come as far as `upto`, or no further than before."""
        conversations, follow_ups = (met, 0) if step.is_of_conversations else (0, met)
        after = self.after if upto is None and step is self.step else upto
        return State(step, after, self.conversations + conversations, self.follow_ups + follow_ups)

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        found: dict[str, Any] = _STATES.dump_python(self, mode="json")
        return found

    @classmethod
    def load(cls, dumped: dict[str, Any] | None) -> "State":
        """The inverse of dump(); None is the beginning."""
        return cls() if dumped is None else _STATES.validate_python(dumped)


_STATES = TypeAdapter(State)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a node needs to know to carry an operation on. `revision` is the workspace's at its start."""

    id: UUID
    workspace_id: UUID
    revision: int
    started_by_id: UUID
    started_at: datetime
    undo_of_id: UUID | None = None
    released_id: UUID | None = None
    state: State = field(default_factory=State)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows to deal with in one transaction, which writes `revision` on them. `met` of their kind were met before.

    The ids are as they are stored, see models.listed.
    """

    step: Step
    ids: Sequence[Any]
    revision: int
    met: int


@dataclass(frozen=True, slots=True)
class ToDo:
    """The next rows of a step: with the last of them it has come as far as `upto`, and to its end if it `ends_step`.

    A row is an `id`, with what else a Place says of it, and perhaps the number of the `walk` on which it was found,
    all as they are stored. Those with a walk are dealt with walk by walk, as each has its own part of every index. The
    step then comes no further until it has dealt with all that were found at once. Whoever takes over before that finds
    some of them again, so each must be one that its chunk changes.
    """

    step: Step
    rows: Sequence[Row[Any]]
    upto: Place | None
    ends_step: bool

    @classmethod
    def of(cls, step: Step, rows: Sequence[Row[Any]], *, ends_step: bool) -> "ToDo":
        """Rows that were found in order."""
        upto = _place(rows[-1])
        if _has_walk(rows[0]):
            # By its place: by its name it takes nine times as long, and the event loop waits.
            rows = sorted(rows, key=itemgetter(rows[0]._fields.index(_WALK)))
        return cls(step, rows, upto, ends_step)

    @property
    def ids(self) -> Sequence[Any]:
        """What to deal with."""
        return [row[0] for row in self.rows]

    def split(self, size: int) -> tuple["ToDo", "ToDo | None"]:
        """The first rows, at most `size`, and the rest if there is one."""
        if size >= len(self.rows):
            return self, None
        last = self.rows[size - 1]
        upto = None if _has_walk(last) else _place(last)
        first = replace(self, rows=self.rows[:size], upto=upto, ends_step=False)
        return first, replace(self, rows=self.rows[size:])


_WALK = "walk"


def _has_walk(row: Row[Any]) -> bool:
    return _WALK in row._fields


def _place(row: Row[Any]) -> Place:
    found = row._mapping
    return Place(stored_id(row.id), stored_time(found.get("at")), found.get("revision"))


class Work(Protocol):
    """What distinguishes the kinds of operations."""

    @property
    def steps(self) -> Sequence[Step]:
        """What it goes through."""

    def to_do(self, step: Step, after: Place | None, limit: int) -> Select[Any]:
        """The next rows of a step, in order, see ToDo."""

    async def move(self, tx: Tx, chunk: Chunk) -> Moved:
        """Deal with a chunk. Each of its rows that has been changed meanwhile is left as it is."""
