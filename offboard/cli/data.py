"""Commands that bring data in: import and demo."""

import asyncio
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from models.database import Database
from offboard.cli.frame import Problem, connect, say
from offboard.settings import load_settings
from resolvers.importing import KINDS, BadLine, Tally, import_lines
from resolvers.provisioning import find_workspace


def import_file(
    workspace: Annotated[str, typer.Option(help="Slug of the workspace to import into.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="One JSON object a line, see docs/import.md.")],
) -> None:
    """Import people and work from another system.

    Running it again is safe: what was imported before is left as it is.
    """
    settings = load_settings()

    async def work() -> Tally:
        async with connect(settings.database_url) as database:
            async with database.read() as reader:
                workspace_id = await find_workspace(reader, workspace)
            try:
                size = file.stat().st_size
                with file.open("rb") as lines:
                    return await _import_with_bar(database, workspace_id, lines, size)
            except OSError as error:
                raise Problem(f"{file} cannot be read: {error.strerror}.") from None

    try:
        tally = asyncio.run(work())
    except BadLine as bad:
        before = f"The first {bad.imported:,} lines are imported." if bad.imported else "Nothing is imported."
        raise Problem(f"{file}, {bad}. {before} Correct the line and run the import again.") from None
    for kind in KINDS:
        created, existing = tally.created[kind], tally.existing[kind]
        say(f"{kind + ':':<14}{created:>9,} created, {existing:>9,} already there")


async def _import_with_bar(database: Database, workspace_id: UUID, lines: BinaryIO, size: int) -> Tally:
    console = Console(stderr=True)
    columns = (TextColumn("Importing"), BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("import", total=size)
        return await import_lines(database, workspace_id, lines, lambda read: progress.advance(bar, read))


def demo() -> None:
    """Make the workspace "demo", with people and conversations to try everything on."""
    # What makes up its people takes a tenth of a second to load, which the other commands need not wait for.
    from resolvers import demo as demonstration

    settings = load_settings()

    async def work() -> bool:
        async with connect(settings.database_url) as database:
            return await demonstration.open_demo(database, hash_cost=settings.password_hash_cost)

    if asyncio.run(work()):
        say("The workspace demo is ready.")
    else:
        say("The workspace demo is there already; nothing was changed.")
    say(
        f"Sign in to workspace {demonstration.SLUG} as olivia@demo.test or omar@demo.test (owners) "
        f"or ana@demo.test (agent), password {demonstration.PASSWORD}"
    )
