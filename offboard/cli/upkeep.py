"""Commands for whoever operates the service: migrate, restored, doctor and schema."""

import asyncio

import typer
from alembic.util import CommandError

from models.migrate import migrate as apply_migrations
from models.postgresql import Unsuitable
from offboard.cli.frame import Problem, connect, describe, open_database, say, unusable
from offboard.settings import load_settings
from resolvers.doctor import Finding, examine
from resolvers.provisioning import secure_restored


def migrate() -> None:
    """Create the database, or bring it to the schema of this release."""
    settings = load_settings()

    async def work() -> None:
        async with open_database(settings.database_url) as database:
            try:
                await apply_migrations(database)
            except Unsuitable as why:
                raise unusable(settings.database_url, why) from None
            except CommandError:
                raise Problem(
                    "The database belongs to a later release: upgrade Offboard, or restore a backup."
                ) from None

    asyncio.run(work())
    say(f"The database {describe(settings.database_url)} is up to date.")


def restored() -> None:
    """Make a database safe to serve that was restored from a backup.

    Every session ends, reset links are void, and clients are told to fetch anew. Who was deactivated or deleted since
    the backup, and which access token was revoked, it cannot know: do that again.
    """
    settings = load_settings()

    async def work() -> int:
        async with connect(settings.database_url) as database:
            return await database.transact(secure_restored)

    say(f"The restored database is safe to serve. Sessions ended: {asyncio.run(work()):,}.")


def doctor() -> None:
    """Look for what must never be in a database, without changing anything.

    Exits with 0 if nothing is wrong, with 1 and a list of what is, and with 2 if it cannot look.
    """
    settings = load_settings()

    async def work() -> list[Finding]:
        async with connect(settings.database_url, read_only=True) as database, database.read() as reader:
            return await examine(reader)

    findings = asyncio.run(work())
    for each in findings:
        say(f"Broken: {each.law}")
        for place in each.places:
            say(f"  {place}")
        if each.more:
            say("  and more")
        say(f"  What to do: {each.remedy}")
    if findings:
        raise typer.Exit(1)
    say(f"The database {describe(settings.database_url)} keeps every law.")


def schema() -> None:
    """Print the GraphQL schema."""
    from schema.root import schema as graphql_schema

    typer.echo(graphql_schema.as_str())
