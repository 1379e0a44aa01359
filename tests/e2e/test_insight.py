"""What a server's log tells of the subscriptions that have ended, over a socket and as event streams."""

import asyncio
import json
from typing import Any

import pytest

from models.enums import Role
from tests.e2e.callers import Caller, deactivate
from tests.e2e.office import Office
from tests.e2e.sockets import socket_of
from tests.waiting import until

pytestmark = pytest.mark.only_on("sqlite")

QUERY = "subscription Watch%s { sessionRevoked(scope: WORKSPACE) { reason } }"


async def stream(caller: Caller, name: str, begun: asyncio.Event) -> None:
    """Read an event stream to its end."""
    headers = {"Authorization": f"Bearer {caller.token}", "Accept": "text/event-stream"}
    async with caller.http.stream("POST", caller.url, json={"query": QUERY % name}, headers=headers) as response:
        begun.set()
        async for _ in response.aiter_raw():
            pass


def lines(office: Office) -> dict[str, dict[str, Any]]:
    """The lines of this office's subscriptions so far, by their names."""
    found = [json.loads(line) for line in office.server.log().splitlines() if '"subscription"' in line]
    return {line["operation"]: line for line in found}


async def test_how_a_subscription_ends_is_told(office: Office) -> None:
    ana, ben = await office.hire("Ana", Role.ADMIN), await office.hire("Ben", Role.ADMIN)
    begun = [asyncio.Event() for _ in range(3)]
    leaving = asyncio.create_task(stream(ana, "LeftStream", begun[0]))
    staying = asyncio.create_task(stream(ana, "Stream", begun[1]))
    losing = asyncio.create_task(stream(ben, "ForbiddenStream", begun[2]))
    await asyncio.gather(*(each.wait() for each in begun))
    async with socket_of(ana) as socket, socket_of(ben) as other:
        for open_socket, names in ((socket, ("Completed", "SignedOut")), (other, ("Forbidden",))):
            for name in names:
                await open_socket.say(type="subscribe", id=name, payload={"query": QUERY % name})
            await open_socket.settle()
        await socket.say(type="complete", id="Completed")
        await socket.settle()
        leaving.cancel()
        await until(lambda: "WatchLeftStream" in lines(office))
        await office.olivia.do(
            "mutation($id: ID!) { removeRole(input: {userId: $id, role: ADMIN}) { errors { code } } }", id=ben.id
        )
        await losing
        await deactivate(office.olivia, ana.id)
        await staying
    await until(lambda: len(lines(office)) == 6)
    assert {name: (line["events"], line["ended"]) for name, line in lines(office).items()} == {
        "WatchCompleted": (0, "COMPLETED"),
        "WatchLeftStream": (0, "DISCONNECTED"),
        "WatchForbidden": (0, "FORBIDDEN"),
        "WatchForbiddenStream": (0, "FORBIDDEN"),
        "WatchSignedOut": (1, "USER_DEACTIVATED"),
        "WatchStream": (1, "USER_DEACTIVATED"),
    }
