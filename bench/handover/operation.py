"""Handing two fifths of all conversations over: how long it takes, what it costs, and what others notice of it."""

import asyncio
import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import perf_counter
from typing import Any
from urllib.request import urlopen

from sqlalchemy import text

from bench.feed.crowd import Failed
from bench.feed.peers import Server, settle_in
from bench.handover.client import Client
from bench.handover.databases import Databases
from bench.handover.dataset import HEIR, LEAVER, PROMOTED, Dataset, actor_id, user_id
from models.database import Database, Tx
from schema import ids

LIMIT = 600
LOOK_AGAIN = 0.25
"""As often as bulkOperationProgress would tell."""

BULK_REASSIGN = """mutation ($from: ID!, $to: ID!) {
  bulkReassign(input: {filter: {assignedTo: {userId: $from}}, to: {userId: $to}}) {
    operation { id } matched errors { code message }
  }
}"""
PROGRESS = """query ($id: ID!) {
  bulkOperation(id: $id) { status matched processed reassignedConversations reassignedFollowUps skipped }
}"""
PAGE = """{ inbox(filter: {status: [OPEN]}, first: 50) {
  totalCount pageInfo { hasNextPage endCursor }
  edges { node { id subject status updatedAt customer { name } assignee { name } team { name } } }
} }"""
ROLES = {
    True: "mutation ($id: ID!) { assignRole(input: {userId: $id, role: VIEWER}) { errors { message } } }",
    False: "mutation ($id: ID!) { removeRole(input: {userId: $id, role: VIEWER}) { errors { message } } }",
}


@dataclass(frozen=True, slots=True)
class Alone:
    """A hand-over with nobody else about, and the bare statements: seconds, rows, and bytes of memory.

    Of so many `chunks`, `held_long` held the workspace's lock for over 20 ms.
    """

    seconds: float
    raw_seconds: float
    conversations: int
    follow_ups: int
    grown: int
    chunks: int
    held_long: int


@dataclass(slots=True)
class Noticed:
    """Milliseconds that others' requests took, in the order in which they came."""

    page: list[float] = field(default_factory=list)
    assign_role: list[float] = field(default_factory=list)


def measure_alone(databases: Databases, template: str, dataset: Dataset) -> Alone:
    """One hand-over; before and after it, on other copies, one raw UPDATE for each table of the same rows."""
    before_it, *_ = _updated_copy(databases, template)
    with databases.copy(template, "handed_over") as url, databases.serve(url) as server:
        with Client(server.port, dataset.token) as client:
            client.ask(PAGE)
            before = server.resident()
            seconds, most, operation = _hand_over(client, server)
        chunks, held_shortly = _chunks(server)
    after_it, conversations, follow_ups = _updated_copy(databases, template)
    raw_seconds = (before_it + after_it) / 2
    moved = (operation["reassignedConversations"], operation["reassignedFollowUps"])
    if moved != (conversations, follow_ups) or conversations != dataset.handed_over:
        raise Failed(f"Not the same rows were moved: {moved}, and {(conversations, follow_ups)} by UPDATE.")
    return Alone(seconds, raw_seconds, conversations, follow_ups, most - before, chunks, chunks - held_shortly)


def measure_beside(databases: Databases, template: str, dataset: Dataset, quiet_seconds: float) -> dict[str, Noticed]:
    """What somebody who reads and somebody who gives roles notice: for a while of nothing else, and of a hand-over."""
    noticed: dict[str, Noticed] = {}
    with databases.copy(template, "handed_over") as url, databases.serve(url) as server:
        with Client(server.port, dataset.token) as client:
            with _others(server, dataset):
                time.sleep(min(_WARM_UP, quiet_seconds))
            with _others(server, dataset) as noticed["quiet"]:
                time.sleep(quiet_seconds)
            with _others(server, dataset) as noticed["during"]:
                _hand_over(client, server)
    return noticed


_WARM_UP = 2.0


def _hand_over(client: Client, server: Server) -> tuple[float, int, dict[str, Any]]:
    """Seconds until all is done, the most bytes that the server held meanwhile, and the operation as it ended."""
    whose, to = (ids.encode("User", user_id(number)) for number in (LEAVER, HEIR))
    most = server.resident()
    begun = perf_counter()
    data, _ = client.ask(BULK_REASSIGN, **{"from": whose, "to": to})
    if data["bulkReassign"]["errors"]:
        raise Failed(f"The hand-over was refused: {data['bulkReassign']['errors']}")
    operation_id = data["bulkReassign"]["operation"]["id"]
    while True:
        data, _ = client.ask(PROGRESS, id=operation_id)
        seconds = perf_counter() - begun
        most = max(most, server.resident())
        if data["bulkOperation"]["status"] == "COMPLETED":
            return seconds, most, data["bulkOperation"]
        if data["bulkOperation"]["status"] != "RUNNING" or seconds > LIMIT:
            raise Failed(f"After {seconds:.0f} s the hand-over stood at {data['bulkOperation']}")
        time.sleep(LOOK_AGAIN)


def _chunks(server: Server) -> tuple[int, int]:
    """How many transactions the server has counted, and how many of them held the lock for at most 20 ms."""
    with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=LIMIT) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[:1] != "#")
    return int(float(lines[f"{_HELD}_count"])), int(float(lines[f'{_HELD}_bucket{{le="0.02"}}']))


_HELD = "offboard_chunk_seconds"


def _updated_copy(databases: Databases, template: str) -> tuple[float, int, int]:
    with databases.copy(template, "updated") as url:
        return _apart(url)


def _apart(url: str) -> tuple[float, int, int]:
    """What _updated() says, in a process of its own, on the core and with the priority that servers have."""
    with ProcessPoolExecutor(1, get_context("spawn"), settle_in) as process:
        return process.submit(_updated, url).result()


def _updated(url: str) -> tuple[float, int, int]:
    return asyncio.run(_update(url))


async def _update(url: str) -> tuple[float, int, int]:
    """On a connection like the server's own: how many seconds the statements took, and how many rows they changed."""
    database = Database(url)
    values = {"leaver": _literal(url, LEAVER), "heir": _literal(url, HEIR)}

    async def work(tx: Tx) -> tuple[int, int]:
        set_all = "SET assignee_id = {heir}, revision = revision + 1 WHERE assignee_id = {leaver}".format(**values)
        return (
            await tx.run(text(f"UPDATE conversation {set_all} AND status IN ('OPEN', 'SNOOZED')")),
            await tx.run(text(f"UPDATE follow_up {set_all}")),
        )

    try:
        await database.ping()
        begun = perf_counter()
        async with database.begin() as tx:
            await tx.run(text("SELECT 1"))
            conversations, follow_ups = await work(tx)
        return perf_counter() - begun, conversations, follow_ups
    finally:
        await database.close()


def _literal(url: str, number: int) -> str:
    return f"'{actor_id(number).hex if url.startswith('sqlite') else actor_id(number)}'"


@contextmanager
def _others(server: Server, dataset: Dataset) -> Iterator[Noticed]:
    """While the block runs, one client reads the inbox, and one gives a role and takes it again."""
    noticed, stop = Noticed(), threading.Event()
    promoted = ids.encode("User", user_id(PROMOTED))

    def read() -> None:
        with Client(server.port, dataset.token) as client:
            while not stop.wait(_PAUSE):
                noticed.page.append(client.ask(PAGE)[1])

    def give_and_take() -> None:
        with Client(server.port, dataset.token) as client:
            while not stop.wait(_PAUSE):
                noticed.assign_role.append(client.ask(ROLES[True], id=promoted)[1])
                client.ask(ROLES[False], id=promoted)

    with ThreadPoolExecutor(2) as threads:
        at_work = [threads.submit(read), threads.submit(give_and_take)]
        try:
            yield noticed
        finally:
            stop.set()
        for each in at_work:
            each.result()


_PAUSE = 0.005
"""Seconds between two requests of one client."""


def p99(millis: list[float]) -> float:
    """The 99th percentile by the nearest rank: of less than a hundred the greatest. Raises Failed for none."""
    if not millis:
        raise Failed("The hand-over was over before anybody else was answered: take a larger size.")
    return sorted(millis)[math.ceil(len(millis) * 0.99) - 1]
