"""What a test reads back: every row there is, and what calling a verb changed, refused or wrote down."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlmodel import SQLModel

from models.database import Database, Tx, table
from models.enums import RevocationReason
from models.log import AuditEntry, Event
from resolvers.errors import Forbidden, Refusal, Refused, Unauthenticated
from resolvers.viewer import authenticate
from tests.workshop import Person, Workshop

Verb = Callable[..., Awaitable[Any]]
Dump = dict[str, list[tuple[Any, ...]]]


async def call(shop: Workshop, verb: Verb, caller: Person, **words: Any) -> Any:
    """Call a verb as somebody, in a transaction of its own."""
    return await shop.database.transact(lambda tx: verb(tx, caller.viewer, **words))


async def refused(shop: Workshop, verb: Verb, caller: Person, **words: Any) -> Refusal:
    """The one reason why a verb refuses; no row of the whole database may have changed."""
    before = await dump(shop.database)
    with pytest.raises(Refused) as caught:
        await call(shop, verb, caller, **words)
    assert await dump(shop.database) == before
    (refusal,) = caught.value.refusals
    return refusal


async def unchanged(shop: Workshop, verb: Verb, caller: Person, **words: Any) -> Any:
    """Call a verb that has nothing to do: what it answers, no row of the whole database having changed."""
    before = await dump(shop.database)
    answer = await call(shop, verb, caller, **words)
    assert await dump(shop.database) == before
    return answer


class _TakenBack(Exception):
    """Rolls a transaction back that has been seen to succeed."""


async def outcome(shop: Workshop, verb: Verb, caller: Person, **words: Any) -> str:
    """What calling a verb comes to: "yes", "FORBIDDEN" or the code of its refusal. Nothing of it stays."""

    async def work(tx: Tx) -> None:
        await verb(tx, caller.viewer, **words)
        raise _TakenBack

    try:
        await shop.database.transact(work)
    except _TakenBack:
        return "yes"
    except Forbidden:
        return "FORBIDDEN"
    except Refused as refusal:
        return " ".join(each.code for each in refusal.refusals)
    raise AssertionError


async def dump(database: Database) -> Dump:
    """Every row of every table, as the driver reads it."""
    async with database.engine.connect() as connection:
        return {
            each.name: sorted(map(tuple, await connection.exec_driver_sql(f'SELECT * FROM "{each.name}"')), key=repr)
            for each in SQLModel.metadata.tables.values()
        }


def of_workspace(rows: Dump, shop: Workshop) -> Dump:
    """The rows of a dump that carry a workspace's id."""
    ids = (shop.workspace_id, shop.workspace_id.hex)
    return {name: [row for row in found if any(each in ids for each in row)] for name, found in rows.items()}


async def audit_rows(shop: Workshop) -> list[Any]:
    """The workspace's audit entries, oldest first."""
    rows = table(AuditEntry)
    async with shop.database.read() as reader:
        found = select(rows).where(rows.c.workspace_id == shop.workspace_id).order_by(rows.c.at, rows.c.id)
        return list(await reader.rows(found))


async def event_rows(shop: Workshop) -> list[Any]:
    """The workspace's events, in order; their positions must have no gap."""
    rows = table(Event)
    async with shop.database.read() as reader:
        found = list(
            await reader.rows(select(rows).where(rows.c.workspace_id == shop.workspace_id).order_by(rows.c.position))
        )
    assert [row.position for row in found] == list(range(1, len(found) + 1))
    return found


async def why_signed_out(shop: Workshop, secret: str) -> RevocationReason | None:
    """Why a bearer secret works no longer; fails if it works."""
    async with shop.database.read() as reader:
        with pytest.raises(Unauthenticated) as caught:
            await authenticate(reader, secret)
    return caught.value.reason


@contextmanager
def changes(database: Database) -> Iterator[list[tuple[str, int]]]:
    """Collects every statement that changes rows, with how many it changed."""
    seen: list[tuple[str, int]] = []

    def note(_connection: Any, cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            seen.append((sql, cursor.rowcount))

    event.listen(database.engine.sync_engine, "after_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "after_cursor_execute", note)
