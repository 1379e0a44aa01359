"""Commands that put people in: create-workspace and create-user."""

import asyncio
from typing import Annotated

import typer

from models.database import Database
from models.enums import Role
from offboard.cli.frame import connect, read_password, say
from offboard.settings import Settings, load_settings
from resolvers.provisioning import create_user as put_user_in
from resolvers.provisioning import create_workspace as open_workspace
from resolvers.provisioning import password_hash_for

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


def create_workspace(
    slug: Annotated[str, typer.Option(help="Short name, used to sign in: lower-case letters, digits, hyphens.")],
    name: Annotated[str, typer.Option(help="Name that people read.")],
    owner_email: Annotated[str, typer.Option(help="Address of its first owner.")],
    owner_name: Annotated[str, typer.Option(help="Name of its first owner.")],
    password_stdin: PasswordStdin = False,
) -> None:
    """Open a workspace with its first owner, who can sign in at once."""
    settings = load_settings()

    async def work() -> None:
        async with connect(settings.database_url) as database:
            password_hash = await _hash_of_password(
                database, settings, password_stdin, owner_email, [owner_name, slug, name]
            )
            await database.transact(
                lambda tx: open_workspace(
                    tx,
                    slug=slug,
                    name=name,
                    owner_email=owner_email,
                    owner_name=owner_name,
                    password_hash=password_hash,
                )
            )

    asyncio.run(work())
    say(f"Workspace {slug} is open. {owner_email} can sign in as its owner.")


def create_user(
    workspace: Annotated[str, typer.Option(help="Slug of the workspace.")],
    email: Annotated[str, typer.Option(help="Address to sign in with.")],
    name: Annotated[str, typer.Option(help="Name that people read.")],
    roles: Annotated[list[Role], typer.Option("--role", case_sensitive=False, help="One or more, repeated.")],
    teams: Annotated[list[str] | None, typer.Option("--team", help="Name of an existing team; may repeat.")] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Put a user into a workspace, active at once: no invitation is mailed."""
    settings = load_settings()

    async def work() -> None:
        async with connect(settings.database_url) as database:
            password_hash = await _hash_of_password(database, settings, password_stdin, email, [name, workspace])
            await database.transact(
                lambda tx: put_user_in(
                    tx,
                    workspace=workspace,
                    email=email,
                    name=name,
                    roles=roles,
                    teams=teams or [],
                    password_hash=password_hash,
                )
            )

    asyncio.run(work())
    say(f"{email} can sign in to workspace {workspace}.")


async def _hash_of_password(
    database: Database, settings: Settings, password_stdin: bool, email: str, context: list[str]
) -> str:
    password = read_password(password_stdin)
    async with database.read() as reader:
        return await password_hash_for(
            reader, email=email, password=password, context=context, cost=settings.password_hash_cost
        )
