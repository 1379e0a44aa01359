"""Migrations: they build what the models say, and may be applied again."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

import models  # noqa: F401
from models.database import Database
from models.migrate import head, migrate, revision
from tests.records import dump
from tests.workshop import Workshop


@pytest.fixture
async def bare(bare_url: str) -> AsyncIterator[Database]:
    """A database without any table."""
    database = Database(bare_url)
    yield database
    await database.close()


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    found: list[Any] = compare_metadata(context, SQLModel.metadata)
    return found


async def schema(database: Database) -> list[Any]:
    async with database.engine.connect() as connection:
        return list((await connection.exec_driver_sql("SELECT name, sql FROM sqlite_master ORDER BY name")).all())


async def test_the_database_is_what_the_models_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_difference_would_be_found(database: Database) -> None:
    """What the test above rests on."""
    async with database.engine.begin() as connection:
        await connection.execute(text("DROP INDEX note_author"))
        await connection.execute(text("ALTER TABLE note ADD COLUMN mood VARCHAR"))
        kinds = {each[0] for each in await connection.run_sync(differences)}
    assert kinds == {"add_index", "remove_column"}


async def test_migrating_again_changes_nothing(workshop: Workshop) -> None:
    rows, made = await dump(workshop.database), await schema(workshop.database)
    await migrate(workshop.database)
    assert (await dump(workshop.database), await schema(workshop.database)) == (rows, made)


async def test_it_is_known_whether_a_database_is_migrated(bare: Database) -> None:
    assert await revision(bare) is None
    await migrate(bare)
    assert await revision(bare) == head()
