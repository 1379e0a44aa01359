"""What `offboard doctor` looks for: nothing in a sound database, and each law where it was broken on purpose."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Uuid, delete, insert, update
from sqlmodel import SQLModel

from models.database import Database, table
from models.enums import (
    BulkOperationStatus,
    ClientKind,
    ConversationStatus,
    DeletionReason,
    Role,
    TokenScope,
    UserStatus,
)
from models.log import Event
from models.people import AccessToken, Actor, TeamMember, User, UserRole, UserSession, Workspace
from models.types import new_id, now
from models.work import BulkOperation, Conversation, FollowUp, Note
from resolvers import doctor
from resolvers.conversations import assign_conversation
from resolvers.deletion import delete_user
from resolvers.doctor import Finding, checks, examine
from resolvers.handover import bulk_reassign, undo_bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user
from resolvers.targets import Target
from resolvers.upkeep import prune
from tests.crowd import hang_on
from tests.records import call
from tests.resolvers.leaving import carry_out_due, pass_time, schedule
from tests.workshop import Person, Workshop


async def findings(shop: Workshop) -> list[Finding]:
    async with shop.database.read() as reader:
        return await examine(reader)


async def break_rows(database: Database, statement: Any) -> None:
    """Change rows behind the program's back, foreign keys notwithstanding."""
    async with database.engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        on_sqlite = connection.dialect.name == "sqlite"
        if on_sqlite:
            await raw.execute("PRAGMA foreign_keys = OFF")
        else:
            await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await connection.execute(statement)
        await connection.commit()
        if on_sqlite:
            await raw.execute("PRAGMA foreign_keys = ON")


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    """Somebody of whom there is something in every table."""
    ana = await workshop.person("Ana Abel", Role.AGENT)
    await workshop.team("Support", ana)
    await workshop.sign_in(ana)
    await workshop.partner(TokenScope.INBOX_READ, creator=ana)
    conversations = [await workshop.conversation(assignee=ana) for _ in range(3)]
    await hang_on(workshop, conversations, ana)
    return ana


async def test_a_life_of_work_breaks_no_law(workshop: Workshop, ana: Person) -> None:
    """Work that somebody inactive keeps, gets by an undo, or had when deleted, is no fault."""
    olivia = workshop.olivia
    theirs = InboxFilter(assigned_to_user_id=ana.id)
    done = await call(workshop, bulk_reassign, olivia, filter=theirs, to=Target((olivia.id,)))
    await workshop.conversation(assignee=ana, status=ConversationStatus.CLOSED)
    await call(workshop, deactivate_user, olivia, user_id=ana.id)
    await call(workshop, undo_bulk_reassign, olivia, operation_id=done.operation_id)
    gus = await workshop.person("Gus", Role.AGENT)
    await workshop.conversation(assignee=gus)
    words = {"user_id": gus.id, "confirmation": gus.email, "reason": DeletionReason.PRIVACY_REQUEST}
    await call(workshop, delete_user, olivia, **words)
    bob = await workshop.person("Bob", Role.AGENT)
    await schedule(workshop, bob)
    await pass_time(workshop, days=1)
    await carry_out_due(workshop.database)
    assert await findings(workshop) == []
    await workshop.database.transact(lambda tx: prune(tx, timedelta(0)))
    await Workshop.open(workshop.database, "other")
    assert await findings(workshop) == []


OWNER, SESSIONS, GAPS, DANGLING, OPERATIONS, OVERDUE = (
    "has an active owner",
    "live session",
    "no gap",
    "Every id of a user or an actor",
    "operation that runs",
    "at the planned time",
)

Break = Callable[[Workshop, Person], Any]


def row_of(model: Any, row_id: Any, **values: Any) -> Any:
    return update(table(model)).where(table(model).c.id == row_id).values(**values)


def of_user(model: type[SQLModel], ana: Person) -> Any:
    """Ana's row belongs to a user who is not there."""
    return update(table(model)).where(table(model).c.user_id == ana.id).values(user_id=new_id())


BREAKS: list[tuple[str, str, Break]] = [
    ("the owner is inactive", OWNER, lambda shop, _: row_of(User, shop.olivia.id, status=UserStatus.INACTIVE, epoch=0)),
    ("the owner never accepted", OWNER, lambda shop, _: row_of(User, shop.olivia.id, pending=True)),
    ("nobody owns it", OWNER, lambda _shop, _: delete(table(UserRole)).where(table(UserRole).c.role == Role.OWNER)),
    ("the user is inactive", SESSIONS, lambda _, ana: row_of(User, ana.id, status=UserStatus.INACTIVE)),
    ("the epoch is another", SESSIONS, lambda _, ana: row_of(User, ana.id, epoch=7)),
    (
        "the session is of nobody",
        SESSIONS,
        lambda _, ana: row_of(UserSession, ana.viewer.session_id, user_id=new_id()),
    ),
    ("an event is missing", GAPS, lambda _shop, _: delete(table(Event)).where(table(Event).c.position == 2)),
    ("the last event is missing", GAPS, lambda _shop, _: delete(table(Event)).where(table(Event).c.position == 3)),
    ("events are missing", GAPS, lambda shop, _: row_of(Workspace, shop.workspace_id, event_position=9)),
    ("pruned events are there", GAPS, lambda shop, _: row_of(Workspace, shop.workspace_id, pruned_position=1)),
    ("all events are missing", GAPS, lambda _shop, _: delete(table(Event))),
    ("a role is of nobody", DANGLING, lambda _shop, ana: of_user(UserRole, ana)),
    ("a member is nobody", DANGLING, lambda _shop, ana: of_user(TeamMember, ana)),
    ("the assignee is nobody", DANGLING, lambda _shop, _: update(table(Conversation)).values(assignee_id=new_id())),
    ("the author is nobody", DANGLING, lambda _shop, _: update(table(Note)).values(author_id=new_id())),
    ("the creator is nobody", DANGLING, lambda _shop, _: update(table(AccessToken)).values(created_by_id=new_id())),
    ("an actor is nobody", DANGLING, lambda _, ana: row_of(Actor, ana.actor_id, user_id=None)),
]


async def three_events(shop: Workshop) -> None:
    for name in ("One", "Two", "Three"):
        who = await shop.person(name, Role.AGENT)
        await call(shop, deactivate_user, shop.olivia, user_id=who.id)


@pytest.mark.parametrize(("law", "breaking"), [each[1:] for each in BREAKS], ids=[each[0] for each in BREAKS])
async def test_what_is_broken_is_found(workshop: Workshop, ana: Person, law: str, breaking: Break) -> None:
    await three_events(workshop)
    assert await findings(workshop) == []
    await break_rows(workshop.database, breaking(workshop, ana))
    found = await findings(workshop)
    assert [each for each in found if law in each.law]
    assert len(found) == 1 or law is OWNER
    assert all(each.remedy and each.places for each in found)


async def test_an_actor_of_another_workspace_is_nobody_here(workshop: Workshop, ana: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    await break_rows(workshop.database, update(table(FollowUp)).values(assignee_id=other.olivia.actor_id))
    (found,) = await findings(workshop)
    assert DANGLING in found.law
    assert str(other.olivia.actor_id) in found.places[0]


async def test_work_of_a_deleted_user_that_nobody_releases(workshop: Workshop, ana: Person) -> None:
    gone = Actor(workspace_id=workshop.workspace_id, kind="USER", reference=new_id())
    async with workshop.database.begin() as tx:
        await tx.add(gone)
    await break_rows(workshop.database, update(table(Conversation)).values(assignee_id=gone.id))
    (found,) = await findings(workshop)
    assert DANGLING in found.law
    assert len(found.places) == 3


async def test_a_user_without_an_actor(workshop: Workshop, ana: Person) -> None:
    await break_rows(workshop.database, row_of(Actor, ana.actor_id, user_id=None, reference=new_id()))
    (found,) = await findings(workshop)
    assert DANGLING in found.law
    assert str(ana.id) in "".join(found.places)


async def by_hand(shop: Workshop, conversation_id: Any, bob: Person) -> None:
    await call(shop, assign_conversation, shop.olivia, conversation_id=conversation_id, to=Target((bob.id,)))


async def in_bulk(shop: Workshop, conversation_id: Any, bob: Person) -> None:
    await call(shop, bulk_reassign, shop.olivia, filter=InboxFilter(ids=[conversation_id]), to=Target((bob.id,)))


@pytest.mark.parametrize("give", [by_hand, in_bulk])
async def test_somebody_inactive_who_got_work(workshop: Workshop, ana: Person, give: Any) -> None:
    bob = await workshop.person("Bob", Role.AGENT)
    await give(workshop, await workshop.conversation(assignee=ana), bob)
    for ago, faults in ((timedelta(0), 0), (timedelta(minutes=1), 1)):
        left = {"status": UserStatus.INACTIVE, "deactivated_at": now() - ago}
        await workshop.change(User, bob.id, **left)
        found = await findings(workshop)
        assert len(found) == faults
    assert "Nobody inactive gets work" in found[0].law
    assert str(bob.id) in found[0].places[0]


async def test_an_operation_that_nobody_works_on(workshop: Workshop) -> None:
    async with workshop.database.begin() as tx:
        for minutes in (1, 10):
            await tx.add(
                BulkOperation(
                    workspace_id=workshop.workspace_id,
                    status=BulkOperationStatus.RUNNING,
                    started_by_id=workshop.olivia.actor_id,
                    started_at=now() - timedelta(minutes=minutes),
                )
            )
    (found,) = await findings(workshop)
    assert OPERATIONS in found.law
    assert len(found.places) == 1


async def test_a_departure_that_nobody_carries_out(workshop: Workshop, ana: Person) -> None:
    await schedule(workshop, ana)
    await pass_time(workshop, days=1)
    assert await findings(workshop) == []
    await pass_time(workshop, minutes=6)
    (found,) = await findings(workshop)
    assert OVERDUE in found.law
    assert str(ana.id) in found.places[0]


async def test_of_many_some_are_named(workshop: Workshop, ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SHOWN", 2)
    sessions = [
        {
            "id": new_id(),
            "workspace_id": workshop.workspace_id,
            "user_id": new_id(),
            "token_hash": str(number),
            "epoch": 0,
            "client": ClientKind.WEB,
            "created_at": now(),
            "last_seen_at": now(),
            "expires_at": now(),
        }
        for number in range(3)
    ]
    await break_rows(workshop.database, insert(table(UserSession)).values(sessions))
    (found,) = await findings(workshop)
    assert (len(found.places), found.more) == (2, True)


OUTLIVE_THE_USER = {"session.user_id", "event.user_id", "event.session_id", "event.access_token_id"}
"""They name who was deleted until they are pruned."""

OF_OPERATIONS = {
    "bulk_operation.lease_owner_id",
    "bulk_chunk.operation_id",
    *(f"assignment.{name}_id" for name in ("conversation", "operation", "from", "to", "by")),
    *(f"follow_up_assignment.{name}_id" for name in ("operation", "follow_up", "from", "to")),
}


def test_every_id_is_looked_at() -> None:
    """Red when a column that names somebody is added and the doctor does not look at it."""
    free = {
        f"{each.name}.{column.name}"
        for each in SQLModel.metadata.sorted_tables
        for column in each.columns
        if isinstance(column.type, Uuid) and not column.foreign_keys and column.name.endswith("_id")
    }
    looked_at = {f"{column.table.name}.{column.name}" for column in doctor.NAMES_ACTOR}
    assert free - OUTLIVE_THE_USER - OF_OPERATIONS == looked_at


def test_every_check_says_what_to_do() -> None:
    assert all(each.law.endswith(".") and each.remedy.endswith(".") and each.statements for each in checks(now()))
