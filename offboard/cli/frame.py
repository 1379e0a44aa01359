"""What every command shares: bad use ends in one clear line and exit code 2, never in a traceback."""

import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer.core import TyperGroup

from models.database import Database
from models.migrate import head, revision
from models.sqlite import read_only_name
from offboard.settings import InvalidSetting
from resolvers.errors import Refused

BAD_USE = 2


class Problem(Exception):
    """A command cannot do what was asked; the message says why, and what to do."""


class Commands(TyperGroup):
    """The group of all commands, which turns every foreseen exception into one line on stderr."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command line and exit."""
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)
        except NoArgsIsHelpError as asked:
            typer.echo(asked.format_message(), err=True)
            sys.exit(BAD_USE)
        except ClickException as error:
            fail(error.format_message())
        except (Problem, InvalidSetting, Refused) as error:
            fail(str(error))
        except DBAPIError as error:
            fail(f"The database cannot be used: {_why(error)}.")
        except typer.Abort:
            fail("Stopped.")
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str) -> NoReturn:
    """Say one line on stderr and exit with code 2."""
    typer.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(BAD_USE)


def say(message: str) -> None:
    """Say one line on stdout, as it is: no markup, no wrapping."""
    Console(soft_wrap=True, markup=False, highlight=False).print(message)


@asynccontextmanager
async def connect(url: str, *, read_only: bool = False) -> AsyncIterator[Database]:
    """The migrated database behind a URL; raises Problem if it is not there, or not of this release."""
    unmigrated = Problem('The database is not migrated. Run "offboard migrate" first.')
    file = _file(url)
    # Opening a file that is missing would make it.
    if file is not None and not file.exists():
        raise unmigrated
    async with open_database(url, read_only=read_only) as database:
        if await revision(database) != head():
            raise unmigrated
        yield database


@asynccontextmanager
async def open_database(url: str, *, read_only: bool = False) -> AsyncIterator[Database]:
    """The database behind a URL, in whatever state; raises Problem if it cannot be opened, or is none."""
    if file := _file(url):
        _try_file(file, read_only=read_only)
    database = Database(url, read_only=read_only)
    try:
        try:
            await database.ping()
        except DBAPIError as error:
            raise unusable(url, _why(error)) from None
        yield database
    finally:
        await database.close()


def unusable(url: str, why: object) -> Problem:
    """What to raise about a database that cannot be used."""
    return Problem(f"The database {describe(url)} cannot be used: {why}.")


def describe(url: str) -> str:
    """Which database it is, without user and password."""
    parts = make_url(url)
    if file := _file(url):
        return str(file)
    return f"{parts.database} on {parts.host or parts.query.get('host') or 'this machine'}:{parts.port or 5432}"


def _file(url: str) -> Path | None:
    parts = make_url(url)
    return Path(parts.database or "") if parts.get_backend_name() == "sqlite" else None


def _try_file(file: Path, *, read_only: bool) -> None:
    # A connection that fails on the loop leaves a thread behind, which may outlive the loop.
    try:
        name = read_only_name(str(file)) if read_only else str(file)
        with closing(sqlite3.connect(name, uri=read_only)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise Problem(f"The database {file} cannot be used: {error}.") from None


def _why(error: DBAPIError) -> str:
    if getattr(error.orig, "sqlstate", None) == _NO_SUCH_DATABASE:
        return "the server has no such database. Make it first, as docs/operations.md says"
    return str(error.orig)


_NO_SUCH_DATABASE = "3D000"


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def read_password(from_stdin: bool) -> str:
    """A new password: the first line of standard input, or typed twice at a hidden prompt."""
    if not from_stdin:
        if not is_terminal():
            raise Problem("There is no terminal to ask for the password: use --password-stdin.")
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Problem("The password on standard input is not UTF-8.") from None
    if not password:
        raise Problem("The first line of standard input is empty: it must be the password.")
    return password
