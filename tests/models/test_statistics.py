"""What SQLite's planner is told of the tables."""

import pytest

from models.database import Database
from models.migrate import migrate

pytestmark = pytest.mark.only_on("sqlite")


async def told(database: Database) -> dict[str, list[int]]:
    async with database.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT tbl, idx, stat FROM sqlite_stat1")
        return {row.idx or row.tbl: [int(number) for number in row.stat.split()] for row in rows}


async def test_every_index_is_known_to_the_planner(database: Database) -> None:
    known = await told(database)
    async with database.engine.connect() as connection:
        indexes = await connection.exec_driver_sql(
            "SELECT tables.name AS tbl, indexes.name, indexes.origin, tables.wr FROM pragma_table_list AS tables, "
            "pragma_index_list(tables.name) AS indexes WHERE tables.name NOT IN ('alembic_version', 'sqlite_stat1')"
        )
        expected = {row.tbl if row.wr and row.origin == "pk" else row.name for row in indexes}
    assert set(known) == expected


async def test_a_workspace_is_taken_to_have_much_and_an_id_to_be_one_row(database: Database) -> None:
    known = await told(database)
    assert known["conversation_assignee_updated"] == [1_000_000, 100_000, 200, 66, 1, 1]
    assert known["sqlite_autoindex_conversation_1"] == [1_000_000, 1]


async def test_an_index_of_some_rows_is_taken_to_be_shorter(database: Database) -> None:
    known = await told(database)
    assert known["conversation_team_unassigned_updated"] == [100_000, 10_000, 200, 66, 1, 1]


async def test_migrating_again_tells_the_same(database: Database) -> None:
    before = await told(database)
    await migrate(database)
    assert await told(database) == before
