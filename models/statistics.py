"""What SQLite's planner is told of the tables: how many rows share the values of an index's first columns.

SQLite does not look by itself (PostgreSQL does), and would take a workspace for a few rows: it would read all of it to
find ten by their ids. So it is told once, by `migrate`, of a large installation in which a workspace has a tenth of
everything. A plan that is good there is good enough in a small one, and it does not change from day to day.
"""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Connection

ROWS = 1_000_000
IN_PART = 100_000
"""So many rows are in an index that has only some: where one with all would do as well, it is the shorter."""

DISTINCT = (
    {"workspace_id": 10, "pending": 2, "status": 3, "kind": 3, "action": 20, "team_id": 50}
    | dict.fromkeys(("assignee_id", "actor_id", "target_id", "author_id", "handled_by_id"), 500)
    | {"started_by_id": 500, "operation_id": 1_000, "role": 1_000, "word": 20_000, "ended_at": 2}
)
"""How many values a column has; one that is not here has another in each row. The role asked for is mostly OWNER.

Most sessions have not ended, and are alike in that.
"""

_COLUMNS = """
SELECT tables.name, CASE WHEN tables.wr AND indexes.origin = 'pk' THEN tables.name ELSE indexes.name END,
    indexes.partial, columns.name
FROM pragma_table_list AS tables, pragma_index_list(tables.name) AS indexes, pragma_index_info(indexes.name) AS columns
WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite_%' AND tables.name <> 'alembic_version'
ORDER BY tables.name, 2, columns.seqno
"""


def tell_planner(connection: Connection) -> None:
    """Write the statistics of every index that the database has, in the form in which ANALYZE does."""
    rows = connection.exec_driver_sql(_COLUMNS).all()
    connection.exec_driver_sql("ANALYZE alembic_version")  # makes the table of statistics
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    for (table, index, partial), columns in groupby(rows, key=lambda row: tuple(row[:3])):
        size = IN_PART if partial else ROWS
        counts = " ".join(str(count) for count in (size, *_sharing(size, (row[3] for row in columns))))
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, index, counts))


def _sharing(left: int, columns: Iterator[str]) -> Iterator[int]:
    for column in columns:
        left = max(1, left // DISTINCT.get(column, ROWS))
        yield left
