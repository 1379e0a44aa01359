"""Departures that are scheduled, and time that passes for them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from models.database import Database, Reader, table
from models.leaving import ScheduledDeparture
from models.types import now
from resolvers.departing import carry_out, due_departures
from resolvers.departures import schedule_departure
from tests.records import call
from tests.workshop import Person, Workshop

DAY = timedelta(days=1)
DEPARTURE = table(ScheduledDeparture)


def in_days(days: float) -> datetime:
    return now() + days * DAY


async def schedule(shop: Workshop, who: Person, by: Person | None = None, **words: Any) -> Any:
    """Schedule a departure for tomorrow, unless `words` say otherwise."""
    return await call(shop, schedule_departure, by or shop.olivia, user_id=who.id, **({"at": in_days(1)} | words))


async def pending(shop: Workshop, who: Person) -> Any:
    """The departure as it is stored, or None."""
    return await shop.load(ScheduledDeparture, user_id=who.id)


async def pass_time(shop: Workshop, **by: float) -> None:
    """Let time pass for everything that is scheduled."""
    span = timedelta(**by)
    async with shop.database.begin() as tx:
        for row in await tx.rows(DEPARTURE.select()):
            times = {name: row._mapping[name] for name in ("at", "return_at", "due_at", "departed_at")}
            earlier = {name: moment and moment - span for name, moment in times.items()}
            await tx.run(update(DEPARTURE).where(DEPARTURE.c.id == row.id).values(**earlier))


async def carry_out_due(database: Database) -> int:
    """Do once what the clock does, until nothing is due; says how much was."""
    done = 0
    while due := await _due(database):
        for each in due:
            await database.transact(lambda tx: carry_out(tx, each))  # noqa: B023
            done += 1
    return done


async def _due(database: Database) -> Any:
    reader: Reader
    async with database.read() as reader:
        return await due_departures(reader)
