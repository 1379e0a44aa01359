"""Bringing a database to the schema that this release needs, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from models.database import Database


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the migrations beside this file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this release needs."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    assert revision is not None
    return revision


async def migrate(database: Database) -> None:
    """Apply every migration that the database lacks; nothing if it lacks none. Raises postgresql.Unsuitable."""
    async with database.means.writers.begin() as connection:
        await database.means.prepare_to_migrate(connection)
        await connection.run_sync(lambda inner: command.upgrade(configuration(inner), "head"))
        await database.means.tell_planner(connection)


async def revision(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda inner: MigrationContext.configure(inner).get_current_revision())
