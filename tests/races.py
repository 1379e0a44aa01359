"""Races with real concurrency: two nodes, each with connections of its own to one database."""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

from sqlalchemy import text, update

from models.database import Tx, table
from models.enums import UserStatus
from models.people import User, UserSession
from resolvers.errors import Refused, Unauthenticated
from tests.waiting import eventually
from tests.workshop import Workshop

ROUNDS = 100
FEWER_ROUNDS = 25
"""For races that need new rows each time."""


async def together(*work: Awaitable[Any]) -> list[Any]:
    """Run everything at once, beginning in any order; outcomes and refusals in the order given."""

    async def begin(each: Awaitable[Any]) -> Any:
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        return await each

    outcomes = await asyncio.gather(*map(begin, work), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refused | Unauthenticated):
            raise outcome
    return outcomes


def refusals(outcomes: list[Any]) -> list[str]:
    """The codes of those who were refused."""
    return [refusal.code for each in outcomes if isinstance(each, Refused) for refusal in each.refusals]


async def rewind(shop: Workshop) -> None:
    """Let everybody be active again, and every session alive: the next round begins as the last one did."""
    users, sessions = table(User), table(UserSession)
    async with shop.database.begin() as tx:
        await tx.run(update(users).values(status=UserStatus.ACTIVE, epoch=0))
        await tx.run(update(sessions).values(ended_at=None, end_reason=None))


async def until_it_waits(tx: Tx, task: asyncio.Task[Any]) -> None:
    """On PostgreSQL: return once a task waits for a lock of this transaction; fail if it ends without."""
    waiting = text("SELECT true FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")

    async def look() -> bool | None:
        return task.done() or await tx.scalar(waiting)

    await eventually(look)
    assert not task.done()
