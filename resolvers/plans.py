"""Reading what is planned for users: departures, coming deletions, and the legal holds that forbid these."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from models.database import Reader, Tx, table
from models.enums import DepartureState
from models.leaving import AnnouncedDeletion, LegalHold, ScheduledDeparture
from resolvers import authority
from resolvers.pages import Order, OrderDirection, Page, PageArgs, read_page, total_count
from resolvers.rows import LegalHoldRow, ScheduledDepartureRow
from resolvers.viewer import Viewer, require
from resolvers.visibility import visible_announcements, visible_departures, visible_holds

ANNOUNCED = table(AnnouncedDeletion)
DEPARTURE = table(ScheduledDeparture)
HOLD = table(LegalHold)

_SOONEST_FIRST = Order("scheduled departures", (DEPARTURE.c.at, DEPARTURE.c.id), OrderDirection.ASC)


async def departures_page(reader: Reader | Tx, viewer: Viewer, args: PageArgs) -> Page[ScheduledDepartureRow]:
    """One page of the pending departures of those whom the viewer may deactivate, by `at`.

    Raises Forbidden and InvalidCursor.
    """
    require(viewer.manages_users)
    return await read_page(reader, select(DEPARTURE).where(visible_departures(viewer)), _SOONEST_FIRST, args, _row)


async def count_departures(reader: Reader | Tx, viewer: Viewer) -> int:
    """How many departures_page() has, exact up to 10,000. Raises Forbidden."""
    require(viewer.manages_users)
    return await total_count(reader, select(DEPARTURE.c.id).where(visible_departures(viewer)))


async def departures_by_id(
    reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]
) -> dict[UUID, ScheduledDepartureRow]:
    """Some pending departures that the viewer may see, by id."""
    rows = await reader.rows(select(DEPARTURE).where(visible_departures(viewer), DEPARTURE.c.id.in_(ids)))
    return {row.id: _row(row) for row in rows}


async def departures_of(
    reader: Reader | Tx, viewer: Viewer, user_ids: Collection[UUID]
) -> dict[UUID, ScheduledDepartureRow]:
    """The pending departure of each user that has one which the viewer may see."""
    rows = await reader.rows(select(DEPARTURE).where(visible_departures(viewer), DEPARTURE.c.user_id.in_(user_ids)))
    return {row.user_id: _row(row) for row in rows}


async def holds_of(reader: Reader | Tx, viewer: Viewer, user_ids: Collection[UUID]) -> dict[UUID, LegalHoldRow]:
    """The legal hold on each user that has one which the viewer may see."""
    rows = await reader.rows(select(HOLD).where(visible_holds(viewer), HOLD.c.user_id.in_(user_ids)))
    return {row.user_id: LegalHoldRow(row.placed_at, row.placed_by_id, row.note) for row in rows}


async def deletions_of(reader: Reader | Tx, viewer: Viewer, user_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When each user is to be deleted whose deletion was announced, of those that the viewer may know of."""
    rows = await reader.rows(select(ANNOUNCED).where(visible_announcements(viewer), ANNOUNCED.c.user_id.in_(user_ids)))
    return {row.user_id: row.delete_at for row in rows}


def _row(row: Row[Any]) -> ScheduledDepartureRow:
    return ScheduledDepartureRow(
        id=row.id,
        user_id=row.user_id,
        scheduled_by_id=row.scheduled_by_id,
        scheduled_at=row.scheduled_at,
        at=row.at,
        return_at=row.return_at,
        reason=row.reason,
        note=row.note,
        hand_over_to=None if row.hand_over_to is None else [UUID(text) for text in row.hand_over_to],
        revoke_access_tokens=row.revoke_access_tokens,
        state=_state(row),
        due_at=row.due_at,
        failure=None if row.failure_code is None else authority.SOLE_OWNER,
    )


def _state(row: Row[Any]) -> DepartureState:
    if row.departed_at is not None:
        return DepartureState.AWAY
    return DepartureState.PLANNED if row.failure_code is None else DepartureState.FAILING
