"""Building the demo workspace, all in one transaction: it is there whole, or not at all."""

from collections.abc import Iterator

import orjson
from sqlalchemy import select

from models.database import WORKSPACE, Database, Tx, table
from models.enums import ErrorCode
from models.people import Account
from models.types import now
from resolvers.demo.history import tell_history
from resolvers.demo.story import Story
from resolvers.errors import refuse
from resolvers.importing import BATCH_LINES, Line, import_batch, parse_line
from resolvers.passwords import hash_password, verify_password
from resolvers.provisioning import create_workspace

SLUG = "demo"
PASSWORD = "demo-password"

ACCOUNT = table(Account)


async def open_demo(database: Database, *, hash_cost: int) -> bool:
    """Make the demo workspace; False, and nothing changes, if it is there already.

    Refuses with INVALID_CREDENTIALS if one of its addresses has an account with another password.
    """
    async with database.read() as reader:
        if await reader.scalar(select(WORKSPACE.c.id).where(WORKSPACE.c.slug == SLUG)):
            return False
    story = Story(now())
    hashes = await _password_hashes(database, story, hash_cost)

    async def work(tx: Tx) -> bool:
        if await tx.scalar(select(WORKSPACE.c.id).where(WORKSPACE.c.slug == SLUG)):
            return False
        await _build(tx, story, hashes)
        return True

    return await database.transact(work)


async def _password_hashes(database: Database, story: Story, hash_cost: int) -> dict[str, str]:
    """A hash of the demo's password for everybody: the one that the account has, or else a new one."""
    emails = [each.email for each in story.colleagues if each.last_here_at]
    async with database.read() as reader:
        known = {
            row.email: row.password_hash
            for row in await reader.rows(
                select(ACCOUNT.c.email, ACCOUNT.c.password_hash).where(
                    ACCOUNT.c.email.in_(emails), ACCOUNT.c.password_hash.is_not(None)
                )
            )
        }
    for email, password_hash in known.items():
        if not await verify_password(PASSWORD, password_hash):
            raise refuse(ErrorCode.INVALID_CREDENTIALS, f"{email} has an account already, with another password.")
    fresh = await hash_password(PASSWORD, hash_cost)
    return {email: known.get(email, fresh) for email in emails}


async def _build(tx: Tx, story: Story, hashes: dict[str, str]) -> None:
    founder = story.colleagues[0]
    workspace_id = await create_workspace(
        tx,
        slug=SLUG,
        name="Demo",
        owner_email=founder.email,
        owner_name=founder.name,
        password_hash=hashes[founder.email],
    )
    for batch in _batches(story):
        await import_batch(tx, workspace_id, batch)
    await tell_history(tx, workspace_id, story, hashes)


def _batches(story: Story) -> Iterator[list[tuple[int, Line]]]:
    batch: list[tuple[int, Line]] = []
    for number, line in enumerate(story.lines(), 1):
        batch.append((number, parse_line(number, orjson.dumps(line))))
        if len(batch) == BATCH_LINES:
            yield batch
            batch = []
    yield batch
