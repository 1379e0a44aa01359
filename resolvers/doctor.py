"""What must be true of every database, looked for in one that is in use: a check is a law and what breaks it.

Each statement is about sets and finds nothing in a sound database. All of them read one snapshot, so that what goes on
meanwhile looks like no fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, and_, exists, func, not_, or_, select
from sqlmodel import SQLModel

from models.database import WORKSPACE, Reader, table
from models.enums import ActorKind, BulkOperationStatus, UserStatus
from models.events import EVENT
from models.leaving import LegalHold, ScheduledDeparture
from models.log import AuditEntry
from models.people import AccessToken, Actor, MailedLink, User, UserRole, UserSession
from models.types import now
from models.work import Assignment, BulkOperation, Conversation, CsatResponse, FollowUp, FollowUpAssignment, Note
from resolvers.notices import is_owner

ACTOR = table(Actor)
ASSIGNMENT = table(Assignment)
DEPARTURE = table(ScheduledDeparture)
GIVEN_FOLLOW_UP = table(FollowUpAssignment)
OPERATION = table(BulkOperation)
ROLE = table(UserRole)
SESSION = table(UserSession)
USER = table(User)

SHOWN = 20
"""So many of what a statement finds are named."""

OVERDUE = timedelta(minutes=5)
"""What should have been done so long ago is forgotten: a clock looks every few seconds."""

NAMES_ACTOR: tuple[Column[Any], ...] = tuple(
    table(model).c[name]
    for model, names in (
        (Note, ("author_id",)),
        (AuditEntry, ("actor_id", "target_id")),
        (CsatResponse, ("handled_by_id",)),
        (BulkOperation, ("started_by_id", "released_id")),
        (AccessToken, ("created_by_id",)),
        (User, ("deactivated_by_id",)),
        (MailedLink, ("sent_by_id",)),
        (ScheduledDeparture, ("scheduled_by_id",)),
        (LegalHold, ("placed_by_id",)),
        (Conversation, ("assignee_id",)),
        (FollowUp, ("assignee_id",)),
    )
    for name in names
)
"""The columns that name an actor of the row's own workspace, without a foreign key."""


@dataclass(frozen=True, slots=True)
class Check:
    """A law, what to do where it is broken, and the statements that find where."""

    law: str
    remedy: str
    statements: tuple[Select[Any], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a law is broken: at most SHOWN places of each kind, `more` of which there are others."""

    law: str
    remedy: str
    places: list[str]
    more: bool


async def examine(reader: Reader) -> list[Finding]:
    """Everything that is wrong with a database; it is only read."""
    moment = now()
    return [found for check in checks(moment) if (found := await _examine(reader, check)) is not None]


async def _examine(reader: Reader, check: Check) -> Finding | None:
    places, more = [], False
    for statement in check.statements:
        rows = await reader.rows(statement.limit(SHOWN + 1))
        places += [", ".join(f"{name} {value}" for name, value in row._mapping.items()) for row in rows[:SHOWN]]
        more = more or len(rows) > SHOWN
    return Finding(check.law, check.remedy, places, more) if places else None


def checks(moment: datetime) -> list[Check]:
    """All checks, as of a moment."""
    return [
        Check(
            "Every workspace has an active owner.",
            "Let one in again with `offboard create-user --role OWNER`, with an address that is not in the workspace "
            "yet.",
            (_without_owner(),),
        ),
        Check(
            "Nobody inactive or deleted has a live session.",
            "Nothing works with such a session, but rows were changed from outside: run `offboard restored` to end "
            "every session.",
            (_sessions_of_nobody(),),
        ),
        Check(
            "Nobody inactive gets work, except by an undo or an import.",
            "Hand that work over (`bulkReassign`, assignedTo the user named), or reactivate the user.",
            (_given_conversations(), _given_follow_ups()),
        ),
        Check(
            "The events of every workspace have no gap.",
            "Clients cannot resume across a gap: run `offboard restored`, which makes them fetch anew.",
            (_gaps(),),
        ),
        Check(
            "Every id of a user or an actor names one of the same workspace.",
            "Rows were changed or restored in part. Restore a whole backup, or remove what the lines name.",
            tuple(_dangling()),
        ),
        Check(
            "Every operation that runs is worked on.",
            "Start a server (`offboard serve`). If one runs, its log says what keeps it from the operation.",
            (_abandoned(moment - OVERDUE),),
        ),
        Check(
            "Everybody leaves and returns at the planned time.",
            "Start a server (`offboard serve`). If one runs, its log says what its clock failed at.",
            (_overdue(moment - OVERDUE),),
        ),
    ]


def _without_owner() -> Select[Any]:
    owners = exists().where(ROLE.c.user_id == USER.c.id, is_owner(WORKSPACE.c.id))
    return select(WORKSPACE.c.slug.label("workspace")).where(not_(owners))


def _sessions_of_nobody() -> Select[Any]:
    holder = and_(USER.c.id == SESSION.c.user_id, USER.c.status == UserStatus.ACTIVE, USER.c.epoch == SESSION.c.epoch)
    return (
        select(WORKSPACE.c.slug.label("workspace"), SESSION.c.id.label("session"), SESSION.c.user_id.label("user"))
        .join(WORKSPACE, WORKSPACE.c.id == SESSION.c.workspace_id)
        .where(SESSION.c.ended_at.is_(None), ~exists().where(holder))
    )


def _given_conversations() -> Select[Any]:
    """What was assigned before the deactivation stays and is no fault."""
    return (
        select(USER.c.id.label("given to the user"), ASSIGNMENT.c.conversation_id.label("conversation"))
        .join(ACTOR, ACTOR.c.user_id == USER.c.id)
        .join(ASSIGNMENT, ASSIGNMENT.c.to_id == ACTOR.c.id)
        .outerjoin(OPERATION, OPERATION.c.id == ASSIGNMENT.c.operation_id)
        .where(_was_inactive(ASSIGNMENT.c.at))
    )


def _given_follow_ups() -> Select[Any]:
    return (
        select(USER.c.id.label("given to the user"), OPERATION.c.id.label("operation"))
        .join(ACTOR, ACTOR.c.user_id == USER.c.id)
        .join(GIVEN_FOLLOW_UP, GIVEN_FOLLOW_UP.c.to_id == ACTOR.c.id)
        .join(OPERATION, OPERATION.c.id == GIVEN_FOLLOW_UP.c.operation_id)
        .where(_was_inactive(OPERATION.c.started_at))
        .distinct()
    )


def _was_inactive(given_at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """The user had left when the work was given, and not by an undo, which restores."""
    return and_(
        USER.c.status == UserStatus.INACTIVE, given_at > USER.c.deactivated_at, OPERATION.c.undo_of_id.is_(None)
    )


def _gaps() -> Select[Any]:
    """Positions are unique: so many of them between these bounds leave no place free."""
    counted = (
        select(
            EVENT.c.workspace_id,
            func.count().label("events"),
            func.min(EVENT.c.position).label("first"),
            func.max(EVENT.c.position).label("last"),
        )
        .group_by(EVENT.c.workspace_id)
        .subquery("counted")
    )
    first, last = WORKSPACE.c.pruned_position + 1, WORKSPACE.c.event_position
    return (
        select(
            WORKSPACE.c.slug.label("workspace"),
            func.coalesce(counted.c.events, 0).label("events"),
            first.label("from"),
            last.label("to"),
        )
        .outerjoin(counted, counted.c.workspace_id == WORKSPACE.c.id)
        .where(
            or_(func.coalesce(counted.c.events, 0) != last - first + 1, counted.c.first < first, counted.c.last > last)
        )
    )


def _dangling() -> Iterator[Select[Any]]:
    yield from (_nobody(column, _key(column)) for column in _referring_to_users())
    yield from (_no_actor(column) for column in NAMES_ACTOR)
    yield _actors_of_nothing()
    yield select(USER.c.id.label("user without an actor")).where(~exists().where(ACTOR.c.user_id == USER.c.id))
    yield from (_held_by_deleted(work) for work in (table(Conversation), table(FollowUp)))


def _referring_to_users() -> list[Column[Any]]:
    tables = SQLModel.metadata.sorted_tables
    return [key.parent for each in tables for key in each.foreign_keys if key.column is USER.c.id]


def _key(column: Column[Any]) -> list[Any]:
    return [each.label(f"{column.table.name}.{each.name}") for each in column.table.primary_key.columns]


def _nobody(column: Column[Any], key: list[Any]) -> Select[Any]:
    named = column.label(f"{column.table.name}.{column.name}")
    return select(*{each.name: each for each in (*key, named)}.values()).where(
        column.is_not(None), ~exists().where(USER.c.id == column)
    )


def _no_actor(column: Column[Any]) -> Select[Any]:
    rows: Table = column.table
    named = column.label(f"{rows.name}.{column.name}")
    return select(*_key(column), named).where(
        column.is_not(None), ~exists().where(ACTOR.c.id == column, ACTOR.c.workspace_id == rows.c.workspace_id)
    )


def _actors_of_nothing() -> Select[Any]:
    wrong = or_(
        and_(ACTOR.c.kind == ActorKind.USER, ACTOR.c.user_id.is_(None), ACTOR.c.reference.is_(None)),
        and_(ACTOR.c.kind == ActorKind.SERVICE, ACTOR.c.access_token_id.is_(None)),
    )
    return select(ACTOR.c.id.label("actor of nobody")).where(wrong)


def _held_by_deleted(work: Table) -> Select[Any]:
    is_released = exists().where(
        OPERATION.c.released_id == work.c.assignee_id,
        OPERATION.c.workspace_id == work.c.workspace_id,
        OPERATION.c.status == BulkOperationStatus.RUNNING,
    )
    return (
        select(work.c.id.label(work.name), work.c.assignee_id.label("assigned to the deleted actor"))
        .join(ACTOR, ACTOR.c.id == work.c.assignee_id)
        .where(ACTOR.c.user_id.is_(None), ~is_released)
    )


def _abandoned(since: datetime) -> Select[Any]:
    return select(OPERATION.c.id.label("operation"), OPERATION.c.started_at.label("started")).where(
        OPERATION.c.status == BulkOperationStatus.RUNNING,
        func.coalesce(OPERATION.c.lease_until, OPERATION.c.started_at) < since,
    )


def _overdue(since: datetime) -> Select[Any]:
    return select(DEPARTURE.c.user_id.label("user"), DEPARTURE.c.due_at.label("due")).where(DEPARTURE.c.due_at < since)
