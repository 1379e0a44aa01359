"""Running commands of the command line in this process."""

import asyncio
from collections.abc import Callable

from sqlalchemy import text
from typer.testing import Result

from models.database import Database

PASSWORD = "correct horse battery"
WORKSPACE = ["create-workspace", "--slug", "acme", "--name", "Acme", "--owner-email", "o@acme.test"]
OWNER = [*WORKSPACE, "--owner-name", "Olivia Owens"]
USER = ["create-user", "--workspace", "acme", "--email", "ana@acme.test", "--name", "Ana Ruiz", "--role", "AGENT"]

Run = Callable[..., Result]


def refused(result: Result) -> str:
    """The one line on stderr of a command that was used badly."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def change(url: str, statement: str, *, outside_of_a_transaction: bool = False) -> None:
    """Execute a statement, behind the program's back."""

    async def work() -> None:
        database = Database(url)
        engine = database.engine
        if outside_of_a_transaction:
            engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await database.close()

    asyncio.run(work())
