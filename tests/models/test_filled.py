"""A database in which an earlier release was used is brought to this one: its rows survive, and read as they did."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, MetaData, Table, column, insert, select
from sqlalchemy import table as bare_table
from sqlmodel import SQLModel

from models.database import Database, table
from models.enums import ConversationStatus, Role
from models.migrate import configuration, migrate
from models.work import Assignment, BulkOperation, FollowUpAssignment
from resolvers import assignments, audit, inbox, operations, threads, users
from resolvers.audit import AuditFilter
from resolvers.bulk import running
from resolvers.doctor import examine
from resolvers.handover import undo_bulk_reassign
from resolvers.holds import place_legal_hold
from resolvers.inbox import InboxFilter, InboxOrder
from resolvers.pages import PageArgs
from resolvers.users import UserFilter, UserOrder
from tests.crowd import hang_on
from tests.records import call
from tests.resolvers.handing_over import hand_over, to
from tests.resolvers.leaving import schedule
from tests.resolvers.running import Node
from tests.workshop import Workshop

BEFORE = ("0001", "0002", "0003", "0005", "0006")
"""Releases with other tables than this one. The one that is left out differs from the next by indexes alone."""

RENAMED = {"reassigned_conversation": Assignment, "reassigned_follow_up": FollowUpAssignment}

COUNTED = 7
"""How often one conversation was handed over."""

OPEN, SNOOZED, CLOSED = ConversationStatus
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def used(workshop: Workshop) -> Workshop:
    """A workspace with something in nearly every table; Ana's work was handed over to Bob."""
    ana, bob = [await workshop.person(name, Role.ADMIN) for name in ("Ana", "Bob")]
    team = await workshop.team("Support", ana, bob)
    await workshop.sign_in(ana)
    held = [await workshop.conversation("Refund", ana, status, team_id=team) for status in (OPEN, SNOOZED)]
    await hang_on(workshop, held, ana)
    await workshop.conversation("Invoice", status=CLOSED, revision=COUNTED)
    await hand_over(workshop, to(bob), assigned_to_user_id=ana.id)
    await schedule(workshop, ana, note="Leaves")
    await call(workshop, place_legal_hold, workshop.olivia, user_id=bob.id, note="Case")
    return workshop


def tables() -> dict[str, Table]:
    """The tables of this release, in an order in which they can be filled."""
    return {each.name: each for each in SQLModel.metadata.sorted_tables}


async def rows_of(database: Database) -> Rows:
    async with database.read() as reader:
        return {
            name: sorted((dict(row._mapping) for row in await reader.rows(select(each))), key=repr)
            for name, each in tables().items()
        }


def make_tables(connection: Connection, revision: str) -> dict[str, list[str]]:
    """The tables of an earlier release, and their columns."""
    command.upgrade(configuration(connection), revision)
    found = MetaData()
    found.reflect(connection)
    return {name: [column.name for column in each.columns] for name, each in found.tables.items()}


async def fill(database: Database, revision: str, rows: Rows) -> dict[str, list[str]]:
    """Put rows into the tables of an earlier release, as far as it has columns for them; which it has."""
    async with database.means.writers.begin() as connection:
        columns = await connection.run_sync(make_tables, revision)
        for name, each in (tables() | {name: table(model) for name, model in RENAMED.items()}).items():
            kept = columns.get(name, [])
            if kept and rows[each.name]:
                into = bare_table(name, *(column(key, each.c[key].type) for key in kept))
                await connection.execute(insert(into), [{key: row[key] for key in kept} for row in rows[each.name]])
        return columns


@dataclass
class Upgraded:
    """A workspace that was used, a copy of it that has come through an earlier release, and which columns that had."""

    used: Workshop
    copy: Workshop
    columns: dict[str, list[str]]


@pytest.fixture(params=BEFORE)
async def upgraded(request: pytest.FixtureRequest, used: Workshop, bare_url: str) -> AsyncIterator[Upgraded]:
    database = Database(bare_url)
    columns = await fill(database, request.param, await rows_of(used.database))
    await migrate(database)
    yield Upgraded(used, replace(used, database=database), columns)
    await database.close()


async def test_rows_survive_and_read_as_they_did(upgraded: Upgraded) -> None:
    before, after = [await rows_of(shop.database) for shop in (upgraded.used, upgraded.copy)]
    check_what_was_kept(upgraded, before, after)
    check_revisions_go_on(upgraded, before, after)
    for name in ("user_role", "team_member"):  # they repeat their users as if they had always done
        assert after[name] == before[name]
    await check_reading(upgraded)


def check_what_was_kept(upgraded: Upgraded, before: Rows, after: Rows) -> None:
    columns = dict(upgraded.columns)
    columns |= {table(new).name: columns[old] for old, new in RENAMED.items() if old in columns}
    survivors = [name for name in after if name in columns and after[name]]
    for name in tables().keys() & columns.keys():
        kept = [[{key: row[key] for key in columns[name]} for row in rows[name]] for rows in (before, after)]
        assert kept[0] == kept[1], name
    assert len(survivors) >= 18


def check_revisions_go_on(upgraded: Upgraded, before: Rows, after: Rows) -> None:
    """They were counted for each row, and are counted for the workspace since."""
    (old,), (new,) = before["workspace"], after["workspace"]
    assert new["revision"] == (old["revision"] if "revision" in upgraded.columns["workspace"] else COUNTED)


async def check_reading(upgraded: Upgraded) -> None:
    """To whom conversations went, and what an operation had done, is kept in other tables since."""
    before, after = [await read_all(shop) for shop in (upgraded.used, upgraded.copy)]
    assert before == after
    assert after["history"]
    assert after["faults"] == []


async def read_all(shop: Workshop) -> dict[str, Any]:
    viewer, page = shop.olivia.viewer, PageArgs()
    async with shop.database.read() as reader:
        conversations = await inbox.inbox_page(reader, viewer, InboxFilter(), InboxOrder(), page)
        ids = [each.id for each in conversations.rows]
        return {
            "conversations": conversations,
            "history": await assignments.assignments_of(reader, viewer, ids, page),
            "notes": await threads.notes_of(reader, viewer, ids, page),
            "follow-ups": await threads.follow_ups_of(reader, viewer, ids),
            "operations": await operations.operations_page(reader, viewer, page),
            "users": await users.users_page(reader, viewer, UserFilter(), UserOrder(), page),
            "audit log": await audit.audit_page(reader, viewer, AuditFilter(), page),
            "faults": await examine(reader),
        }


async def test_an_earlier_hand_over_can_be_undone(upgraded: Upgraded) -> None:
    shop = upgraded.copy
    (handed,) = (await rows_of(shop.database))["bulk_operation"]
    undone = await call(shop, undo_bulk_reassign, shop.olivia, operation_id=handed["id"])
    rows = await rows_of(shop.database)
    assignee = {row["id"]: row["assignee_id"] for name in ("conversation", "follow_up") for row in rows[name]}
    notes = [*rows["assignment"], *rows["follow_up_assignment"]]
    moved = [note for note in notes if note["operation_id"] == handed["id"]]
    assert len(moved) == undone.matched > 0
    for note in moved:
        assert assignee[note.get("conversation_id") or note["follow_up_id"]] == note["from_id"] != note["to_id"]


async def test_an_undo_that_was_under_way_finds_what_is_left(
    used: Workshop, bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What told how far it had come says nothing now, so it begins again."""
    monkeypatch.setattr(running, "AT_ONCE", 0)
    (handed,) = (await rows_of(used.database))["bulk_operation"]
    undo = await call(used, undo_bulk_reassign, used.olivia, operation_id=handed["id"])
    await used.change(BulkOperation, undo.operation_id, state={"after": [str(handed["id"]), None], "conversations": 1})
    database = Database(bare_url)
    await fill(database, "0006", await rows_of(used.database))
    await migrate(database)
    await Node(database).finish_all()
    rows = await rows_of(database)
    assert {row["status"] for row in rows["bulk_operation"]} == {"COMPLETED", "UNDONE"}
    assert [row["skipped"] for row in rows["bulk_operation"]] == [0, 0]
    await database.close()
