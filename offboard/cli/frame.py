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
            fail(f"The database cannot be used: {error.orig}.")
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


def open_database(url: str) -> Database:
    """The database behind a URL; raises Problem if its file cannot be opened, or is none."""
    # Tried here first: a connection that fails on the loop leaves a thread behind, which may outlive the loop.
    file = database_file(url)
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise Problem(f"The database {file} cannot be used: {error}.") from None
    return Database(url)


def database_file(url: str) -> Path:
    """The file of a database."""
    return Path(make_url(url).database or "")


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Database]:
    """The migrated database behind a URL; raises Problem if it is not there, or not of this release."""
    unmigrated = Problem('The database is not migrated. Run "offboard migrate" first.')
    if not _exists(url):
        raise unmigrated
    database = open_database(url)
    try:
        if await revision(database) != head():
            raise unmigrated
        yield database
    finally:
        await database.close()


def _exists(url: str) -> bool:
    """Whether the database's file is there: opening a missing one would make it."""
    return database_file(url).exists()


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
