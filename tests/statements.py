"""What a test sees of the SQL that runs: the statements themselves, and how SQLite would find their rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from models.database import Database


@dataclass(frozen=True)
class Statement:
    """One statement as it went to the driver."""

    sql: str
    parameters: Any


_BLOCK: ContextVar[object] = ContextVar("block", default=None)


@contextmanager
def watched(database: Database) -> Iterator[list[Statement]]:
    """Collects every statement but BEGIN that the block causes; what runs in the background beside it is left out."""
    seen: list[Statement] = []
    token = _BLOCK.set(seen)

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, _many: bool) -> None:
        if _BLOCK.get() is seen and not sql.startswith("BEGIN"):
            seen.append(Statement(sql, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        _BLOCK.reset(token)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def plan(database: Database, statement: Statement) -> list[str]:
    """The steps of SQLite's EXPLAIN QUERY PLAN."""
    async with database.engine.connect() as connection:
        found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)
        return [row.detail for row in found]


SMALL = ("SCAN counted", "SCAN (subquery", "SCAN CONSTANT ROW", "SCAN anon_")
"""Scans of what the statement itself has made: no longer than its own answer."""


async def scans(database: Database, statement: Statement) -> list[str]:
    """The steps that would read a whole table."""
    return [step for step in await plan(database, statement) if step.startswith("SCAN") and not step.startswith(SMALL)]
