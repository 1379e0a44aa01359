"""What a test sees of the SQL that runs: the statements themselves, and how the engine would find their rows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

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

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, many: bool) -> None:
        if _BLOCK.get() is seen and not sql.startswith("BEGIN"):
            seen.append(Statement(sql, parameters[0] if many else parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        _BLOCK.reset(token)
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


class Plans(Protocol):
    """How an engine would find the rows of a statement in a large installation."""

    async def scans(self, statement: Statement) -> list[str]:
        """The steps that would read the whole of a large table."""

    async def indexes(self, statement: Statement) -> list[str]:
        """The indexes along which rows are found; a primary key is named TABLE_pkey."""

    async def sorts(self, statement: Statement) -> bool:
        """Whether rows are put in order, rather than found in it."""

    async def walks(self, statement: Statement) -> list[str]:
        """The steps that would read whatever a workspace has in a table."""


class SqlitePlans:
    """SQLite chooses without knowing how large tables are, so any database will do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def scans(self, statement: Statement) -> list[str]:
        steps = await self._steps(statement)
        return [step for step in steps if step.startswith("SCAN") and not step.startswith(_ITS_OWN)]

    async def indexes(self, statement: Statement) -> list[str]:
        found = [_SEARCH.match(step) for step in await self._steps(statement)]
        return [match["index"] or f"{match['table']}_pkey" for match in found if match]

    async def sorts(self, statement: Statement) -> bool:
        return any("TEMP B-TREE FOR ORDER BY" in step for step in await self._steps(statement))

    async def walks(self, statement: Statement) -> list[str]:
        return [step for step in await self._steps(statement) if step.endswith("(workspace_id=?)")]

    async def _steps(self, statement: Statement) -> list[str]:
        async with self._database.engine.connect() as connection:
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)
            return [row.detail for row in rows]


_ITS_OWN = (
    "SCAN active",
    "SCAN counted",
    "SCAN (subquery",
    "SCAN CONSTANT ROW",
    "SCAN anon_",
    "SCAN value VIRTUAL TABLE",
)
"""Scans of what the statement itself has made: no longer than its own answer."""

_SEARCH = re.compile(r"SEARCH (?P<table>\w+) USING (?:(?:COVERING )?INDEX (?P<index>\w+)|PRIMARY KEY)")


class PostgresqlPlans:
    """PostgreSQL chooses by statistics: asked on a large database in which the test's workspace has a tenth of all."""

    def __init__(self, large: Database) -> None:
        self._large = large

    async def scans(self, statement: Statement) -> list[str]:
        steps = [step for plan in await self._plans(statement) for step in plan]
        whole = [step["Relation Name"] for step in steps if step["Node Type"] == "Seq Scan"]
        return [name for name in whole if name not in _SMALL]

    async def indexes(self, statement: Statement) -> list[str]:
        first, *_ = await self._plans(statement)
        return [step["Index Name"] for step in first if "Index Name" in step]

    async def sorts(self, statement: Statement) -> bool:
        first, *_ = await self._plans(statement)
        return any("Sort" in step["Node Type"] for step in first)

    async def walks(self, _statement: Statement) -> list[str]:
        return []  # it counts for itself when that is the shorter way

    async def _plans(self, statement: Statement) -> list[list[dict[str, Any]]]:
        """The steps of the plan for these parameters, and of the one for any, to which the server may turn."""
        async with self._large.engine.connect() as connection:
            await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
            await connection.exec_driver_sql(f"PREPARE asked AS {statement.sql}")
            anything = ", ".join(["NULL"] * len(statement.parameters))
            asked = f"({anything})" if anything else ""
            answers = [
                await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement.sql}", statement.parameters),
                await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) EXECUTE asked {asked}"),
            ]
            await connection.exec_driver_sql("DEALLOCATE asked")
            return [list(_steps(answer.scalar_one()[0]["Plan"])) for answer in answers]


_SMALL = ("workspace", "installation")


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _steps(inner)
