"""Reading what hangs on conversations: notes, follow-ups, CSAT answers; for any number of them in one statement."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, or_, select, true

from models.database import Reader, Tx, table
from models.work import Conversation, CsatResponse, FollowUp, Note
from resolvers.pages import COUNTED_EXACTLY, Order, OrderDirection, Page, PageArgs
from resolvers.rows import CsatRow, FollowUpRow, NoteRow
from resolvers.viewer import Viewer
from resolvers.visibility import visible_work

CONVERSATION = table(Conversation)
CSAT = table(CsatResponse)
FOLLOW_UP = table(FollowUp)
NOTE = table(Note)

_NEWEST_FIRST = Order("notes", (NOTE.c.created_at, NOTE.c.id), OrderDirection.DESC)


@dataclass(frozen=True, slots=True)
class NotesPage:
    """Some notes of one conversation, newest first, and how many it has: exact up to 10,000, 10,001 means more."""

    page: Page[NoteRow]
    total_count: int


NO_NOTES = NotesPage(Page([], [], has_next_page=False, has_previous_page=False), 0)


async def notes_of(
    reader: Reader | Tx, viewer: Viewer, conversation_ids: Collection[UUID], args: PageArgs
) -> dict[UUID, NotesPage]:
    """The same page (`first` and `after`) of the notes of each conversation; one without notes is absent.

    Raises InvalidCursor. One statement: the notes' places are counted over the index, then the bodies of the few that
    are shown are read.
    """
    wanted = true() if args.after is None else _NEWEST_FIRST.beyond(args.after)
    each = NOTE.c.conversation_id
    counted = (
        select(
            NOTE.c.id,
            func.count().over(partition_by=each).label("total"),
            func.row_number().over(partition_by=each, order_by=_NEWEST_FIRST.by()).label("place"),
            func.sum(case((wanted, 0), else_=1)).over(partition_by=each).label("skipped"),
        )
        .select_from(CONVERSATION)
        .join(NOTE, NOTE.c.conversation_id == CONVERSATION.c.id)
        .where(visible_work(viewer, CONVERSATION), CONVERSATION.c.id.in_(conversation_ids))
        .subquery()
    )
    shown = and_(counted.c.place > counted.c.skipped, counted.c.place <= counted.c.skipped + args.size + 1)
    rows = await reader.rows(
        select(NOTE, counted.c.total, counted.c.place, counted.c.skipped)
        .join(counted, counted.c.id == NOTE.c.id)
        .where(visible_work(viewer, NOTE), or_(shown, counted.c.place == _TELLS_THE_TOTAL))
        .order_by(NOTE.c.conversation_id, counted.c.place)
    )
    by_conversation: dict[UUID, list[Row[Any]]] = {}
    for row in rows:
        by_conversation.setdefault(row.conversation_id, []).append(row)
    return {conversation_id: _notes_page(rows, args) for conversation_id, rows in by_conversation.items()}


_TELLS_THE_TOTAL = 1
"""The place of a note that comes along even if it is not on the page: without any row nothing would tell the total."""


def _notes_page(rows: list[Row[Any]], args: PageArgs) -> NotesPage:
    total = min(rows[0].total, COUNTED_EXACTLY + 1)
    shown = [row for row in rows if row.place > row.skipped]
    page = shown[: args.size]
    return NotesPage(
        Page(
            [note_row(row) for row in page],
            [_NEWEST_FIRST.cursor(row) for row in page],
            has_next_page=len(shown) > args.size,
            has_previous_page=args.after is not None,
        ),
        total,
    )


async def follow_ups_of(
    reader: Reader | Tx, viewer: Viewer, conversation_ids: Collection[UUID]
) -> dict[UUID, list[FollowUpRow]]:
    """The pending follow-ups of each conversation, soonest first; a conversation without any is absent."""
    rows = await reader.rows(
        select(FOLLOW_UP)
        .where(visible_work(viewer, FOLLOW_UP), FOLLOW_UP.c.conversation_id.in_(conversation_ids))
        .order_by(FOLLOW_UP.c.due_at, FOLLOW_UP.c.id)
    )
    follow_ups: dict[UUID, list[FollowUpRow]] = {}
    for row in rows:
        follow_ups.setdefault(row.conversation_id, []).append(_follow_up_row(row))
    return follow_ups


async def csat_of(reader: Reader | Tx, viewer: Viewer, conversation_ids: Collection[UUID]) -> dict[UUID, CsatRow]:
    """The CSAT answer of each conversation; one without is absent."""
    rows = await reader.rows(
        select(CSAT).where(visible_work(viewer, CSAT), CSAT.c.conversation_id.in_(conversation_ids))
    )
    return {
        row.conversation_id: CsatRow(row.conversation_id, row.rating, row.comment, row.responded_at, row.handled_by_id)
        for row in rows
    }


async def notes_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, NoteRow]:
    """Some notes that the viewer may see, by id."""
    rows = await reader.rows(select(NOTE).where(visible_work(viewer, NOTE), NOTE.c.id.in_(ids)))
    return {row.id: note_row(row) for row in rows}


async def follow_ups_by_id(reader: Reader | Tx, viewer: Viewer, ids: Collection[UUID]) -> dict[UUID, FollowUpRow]:
    """Some follow-ups that the viewer may see, by id."""
    rows = await reader.rows(select(FOLLOW_UP).where(visible_work(viewer, FOLLOW_UP), FOLLOW_UP.c.id.in_(ids)))
    return {row.id: _follow_up_row(row) for row in rows}


def note_row(row: Row[Any]) -> NoteRow:
    """The note in a row of all its columns."""
    return NoteRow(row.id, row.conversation_id, row.body, row.author_id, row.created_at)


def _follow_up_row(row: Row[Any]) -> FollowUpRow:
    return FollowUpRow(row.id, row.conversation_id, row.kind, row.due_at, row.assignee_id)
