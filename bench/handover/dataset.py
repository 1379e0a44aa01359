"""A workspace of any size, put straight into a database that `offboard migrate` made, by statements over sets.

Both engines get the same rows: everything follows from a row's number. Of all conversations two fifths are one leaver's
unfinished work. There are as many audit entries as conversations.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import asyncpg

from models.database import Database, Tx
from models.enums import ClientKind
from models.people import User, UserSession
from models.types import now, to_millis
from resolvers.provisioning import create_workspace
from resolvers.viewer import SESSION_PREFIX, digest, new_secret

LEAVER, HEIR, PROMOTED, AGENT = 0, 1, 2, 7
"""Numbers of users: whose work is handed over, to whom, who is given a role and loses it again, and one more."""
TEAM = 3

T = TypeVar("T")

_OWNER = "owner@large.test"
_USER, _ACCOUNT, _ACTOR, _TEAM, _CONVERSATION, _FOLLOW_UP, _AUDIT = range(1, 8)
_LISTED = "status, name_key, created_at, last_signed_in_at"
"""What roles and teams repeat of their users: PostgreSQL's triggers do not run meanwhile."""
_AGENTS = 40
_TEAMS = 20
_DAY = 86_400_000
_SPAN = 700 * _DAY
"""Milliseconds over which everything has come about."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is in a database: how many conversations and users, the workspace, and the token of its owner."""

    size: int
    people: int
    workspace_id: UUID
    token: str

    @property
    def handed_over(self) -> int:
        """How many unfinished conversations the leaver has."""
        return self.size * 2 // 5


def user_id(number: int) -> UUID:
    """The id of a user by its number."""
    return UUID(int=(_USER << 64) + number)


def actor_id(number: int) -> UUID:
    """The actor id of a user by its number."""
    return UUID(int=(_ACTOR << 64) + number)


def team_id(number: int) -> UUID:
    """The id of a team by its number."""
    return UUID(int=(_TEAM << 64) + number)


def conversation_id(number: int) -> UUID:
    """The id of a conversation by its number, which grows with its age."""
    return UUID(int=(_CONVERSATION << 64) + number)


async def open_workspace(url: str) -> None:
    """Make the workspace with its owner, and nothing else yet: see fill()."""
    names = {"slug": "large", "name": "Large", "owner_email": _OWNER, "owner_name": "Owner", "password_hash": "none"}
    await _transact(url, lambda tx: create_workspace(tx, **names))


async def sign_in(url: str, size: int, people: int) -> Dataset:
    """The workspace in a database, with a new session of its owner."""
    token = new_secret(SESSION_PREFIX)

    async def work(tx: Tx) -> Dataset:
        owner = await tx.get(User, email=_OWNER)
        assert owner is not None
        session = UserSession(
            workspace_id=owner.workspace_id,
            user_id=owner.id,
            token_hash=digest(token),
            epoch=owner.epoch,
            client=ClientKind.WEB,
            created_at=now(),
            last_seen_at=now() + timedelta(days=1),  # so that no page has to note that it was used
            expires_at=now() + timedelta(days=30),
        )
        await tx.add(session)
        return Dataset(size, people, owner.workspace_id, token)

    return await _transact(url, work)


async def _transact(url: str, work: Callable[[Tx], Awaitable[T]]) -> T:
    database = Database(url)
    try:
        return await database.transact(work)
    finally:
        await database.close()


class _Sqlite:
    """SQLite's words: an id is 32 hexadecimal digits, a time is milliseconds."""

    @staticmethod
    def id(kind: int, number: str) -> str:
        return f"printf('%016x%016x', {kind}, {number})"

    @staticmethod
    def time(millis: str) -> str:
        return f"({millis})"

    @staticmethod
    def key(value: UUID) -> str:
        return f"'{value.hex}'"


class _Postgresql:
    """PostgreSQL's words."""

    @staticmethod
    def id(kind: int, number: str) -> str:
        return f"(lpad(to_hex({kind}), 16, '0') || lpad(to_hex({number}), 16, '0'))::uuid"

    @staticmethod
    def time(millis: str) -> str:
        return f"('epoch'::timestamptz + ({millis}) * interval '1 millisecond')"

    @staticmethod
    def key(value: UUID) -> str:
        return f"'{value}'::uuid"


def _people(by: type[_Sqlite | _Postgresql], dataset: Dataset, start: int) -> list[str]:
    here, rows, step = by.key(dataset.workspace_id), _numbers(dataset.people), _SPAN // dataset.people
    name = "'Person' || (n * 7919 % 10007) || ' Family' || (n * 104729 % 100003)"
    key = "'person' || (n * 7919 % 10007) || ' family' || (n * 104729 % 100003)"
    # By a number's remainder: one in a thousand an administrator, a tenth viewers, a thirtieth inactive.
    role = "CASE WHEN n % 1000 = 999 THEN 'ADMIN' WHEN n % 10 = 9 THEN 'VIEWER' ELSE 'AGENT' END"
    gone = "n % 30 = 29"
    since = by.time(f"{start} + n * {step}")
    seen = by.time(f"CASE WHEN n % 20 = 19 THEN 0 ELSE {start} + n * 48271 % {dataset.people} * {step} END")
    return [
        f"""INSERT INTO account (id, email, created_at)
        SELECT {by.id(_ACCOUNT, "n")}, n || '@large.test', {since} {rows}""",
        f"""INSERT INTO "user" (id, workspace_id, account_id, email, name, name_key, status, pending, epoch, created_at,
            last_signed_in_at, deactivated_at, deactivated_by_id, deactivation_reason)
        SELECT {by.id(_USER, "n")}, {here}, {by.id(_ACCOUNT, "n")}, n || '@large.test', {name}, {key},
            CASE WHEN {gone} THEN 'INACTIVE' ELSE 'ACTIVE' END, {_false(by)}, 0, {since}, {seen},
            CASE WHEN {gone} THEN {since} END, CASE WHEN {gone} THEN {by.id(_ACTOR, "1")} END,
            CASE WHEN {gone} THEN 'LEFT_COMPANY' END {rows}""",
        f"""INSERT INTO actor (id, workspace_id, kind, user_id)
        SELECT {by.id(_ACTOR, "n")}, {here}, 'USER', {by.id(_USER, "n")} {rows}""",
        f"""INSERT INTO user_role (user_id, role, workspace_id, {_LISTED})
        SELECT id, role, {here}, {_LISTED}
            FROM (SELECT {by.id(_USER, "n")} AS id, {role} AS role {rows}) AS holders JOIN "user" USING (id)""",
        f"""INSERT INTO user_word (workspace_id, word, user_id) SELECT {here}, word, id FROM (
            SELECT 'person' || (n * 7919 % 10007) AS word, {by.id(_USER, "n")} AS id {rows}
            UNION ALL SELECT 'family' || (n * 104729 % 100003), {by.id(_USER, "n")} {rows}
            UNION ALL SELECT n || '@large.test', {by.id(_USER, "n")} {rows}) AS words ORDER BY word, id""",
        f"""INSERT INTO team (id, workspace_id, name)
        SELECT {by.id(_TEAM, "n")}, {here}, 'Team ' || n {_numbers(_TEAMS)}""",
        f"""INSERT INTO team_member (team_id, user_id, {_LISTED})
        SELECT {by.id(_TEAM, f"n % {_TEAMS}")}, id, {_LISTED}
            FROM (SELECT n, {by.id(_USER, "n")} AS id {rows}) AS members JOIN "user" USING (id)
            ORDER BY n % {_TEAMS}, n""",
    ]


def _work(by: type[_Sqlite | _Postgresql], dataset: Dataset, start: int) -> list[str]:
    here, rows, size, step = by.key(dataset.workspace_id), _numbers(dataset.size), dataset.size, _SPAN // dataset.size
    # The leaver's are spread evenly. Of the rest most of the older half is closed, and a sixth is nobody's.
    leavers = "n * 7 % 5 < 2"
    status = f"""CASE WHEN {leavers} THEN CASE WHEN {_draw(0, 7)} = 0 THEN 'SNOOZED' ELSE 'OPEN' END
        WHEN n < {size} / 2 AND {_draw(1, 11)} > 0 OR {_draw(2, 3)} = 0 THEN 'CLOSED'
        WHEN {_draw(3, 8)} = 0 THEN 'SNOOZED' ELSE 'OPEN' END"""
    agent = f"CASE WHEN {leavers} THEN {LEAVER} ELSE {HEIR} + {_draw(4, _AGENTS)} END"
    assignee = f"CASE WHEN {leavers} OR {_draw(5, 6)} > 0 THEN {by.id(_ACTOR, agent)} END"
    team = f"CASE WHEN {_draw(6, 10)} > 0 THEN {by.id(_TEAM, _draw(7, _TEAMS))} END"
    began = f"{start} + n * {step}"
    moved = f"{began} + n * 48271 % 1000003 * 2000"
    topic = (
        f"CASE {_draw(8, 5)} WHEN 0 THEN 'refund' WHEN 1 THEN 'invoice' WHEN 2 THEN 'delivery' WHEN 3 THEN 'access' "
    )
    topic += "ELSE 'order' END"
    asleep = f"({status}) = 'SNOOZED'"
    return [
        f"""INSERT INTO conversation (id, workspace_id, external_id, subject, status, snoozed_until, customer_name,
            customer_email, assignee_id, team_id, created_at, updated_at, revision)
        SELECT {by.id(_CONVERSATION, "n")}, {here}, 'large-' || n, {topic} || ' ' || (n * 7919 % 1000003), {status},
            CASE WHEN {asleep} THEN {by.time(f"{start} + {_SPAN} + n % 1000 * 3600000 + {30 * _DAY}")} END,
            'Customer' || (n % 10007), 'customer' || (n % 10007) || '@there.test', {assignee}, {team},
            {by.time(began)}, {by.time(moved)}, 0 {rows}""",
        f"""INSERT INTO conversation_word (workspace_id, word, conversation_id) SELECT {here}, word, id FROM (
            SELECT {topic} AS word, {by.id(_CONVERSATION, "n")} AS id {rows}
            UNION ALL SELECT CAST((n * 7919 % 1000003) AS text), {by.id(_CONVERSATION, "n")} {rows}
            UNION ALL SELECT 'customer' || (n % 10007), {by.id(_CONVERSATION, "n")} {rows}
            UNION ALL SELECT 'customer' || (n % 10007) || '@there.test', {by.id(_CONVERSATION, "n")} {rows}
        ) AS words ORDER BY word, id""",
        f"""INSERT INTO follow_up (id, workspace_id, conversation_id, external_id, kind, due_at, assignee_id, revision)
        SELECT {by.id(_FOLLOW_UP, "n")}, {here}, {by.id(_CONVERSATION, "n")}, 'large-' || n,
            CASE WHEN {_draw(1, 2)} = 0 THEN 'CALLBACK' ELSE 'FOLLOW_UP' END, {by.time(f"{moved} + {30 * _DAY}")},
            {assignee}, 0 FROM (SELECT n {rows} WHERE {_draw(0, 20)} = 1) AS numbers""",
        f"""INSERT INTO audit_entry (id, workspace_id, at, action, actor_id, target_id, details)
        SELECT {by.id(_AUDIT, "n")}, {here}, {by.time(began)},
            CASE WHEN {_draw(0, 97)} = 0 THEN 'USER_DEACTIVATED' WHEN {_draw(1, 11)} = 0 THEN 'SESSION_REVOKED'
                WHEN {_draw(2, 3)} = 0 THEN 'CONVERSATION_ASSIGNED' WHEN {_draw(2, 3)} = 1 THEN 'NOTE_ADDED'
                ELSE 'SIGNED_IN' END,
            {by.id(_ACTOR, f"CASE WHEN {_draw(3, 4)} = 0 THEN {LEAVER} ELSE {_draw(4, _AGENTS)} END")},
            CASE WHEN {_draw(2, 3)} <> 1 THEN {by.id(_ACTOR, _draw(5, _AGENTS))} END, '{{}}' {rows}""",
    ]


def _numbers(size: int) -> str:
    below = f"SELECT CAST(0 AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n < {size - 1}"
    return f"FROM (WITH RECURSIVE numbers(n) AS ({below}) SELECT n FROM numbers) AS numbers"


def _draw(what: int, below: int) -> str:
    """A number that looks random, and is the same whenever the same is asked of a row."""
    return f"(n * {_MULTIPLIERS[what]} % 1000003 % {below})"


_MULTIPLIERS = (48271, 69621, 40014, 40692, 16807, 39373, 35269, 20169, 30269)


def _false(by: type[_Sqlite | _Postgresql]) -> str:
    return "0" if by is _Sqlite else "false"


def fill(url: str, dataset: Dataset) -> None:
    """Put all rows in. Indexes are dropped before and made again afterwards, which takes a fraction of the time."""
    start = to_millis(now()) - _SPAN - 30 * _DAY
    if url.startswith("sqlite"):
        _fill_sqlite(url.partition("///")[2], [*_people(_Sqlite, dataset, start), *_work(_Sqlite, dataset, start)])
    else:
        statements = [*_people(_Postgresql, dataset, start), *_work(_Postgresql, dataset, start)]
        asyncio.run(_fill_postgresql(url.replace("+asyncpg", ""), statements))


def _fill_sqlite(path: str, statements: list[str]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for statement in [*statements, *(sql for _, sql in indexes)]:
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


async def _fill_postgresql(url: str, statements: list[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for setting in ("session_replication_role = replica", "synchronous_commit = off", "work_mem = '256MB'"):
            await connection.execute(f"SET {setting}")
        await connection.execute("SET maintenance_work_mem = '1GB'")
        indexes = await connection.fetch(
            "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS sql FROM pg_index "
            "JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'public'::regnamespace AND NOT indisunique"
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        for statement in [*statements, *(index["sql"] for index in indexes)]:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
