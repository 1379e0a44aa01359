"""Which of the names in a batch exist already: one statement for each kind of name."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select

from models.database import Tx, table
from models.people import Account, Actor, Team, User
from models.work import Conversation, CsatResponse, FollowUp, Note
from resolvers.importing.lines import ConversationLine, CsatLine, FollowUpLine, Line, NoteLine, TeamLine, UserLine
from resolvers.members import system_actor

ACCOUNT = table(Account)
ACTOR = table(Actor)
CONVERSATION = table(Conversation)
CSAT = table(CsatResponse)
FOLLOW_UP = table(FollowUp)
NOTE = table(Note)
TEAM = table(Team)
USER = table(User)

_PARAMETERS = 5_000


@dataclass(slots=True)
class Known:
    """Ids by name. `users` gives actor ids, by email; `csat` holds the external ids of answered conversations."""

    system_id: UUID
    teams: dict[str, UUID]
    accounts: dict[str, UUID]
    users: dict[str, UUID]
    conversations: dict[str, UUID]
    notes: set[str]
    follow_ups: set[str]
    csat: set[str]


async def look_up(tx: Tx, workspace_id: UUID, lines: Sequence[Line]) -> Known:
    """What exists in the workspace of everything that some lines name."""
    people, teams = _people(lines), _teams(lines)
    new_people = {line.email for line in lines if isinstance(line, UserLine)}
    conversations = {_conversation(line) for line in lines} - {None}
    answered = {line.conversation for line in lines if isinstance(line, CsatLine)}
    notes = {line.external_id for line in lines if isinstance(line, NoteLine)}
    follow_ups = {line.external_id for line in lines if isinstance(line, FollowUpLine)}

    async def find(query: Select[Any], column: ColumnElement[Any], names: Collection[Any]) -> list[Row[Any]]:
        found: list[Row[Any]] = []
        ordered = sorted(names)
        for start in range(0, len(ordered), _PARAMETERS):
            found += await tx.rows(query.where(column.in_(ordered[start : start + _PARAMETERS])))
        return found

    def here(rows: Any, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).where(rows.c.workspace_id == workspace_id)

    return Known(
        system_id=await system_actor(tx, workspace_id),
        teams=_map(await find(here(TEAM, TEAM.c.name, TEAM.c.id), TEAM.c.name, teams)),
        accounts=_map(await find(select(ACCOUNT.c.email, ACCOUNT.c.id), ACCOUNT.c.email, new_people)),
        users=_map(
            await find(
                here(USER, USER.c.email, ACTOR.c.id).join(ACTOR, ACTOR.c.user_id == USER.c.id), USER.c.email, people
            )
        ),
        conversations=_map(
            await find(
                here(CONVERSATION, CONVERSATION.c.external_id, CONVERSATION.c.id),
                CONVERSATION.c.external_id,
                conversations,
            )
        ),
        notes=_set(await find(here(NOTE, NOTE.c.external_id), NOTE.c.external_id, notes)),
        follow_ups=_set(await find(here(FOLLOW_UP, FOLLOW_UP.c.external_id), FOLLOW_UP.c.external_id, follow_ups)),
        csat=_set(
            await find(
                here(CONVERSATION, CONVERSATION.c.external_id).join(CSAT, CSAT.c.conversation_id == CONVERSATION.c.id),
                CONVERSATION.c.external_id,
                answered,
            )
        ),
    )


def _people(lines: Iterable[Line]) -> set[str]:
    people: set[str | None] = set()
    for line in lines:
        match line:
            case UserLine():
                people.add(line.email)
            case ConversationLine() | FollowUpLine():
                people.add(line.assignee)
            case NoteLine():
                people.add(line.author)
            case CsatLine():
                people.add(line.handled_by)
    return {email for email in people if email is not None}


def _teams(lines: Iterable[Line]) -> set[str]:
    teams: set[str] = set()
    for line in lines:
        match line:
            case TeamLine():
                teams.add(line.name)
            case UserLine():
                teams.update(line.teams or ())
            case ConversationLine() if line.team is not None:
                teams.add(line.team)
    return teams


def _conversation(line: Line) -> str | None:
    match line:
        case ConversationLine():
            return line.external_id
        case NoteLine() | FollowUpLine() | CsatLine():
            return line.conversation
    return None


def _map(rows: Iterable[Row[Any]]) -> dict[str, UUID]:
    return dict(tuple(row) for row in rows)


def _set(rows: Iterable[Row[Any]]) -> set[str]:
    return {name for row in rows for name in row}
