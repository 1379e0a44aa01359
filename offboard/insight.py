"""What every operation leaves behind: a line in the log, and its place in the histograms. A subscription, at its end.

Names are the clients' own, so there could be any number of them: of those that were signed in the first MOST_NAMES are
told apart, and an operation that needs nobody signed in goes by its field.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy import event

from models.database import Database
from offboard.documents import Prepared
from resolvers.viewer import Viewer

MOST_NAMES = 200
LONGEST_NAME = 80
OTHER = "other"

OPERATIONS = Histogram(
    "offboard_operation_seconds",
    "From reading a query or mutation to its answer, by the operation's name.",
    ["operation"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
LASTED = Histogram(
    "offboard_subscription_seconds",
    "How long subscriptions lasted that have ended, by the operation's name.",
    ["operation"],
    buckets=(1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800),
)
STATEMENTS = Histogram(
    "offboard_statement_seconds",
    "How long the database took for one statement.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15),
)
FAILURES = Counter("offboard_internal_errors", "Failures that were not foreseen, and answered as INTERNAL.")

log = structlog.get_logger(__name__)

_names: set[str] = set()


class Known(NamedTuple):
    """By what an operation is known: `label` in the metrics, the rest in the log. Nothing of its texts is in it."""

    label: str
    name: str | None
    kind: str
    sha256: str

    @classmethod
    def of(cls, prepared: Prepared, query: str, *, is_signed_in: bool) -> "Known":
        """What an operation is known by."""
        name = prepared.operation.name.value[:LONGEST_NAME] if prepared.operation.name else None
        digest = sha256(_without_texts(query).encode("utf-8", "surrogatepass")).hexdigest()
        return cls(_label(prepared, name, is_known=is_signed_in), name, prepared.kind.value, digest)


class Seen:
    """What is known of one operation while it runs."""

    __slots__ = ("known", "statements", "workspace_id")

    def __init__(self) -> None:
        self.statements = 0
        self.known: Known | None = None
        self.workspace_id: UUID | None = None

    def is_run(self, prepared: Prepared, query: str, caller: Viewer | None) -> None:
        """Say what it is, and who asks, once it is let in."""
        self.known = Known.of(prepared, query, is_signed_in=caller is not None)
        self.workspace_id = None if caller is None else caller.workspace_id


@contextmanager
def observed() -> Iterator[Seen]:
    """Observe what the block does, if it turns out to run an operation."""
    seen, started = Seen(), perf_counter()
    token = _RUNNING.set(seen)
    try:
        yield seen
    finally:
        _RUNNING.reset(token)
        if seen.known is not None:
            seconds = perf_counter() - started
            OPERATIONS.labels(seen.known.label).observe(seconds)
            _tell(seen.known, seen.workspace_id, seconds, statements=seen.statements)


def tell_of_end(known: Known, workspace_id: UUID, seconds: float, events: int, why: str) -> None:
    """Tell of a subscription that is over: how long it lasted, how many events it was told, and why it ended."""
    LASTED.labels(known.label).observe(seconds)
    _tell(known, workspace_id, seconds, events=events, ended=why)


def time_statements(database: Database) -> None:
    """Let every statement of a database be timed, and counted for the operation that causes it."""

    def begin(connection: Any, *_: Any) -> None:
        connection.info["offboard_started"] = perf_counter()

    def end(connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        STATEMENTS.observe(perf_counter() - connection.info["offboard_started"])
        if (seen := _RUNNING.get()) is not None and not sql.startswith("BEGIN"):
            seen.statements += 1

    def fail(context: Any) -> None:
        if context.connection is not None and "offboard_started" in context.connection.info:
            STATEMENTS.observe(perf_counter() - context.connection.info["offboard_started"])

    event.listen(database.engine.sync_engine, "before_cursor_execute", begin)
    event.listen(database.engine.sync_engine, "after_cursor_execute", end)
    event.listen(database.engine.sync_engine, "handle_error", fail)


_RUNNING: ContextVar[Seen | None] = ContextVar("running", default=None)


def _tell(known: Known, workspace_id: UUID | None, seconds: float, **more: Any) -> None:
    where = {} if workspace_id is None else {"workspace_id": str(workspace_id)}
    ms = round(seconds * 1000, 1)
    log.info("Operation", operation=known.name, kind=known.kind, document=known.sha256, ms=ms, **more, **where)


def _without_texts(query: str) -> str:
    """A document without the texts in it: by its hash, a password that was written into it could be guessed."""
    return _TEXT.sub(lambda found: '""' if found[0].startswith('"') else found[0], query)


_TEXT = re.compile(r'''#[^\n\r]*|"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\])*"''')
"""A comment or a string: https://spec.graphql.org/September2025/#sec-String-Value."""


def _label(prepared: Prepared, name: str | None, *, is_known: bool) -> str:
    if not is_known or name is None:
        return next(iter(prepared.root_fields)) if len(prepared.root_fields) == 1 else OTHER
    if name not in _names and len(_names) < MOST_NAMES:
        _names.add(name)
    return name if name in _names else OTHER
