"""What one node does is true at the other one: at once for tokens, soon for sockets."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.callers import DEACTIVATE, Person
from tests.e2e.lean import Closed, open_http, open_lean
from tests.e2e.office import Office
from tests.e2e.server import Server
from tests.e2e.staff import hire_many

pytestmark = pytest.mark.long

ROUNDS = 500
AT_ONCE = 8
WITH_SOCKETS = 40


async def test_who_is_deactivated_at_one_node_is_out_at_the_other(
    two_nodes: list[Server], http: httpx.AsyncClient
) -> None:
    office = await Office.open(two_nodes[0], http)
    people = await hire_many(office, ROUNDS)
    sockets = [await open_lean(two_nodes[n % 2].port, each.token) for n, each in enumerate(people[:WITH_SOCKETS])]
    leavers = iter(people)
    await asyncio.gather(*(deactivate_in_turn(office, two_nodes, leavers) for _ in range(AT_ONCE)))
    for socket in sockets:
        assert await socket.end() == Closed(4401, "USER_DEACTIVATED")


async def deactivate_in_turn(office: Office, nodes: list[Server], leavers: Iterator[Person]) -> None:
    """Let Olivia deactivate at one node, and let the leaver try the other node in the moment of her answer."""
    async with open_http(nodes[0].port) as here, open_http(nodes[1].port) as there:
        for leaver in leavers:
            assert (await there.post(leaver.token, "{ viewer { id } }"))[0] == 200
            status, answer = await here.post(office.olivia.token, DEACTIVATE, id=leaver.id)
            assert (status, answer) == (200, {"data": {"deactivateUser": {"revokedSessions": 1, "errors": []}}})
            status, answer = await there.post(leaver.token, "{ viewer { id } }")
            assert (status, answer["errors"][0]["extensions"]["reason"]) == (401, "USER_DEACTIVATED")
            here, there = there, here
