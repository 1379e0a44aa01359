"""Broker and database fail and come back: the feed recovers by itself, nothing is lost, nothing is told twice."""

import asyncio
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.e2e.callers import DEACTIVATE, Person, deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.lean import Closed, open_http, open_lean
from tests.e2e.metrics import measured, readiness
from tests.e2e.office import Office
from tests.e2e.resuming import Resuming
from tests.e2e.server import Server, offboard
from tests.e2e.staff import hire_many
from tests.services.postgresql import PostgreSQL
from tests.services.redis import Redis
from tests.waiting import until

pytestmark = pytest.mark.long

LEAVERS = 40
PATIENCE_S = 0.2
"""How long a client waits that was answered with an error. To fail keeps a node busy: it logs why."""


@pytest.fixture
def own_postgresql(tmp_path: Path) -> Iterator[PostgreSQL]:
    """A migrated PostgreSQL of the test's own."""
    with PostgreSQL() as postgresql:
        offboard(tmp_path, "migrate", DATABASE_URL=postgresql.url)
        yield postgresql


async def test_while_redis_is_gone_sockets_close_and_afterwards_hints_are_back(
    new_server: NewServer, http: httpx.AsyncClient
) -> None:
    with Redis() as redis:
        here, there = [new_server(BROKER_URL=redis.url).start() for _ in range(2)]
        hints = partial(measured, there, http, "offboard_hints_total", kind="received")
        office = await Office.open(here, http)
        start = await office.olivia.feed_position()
        watcher = Resuming(await office.sign_in("Olivia"), [there], start, scope="WORKSPACE")
        leavers = [await office.hire(name) for name in ("Ana", "Ben")]
        ana, ben = [await open_lean(there.port, each.token) for each in leavers]
        redis.crash()
        await readiness(there, http, broker="failing")
        await deactivate(office.olivia, leavers[0].id)
        assert await ana.end() == Closed(4401, "USER_DEACTIVATED")
        redis.start()
        for node in (here, there):
            await readiness(node, http, broker="ok")
        before = await hints()
        await deactivate(office.olivia, leavers[1].id)
        assert await ben.end() == Closed(4401, "USER_DEACTIVATED")
        assert await hints() > before
        closed_after = partial(measured, there, http, "offboard_closed_after_seconds_bucket")
        assert await closed_after(le="5.0") == await closed_after(le="+Inf") == len(leavers)
        assert await watcher.hear(2) == await office.events(start)
        watcher.leave()


@pytest.mark.only_on("postgresql")
async def test_while_postgresql_is_restarted_people_leave(
    own_postgresql: PostgreSQL, broker_url: str, new_server: NewServer, http: httpx.AsyncClient
) -> None:
    nodes = [new_server(own_postgresql.url, BROKER_URL=broker_url).start() for _ in range(2)]
    office = await Office.open(nodes[0], http)
    start = await office.olivia.feed_position()
    watchers = [
        Resuming(await office.sign_in("Olivia"), [node], start, scope="WORKSPACE") for node in nodes for _ in range(2)
    ]
    people = await hire_many(office, LEAVERS + 1)
    *leavers, last = [Resuming(each, nodes, start, scope="CURRENT_SESSION") for each in people]
    await asyncio.gather(*(each.connected.wait() for each in (*watchers, *leavers, last)))
    calls = [asyncio.create_task(insist(office, random.choice(nodes), each.person)) for each in leavers]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    own_postgresql.crash()
    for node in nodes:
        await readiness(node, http, database="failing")
        await until(lambda node=node: "positions of the feed failed" in node.log())
    own_postgresql.start()
    assert sum(await asyncio.gather(*calls)) > 0, "Nobody left while PostgreSQL was gone"
    for leaver in leavers:
        assert await leaver.end() == Closed(4401, "USER_DEACTIVATED")
    assert last.closed is None
    await office.end_quietly(last.person)
    assert await last.end() == Closed(4401, "SIGNED_OUT")
    rows = await office.events(start)
    gone = {leaver.person.session_id for leaver in (*leavers, last)}
    assert (len(rows), {session for _, session in rows}) == (len(gone), gone)
    for watcher in watchers:
        assert await watcher.hear(len(rows)) == rows
        watcher.leave()


async def insist(office: Office, node: Server, leaver: Person) -> int:
    """Deactivate somebody, again and again until that is answered with success; how often it was not."""
    failures = 0
    async with open_http(node.port) as connection:
        while True:
            status, answer = await connection.post(office.olivia.token, DEACTIVATE, id=leaver.id)
            if status == 200 and "errors" not in answer:
                return failures
            assert answer["errors"][0]["extensions"]["code"] == "INTERNAL", answer
            failures += 1
            await asyncio.sleep(PATIENCE_S)
