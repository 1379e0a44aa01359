"""Mail to the owners of a workspace: what could not be done at its time, and who is about to be deleted.

It is put together when it is sent, from ids: whoever was deleted meanwhile is named nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from html import escape
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Row, Table, delete, exists, select

from models.database import WORKSPACE, Reader, table
from models.enums import ErrorCode, NoticeKind
from models.leaving import Notice
from models.people import Actor, User, UserRole
from models.types import now
from offboard.mail.post import Prepared, Waiting
from offboard.mail.templates import add_html, new_message, one_line
from resolvers.notices import is_owner

ACTOR = table(Actor)
NOTICE = table(Notice)
PERSON = table(User).alias("person")
ROLE = table(UserRole)
USER = table(User)

GIVEN_UP_AFTER = timedelta(days=7)


class Notices:
    """Notices that wait to be mailed to an owner."""

    rows: Table = NOTICE

    def __init__(self, sender: str) -> None:
        self._sender = sender

    async def due(self, reader: Reader, limit: int) -> list[Waiting]:
        """The notices that are due; after a week one is stale."""
        still_owner = exists().where(ROLE.c.user_id == USER.c.id, is_owner(NOTICE.c.workspace_id))
        found = await reader.rows(
            select(
                NOTICE, USER.c.email, USER.c.name, WORKSPACE.c.name.label("workspace"), still_owner.label("still_owner")
            )
            .join(USER, USER.c.id == NOTICE.c.user_id)
            .join(WORKSPACE, WORKSPACE.c.id == NOTICE.c.workspace_id)
            .where(NOTICE.c.mail_due_at <= now())
            .order_by(NOTICE.c.mail_due_at)
            .limit(limit)
        )
        people = await _people(reader, found)
        return [
            Waiting(
                row.id,
                row.kind,
                row.mail_due_at,
                row.attempts,
                row.created_at <= now() - GIVEN_UP_AFTER,
                partial(self._prepare, row, people),
            )
            for row in found
        ]

    def settled(self) -> Delete:
        """Nothing is kept of a notice that was sent."""
        return delete(NOTICE)

    def _prepare(self, notice: Row[Any], people: "People") -> Prepared:
        if not notice.still_owner:
            return Prepared(None, {})
        text = _TEXTS[notice.kind](notice.details, people, one_line(notice.workspace))
        return Prepared(None if text is None else _message(text, notice, self._sender), {})


@dataclass(frozen=True, slots=True)
class Person:
    """A user, as a mail names it."""

    name: str
    email: str


Details = Mapping[str, Any]
People = Mapping[str, Person]
"""Users by their actor ids; deleted ones are absent."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a mail says: a subject, paragraphs, and perhaps a list between the first and the others."""

    subject: str
    paragraphs: tuple[str, ...]
    listed: Sequence[str] = ()


async def _people(reader: Reader, notices: Sequence[Row[Any]]) -> People:
    named: set[str] = set()
    for notice in notices:
        details = notice.details
        named |= {*details.get("people", ()), *details.get("to", ())}
        named |= {details[key] for key in ("whose", "scheduledBy") if key in details}
    if not named:
        return {}
    rows = await reader.rows(
        select(ACTOR.c.id, PERSON.c.name, PERSON.c.email)
        .join(PERSON, PERSON.c.id == ACTOR.c.user_id)
        .where(ACTOR.c.id.in_([UUID(text) for text in sorted(named)]))
    )
    return {str(row.id): Person(one_line(row.name), row.email) for row in rows}


def _departure_failed(details: Details, people: People, workspace: str) -> Text | None:
    if (who := people.get(details["whose"])) is None:
        return None
    return Text(
        f"{who.name} could not be deactivated",
        (
            f"{who.name} ({who.email}) was to leave {workspace} at {_time(details['at'])}"
            f"{_planned_by(details, people)}. That could not be done: this is the workspace's only active owner, and "
            "nobody else could manage it then.",
            "Assign Owner to somebody else, or call the departure off. Until then it is tried again every day, and you "
            "get this mail each time.",
        ),
    )


def _hand_over_failed(details: Details, people: People, workspace: str) -> Text | None:
    if (who := people.get(details["whose"])) is None:
        return None
    named = [people[actor_id].name for actor_id in details["to"] if actor_id in people]
    to = f" to {', '.join(named)}" if named else ""
    why = (
        "somebody of them is inactive by now"
        if details["code"] == ErrorCode.ASSIGNEE_INACTIVE
        else "who was to get it was deleted since"
    )
    return Text(
        f"The work of {who.name} was not handed over",
        (
            f"{who.name} ({who.email}) was deactivated in {workspace} as planned for {_time(details['at'])}"
            f"{_planned_by(details, people)}.",
            f"The work was to be handed over{to}. That could not be done: {why}. Everything is still assigned to "
            f"{who.name}. Hand it over to somebody who is there.",
        ),
    )


def _hand_over_stopped(details: Details, people: People, workspace: str) -> Text | None:
    if (who := people.get(details["whose"])) is None:
        return None
    named = [people[actor_id].name for actor_id in details["to"] if actor_id in people]
    to = f" to {', '.join(named)}" if named else ""
    moved = f"{_count(details['conversations'], 'conversation')} and {_count(details['followUps'], 'follow-up')}"
    return Text(
        f"The work of {who.name} was not handed over to the end",
        (
            f"{who.name} ({who.email}) was deactivated in {workspace}, and the work was to be handed over{to}. That "
            "could not be finished: somebody who was to get it is inactive or deleted by now.",
            f"Handed over so far: {moved}. Still assigned to {who.name}: up to {details['left']} conversations and "
            "follow-ups.",
            "Hand the rest over to somebody who is there. What was handed over stays so, unless you undo it.",
        ),
    )


def _deletion_announced(details: Details, people: People, workspace: str) -> Text | None:
    days = {people[actor_id]: day for actor_id, day in details["people"].items() if actor_id in people}
    if not days:
        return None
    count = _count(len(days), "user")
    return Text(
        f"{count} of {workspace} will be deleted",
        (
            f"{workspace} deletes users who have been inactive for long. It is time for:",
            "Nothing needs to be done. To keep somebody, reactivate the user or place a legal hold; to keep everybody, "
            "change the workspace's deleteAfterDays. What they wrote stays in any case.",
        ),
        [f"{who.name} ({who.email}), on {_time(day)}" for who, day in sorted(days.items(), key=lambda each: each[1])],
    )


_TEXTS: dict[NoticeKind, Callable[[Details, People, str], Text | None]] = {
    NoticeKind.DEPARTURE_FAILED: _departure_failed,
    NoticeKind.HAND_OVER_FAILED: _hand_over_failed,
    NoticeKind.HAND_OVER_STOPPED: _hand_over_stopped,
    NoticeKind.DELETION_ANNOUNCED: _deletion_announced,
}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def _planned_by(details: Details, people: People) -> str:
    planner = people.get(details["scheduledBy"])
    return f", as {planner.name} had scheduled" if planner else ""


def _message(text: Text, notice: Row[Any], sender: str) -> EmailMessage:
    message = new_message(sender, notice.email, text.subject)
    first, *others = text.paragraphs
    listed = ["\n".join(f"- {each}" for each in text.listed)] if text.listed else []
    greeting = f"Hello {one_line(notice.name)},"
    plain = "\n\n".join((greeting, first, *listed, *others)) + "\n"
    message.set_content(plain, cte="7bit" if plain.isascii() else "quoted-printable")
    items = ["<ul>", *(f"<li>{escape(each)}</li>" for each in text.listed), "</ul>"] if text.listed else []
    paragraphs = [f"<p>{escape(each)}</p>" for each in (greeting, first, *others)]
    add_html(message, "\n".join((*paragraphs[:2], *items, *paragraphs[2:])))
    return message
