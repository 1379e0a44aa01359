"""Statements that are prepared do what they do otherwise, in either kind of transaction."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import JSON, Integer, bindparam, event, select, update

from models.database import Tx, table
from models.enums import ConversationStatus, UserStatus
from models.listed import LISTED
from models.people import User, Workspace
from models.prepared import Prepared
from models.types import Timestamp, now
from models.work import BulkOperation, Conversation
from tests.workshop import Person, Workshop

USER, WORKSPACE, CONVERSATION = table(User), table(Workspace), table(Conversation)
OPEN, SNOOZED, _ = ConversationStatus

EITHER = pytest.mark.parametrize("durable", [True, False])

SNOOZE = Prepared(
    update(CONVERSATION)
    .where(CONVERSATION.c.id.in_(select(LISTED.c.value)), CONVERSATION.c.status == OPEN)
    .values(
        status=bindparam("status", type_=CONVERSATION.c.status.type),
        snoozed_until=bindparam("until", type_=Timestamp()),
        revision=CONVERSATION.c.revision + bindparam("step", type_=Integer()),
        team_id=bindparam("team", type_=CONVERSATION.c.team_id.type),
        subject="Asleep",
    )
)


@EITHER
async def test_values_are_stored_as_always(workshop: Workshop, durable: bool) -> None:
    made = [await workshop.conversation() for _ in range(3)]
    until, team = now() + timedelta(days=2), await workshop.team("Support")
    values = {"ids": made[:2], "status": SNOOZED, "until": until, "step": 3, "team": team}
    assert await workshop.database.transact(lambda tx: tx.change(SNOOZE, values), durable=durable) == 2
    again = {**values, "ids": [*made, uuid4()], "team": None}
    assert await workshop.database.transact(lambda tx: tx.change(SNOOZE, again), durable=durable) == 1
    rows = [await workshop.load(Conversation, id=each) for each in made]
    assert [(row.status, row.snoozed_until, row.revision, row.subject) for row in rows] == [
        (SNOOZED, until, 3, "Asleep")
    ] * 3
    assert [row.team_id for row in rows] == [team, team, None]


NEXT = Prepared(
    update(WORKSPACE)
    .where(WORKSPACE.c.id == bindparam("workspace"))
    .values(revision=WORKSPACE.c.revision + 1)
    .returning(WORKSPACE.c.revision)
)


@EITHER
async def test_what_was_changed_is_returned(workshop: Workshop, durable: bool) -> None:
    async def draw(workspace_id: UUID) -> Any:
        return await workshop.database.transact(
            lambda tx: tx.changed(NEXT, {"workspace": workspace_id}), durable=durable
        )

    assert [await draw(workshop.workspace_id) for _ in range(2)] == [1, 2]
    assert await draw(uuid4()) is None
    assert (await workshop.load(Workspace, id=workshop.workspace_id)).revision == 2


@EITHER
async def test_what_fails_afterwards_takes_it_back(workshop: Workshop, durable: bool) -> None:
    async def work(tx: Tx) -> None:
        assert await tx.changed(NEXT, {"workspace": workshop.workspace_id}) == 1
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            await workshop.database.transact(work, durable=durable)
    assert (await workshop.load(Workspace, id=workshop.workspace_id)).revision == 0


@EITHER
async def test_objects_that_were_changed_beside_it_are_stored(workshop: Workshop, ana: Person, durable: bool) -> None:
    """A session is opened for them, and written down at the end."""

    async def work(tx: Tx) -> None:
        user = await tx.get(User, id=ana.id)
        assert user is not None
        user.status = UserStatus.INACTIVE
        await tx.changed(NEXT, {"workspace": workshop.workspace_id})

    await workshop.database.transact(work, durable=durable)
    assert (await workshop.load(User, id=ana.id)).status is UserStatus.INACTIVE


@pytest.mark.only_on("sqlite")
async def test_in_its_connections_thread_the_driver_is_asked_at_once(workshop: Workshop) -> None:
    """SQLAlchemy is not: to do without it is what it is for."""
    statements: list[str] = []
    means: Any = workshop.database.means
    for engine in (means.engine, means._hasty):
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2].split()[0]))
    values = {"workspace": workshop.workspace_id}
    await workshop.database.transact(lambda tx: tx.changed(NEXT, values), durable=False)
    assert statements == ["BEGIN"]
    await workshop.database.transact(lambda tx: tx.changed(NEXT, values))
    assert statements == ["BEGIN", "BEGIN", "UPDATE"]


def test_a_list_must_be_one_parameter() -> None:
    with pytest.raises(ValueError, match=r"models\.listed"):
        Prepared(update(USER).where(USER.c.id.in_([uuid4(), uuid4()])).values(epoch=1))


def test_its_names_are_what_must_be_given() -> None:
    assert SNOOZE.names == {"ids", "status", "until", "step", "team"}
    state = bindparam("state", type_=JSON())
    assert Prepared(update(table(BulkOperation)).values(state=state, matched=4)).names == {"state"}
