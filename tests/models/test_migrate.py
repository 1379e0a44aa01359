"""Migrations: they build what the models say, and may be applied again."""

import asyncio
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


async def test_the_database_is_what_the_models_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_difference_would_be_found(database: Database) -> None:
    """What the test above rests on."""
    async with database.engine.connect() as connection:
        await connection.execute(text("DROP INDEX note_author"))
        await connection.execute(text("ALTER TABLE note ADD COLUMN mood VARCHAR"))
        kinds = {each[0] for each in await connection.run_sync(differences)}
        await connection.rollback()
    assert kinds == {"add_index", "remove_column"}


async def test_migrating_again_changes_nothing(workshop: Workshop) -> None:
    before = await dump(workshop.database)
    await migrate(workshop.database)
    assert await dump(workshop.database) == before
    async with workshop.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_it_is_known_whether_a_database_is_migrated(bare: Database) -> None:
    assert await revision(bare) is None
    await migrate(bare)
    assert await revision(bare) == head()


async def test_several_may_migrate_at_once(bare: Database, bare_url: str) -> None:
    """Red on PostgreSQL without the lock, and on SQLite when it begins with BEGIN."""
    others = [Database(bare_url) for _ in range(3)]
    await asyncio.gather(*(migrate(each) for each in (bare, *others)))
    assert await revision(bare) == head()
    for each in others:
        await each.close()
