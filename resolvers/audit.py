"""The audit log: who did what to whom."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, false, insert, select, true

from models.database import Reader, Tx, table
from models.enums import AuditAction
from models.log import AuditEntry
from models.types import new_id
from resolvers.actors import actor_named
from resolvers.pages import Order, OrderDirection, Page, PageArgs, read_page, total_count
from resolvers.rows import AuditEntryRow
from resolvers.viewer import Viewer, require
from resolvers.visibility import visible_audit

AUDIT = table(AuditEntry)

_NEWEST_FIRST = Order("audit log", (AUDIT.c.at, AUDIT.c.id), OrderDirection.DESC)


async def record(
    tx: Tx, workspace_id: UUID, action: AuditAction, *, actor_id: UUID, target_id: UUID | None = None, **details: Any
) -> None:
    """Write one entry in the verb's own transaction. Actor and target are actor ids.

    `details` are ids (as text), numbers, times (in ISO 8601) and enum names from which the summary is rendered when it
    is read; never a name, an address or a secret.
    """
    entry = {"id": new_id(), "workspace_id": workspace_id, "at": tx.now, "action": action}
    await tx.run(insert(AUDIT), {**entry, "actor_id": actor_id, "target_id": target_id, "details": details})


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are meant: those that fit everything that is given.

    An empty `action` matches nothing. Actor and target go by the ids that clients know: a user's, an access token's,
    a deleted user's reference. `since` is inclusive, `until` exclusive.
    """

    action: Sequence[AuditAction] | None = None
    actor_id: UUID | None = None
    target_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def audit_page(reader: Reader | Tx, viewer: Viewer, filter: AuditFilter, args: PageArgs) -> Page[AuditEntryRow]:
    """One page of the workspace's audit log, newest first. Raises Forbidden and InvalidCursor."""
    require(viewer.reads_audit)
    return await read_page(reader, _entries(viewer), _NEWEST_FIRST, args, _row, parts=_parts(viewer, filter))


async def count_audit(reader: Reader | Tx, viewer: Viewer, filter: AuditFilter) -> int:
    """How many entries the filter means, exact up to 10,000. Raises Forbidden."""
    require(viewer.reads_audit)
    return await total_count(reader, _entries(viewer), parts=_parts(viewer, filter))


async def audit_entries_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, AuditEntryRow]:
    """Some audit entries that the viewer may see, by id."""
    rows = await reader.rows(_entries(viewer).where(AUDIT.c.id.in_(ids)))
    return {row.id: _row(row) for row in rows}


def _entries(viewer: Viewer) -> Select[Any]:
    return select(AUDIT).where(visible_audit(viewer))


def _parts(viewer: Viewer, filter: AuditFilter) -> list[ColumnElement[bool]]:
    """What the filter means, as read_page() takes it: one part for each action that it names."""
    rest = and_(true(), *_conditions(viewer, filter))
    if filter.action is None:
        return [rest]
    return [rest & (AUDIT.c.action == action) for action in sorted(set(filter.action))] or [false()]


def _conditions(viewer: Viewer, filter: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filter.actor_id is not None:
        conditions.append(AUDIT.c.actor_id == actor_named(filter.actor_id, viewer.workspace_id))
    if filter.target_id is not None:
        conditions.append(AUDIT.c.target_id == actor_named(filter.target_id, viewer.workspace_id))
    if filter.since is not None:
        conditions.append(AUDIT.c.at >= filter.since)
    if filter.until is not None:
        conditions.append(AUDIT.c.at < filter.until)
    return conditions


def _row(row: Row[Any]) -> AuditEntryRow:
    return AuditEntryRow(row.id, row.at, row.action, row.actor_id, row.target_id, row.details)
