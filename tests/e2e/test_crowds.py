"""A thousand sockets on one node: they come back at once, one more gets stuck, the node stops."""

import asyncio
import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from socket import socket

import httpx
import pytest

from models.enums import Role
from tests.e2e.callers import Person, deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.lean import Closed, LeanSocket, open_http, open_lean, said
from tests.e2e.metrics import measured
from tests.e2e.office import Office
from tests.e2e.server import Server
from tests.e2e.sockets import SESSION_REVOKED
from tests.e2e.staff import hire_many
from tests.e2e.stuck import clog, drain, stuck
from tests.waiting import eventually

pytestmark = pytest.mark.long

CROWD = 1_000
MISSED = 5
TOLD = 5
SUBSCRIPTIONS = 500
LONG_ID = "x" * 4_000
"""With so many subscriptions of such ids a few events are more than system and node keep for who does not read."""

STOPS_WITHIN = timedelta(seconds=5)
"""How long the server may take from the signal to its end, by its own clock."""


class Returning:
    """A client that has seen some events and comes back for the rest."""

    def __init__(self, person: Person, seen: int) -> None:
        self.person = person
        self.seen = seen
        self.socket: LeanSocket

    async def come(self, port: int, cursors: Sequence[str]) -> None:
        """Come back to a node, and get what is missing."""
        self.socket = await open_lean(port, self.person.token)
        self.socket.subscribe(SESSION_REVOKED, scope="WORKSPACE", after=cursors[self.seen])
        await self.socket.hear(len(cursors) - 1 - self.seen)


async def test_a_thousand_sockets(new_server: NewServer, http: httpx.AsyncClient) -> None:
    server = new_server(MAX_OPERATIONS_PER_SOCKET=str(2 * SUBSCRIPTIONS)).start()
    office = await Office.open(server, http)
    start = await office.olivia.feed_position()
    leavers = await hire_many(office, MISSED + TOLD)
    crowd = [Returning(each, random.randint(0, MISSED)) for each in await hire_many(office, CROWD, Role.ADMIN)]
    for each in leavers[:MISSED]:
        await office.end_quietly(each)
    cursors = [start, *(cursor for cursor, _ in await office.events(start))]
    await all_come_back_at_once(server, office, crowd, cursors)
    with stuck(server.port, office.olivia.token) as raw:
        await all_hear_while_one_is_stuck(raw, office, crowd, leavers[MISSED:], start)
    with stuck(server.port, office.olivia.token) as raw:
        await asyncio.to_thread(clog, raw)
        await all_are_sent_away(server, crowd)


async def all_come_back_at_once(server: Server, office: Office, crowd: list[Returning], cursors: Sequence[str]) -> None:
    """Meanwhile somebody else is answered."""
    coming = asyncio.gather(*(each.come(server.port, cursors) for each in crowd))
    answers = 0
    async with open_http(server.port) as connection:
        while not coming.done():
            status, _ = await connection.post(office.olivia.token, "{ viewer { id } }")
            assert status == 200
            answers += 1
    await coming
    assert answers >= 3, "whoever asks shares this process with the crowd, and still is answered before it is through"


async def all_hear_while_one_is_stuck(
    raw: socket, office: Office, crowd: list[Returning], leavers: list[Person], start: str
) -> None:
    """It is cut off, and what waited for it is gone."""
    variables = {"scope": "WORKSPACE", "after": await office.olivia.feed_position()}
    payload = {"query": SESSION_REVOKED, "variables": variables}
    for number in range(SUBSCRIPTIONS):
        raw.sendall(said({"type": "subscribe", "id": f"{LONG_ID}{number}", "payload": payload}))
    for each in leavers:
        await deactivate(office.olivia, each.id)
    rows = await office.events(start)
    for client in crowd:
        await client.socket.hear(len(rows) - client.seen)
        assert client.socket.heard == rows[client.seen :]

    async def cut_off() -> bool | None:
        return await measured(office.server, office.http, "offboard_open_sockets") == len(crowd) or None

    assert await eventually(cut_off)
    assert (await asyncio.to_thread(drain, raw)).count(b'"next"') < SUBSCRIPTIONS * len(leavers)


async def all_are_sent_away(server: Server, crowd: list[Returning]) -> None:
    """In time, although one does not read."""
    server.begin_log()
    server.terminate()
    assert await asyncio.to_thread(server.wait) == 0, server.log()
    assert {await client.socket.end() for client in crowd} == {Closed(1012)}
    lines = [json.loads(line) for line in server.log().splitlines()]
    assert lines[0]["event"] == "Shutting down"
    assert lines[-1]["event"].startswith("Finished server process")
    assert datetime.fromisoformat(lines[-1]["timestamp"]) - datetime.fromisoformat(lines[0]["timestamp"]) < STOPS_WITHIN
    assert {line["level"] for line in lines} <= {"info", "warning"}
