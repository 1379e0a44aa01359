"""Small requests that ask for much, over HTTP and over sockets, while a second client goes about its work."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.attacks import ATTACKS
from tests.e2e.callers import Caller
from tests.e2e.office import Office
from tests.e2e.server import Server
from tests.e2e.sockets import socket_of

MOST_WORK_S = 0.3
"""Processor time that one attack may cost. Most of what is here costs more than a second where nothing bounds it."""

LONGEST_WAIT_S = 1.0
LONGEST_MESSAGE = 65_536

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@asynccontextmanager
async def bystander(caller: Caller) -> AsyncIterator[list[float]]:
    """Asks all the time, and notes how long each answer took."""
    waited: list[float] = []

    async def ask() -> None:
        while True:
            began = time.monotonic()
            await caller.ask("{ viewer { id } }")
            waited.append(time.monotonic() - began)
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(ask())
    try:
        yield waited
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.only_on("sqlite")
async def test_nobody_waits_for_an_attacker(server: Server, office: Office) -> None:
    """Red without any one of the limits that the document or its variables exceed."""
    ana = await office.hire("Ana")
    costs: dict[str, float] = {}
    async with bystander(ana) as waited, socket_of(office.olivia) as socket:
        for name, (query, variables) in ATTACKS.items():
            before = server.seconds_worked()
            answer = await office.olivia.post(query, **variables)
            assert (answer.status_code, answer.json()["errors"] != []) == (200, True), name
            assert answer.headers["content-type"].startswith("application/json")
            costs[name] = server.seconds_worked() - before
            message = {"id": name, "type": "subscribe", "payload": {"query": query, "variables": variables}}
            if len(json.dumps(message)) > LONGEST_MESSAGE:
                continue
            before = server.seconds_worked()
            await socket.say(**message)
            refused = await socket.hear()
            if refused["type"] == "next":  # with errors alone: the variables, which are looked at when it is executed
                assert refused["payload"].keys() == {"errors"}
                refused = await socket.hear()
            assert (refused["id"], refused["type"] in ("error", "complete")) == (name, True)
            costs[f"{name}, over a socket"] = server.seconds_worked() - before
    assert {name: cost for name, cost in costs.items() if cost > MOST_WORK_S} == {}
    assert max(waited) < LONGEST_WAIT_S
