"""What a subscription leaves behind when it ends: a line in the log, and its place in a histogram."""

from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from models.enums import Role
from offboard import insight
from offboard.feed import Operation, OperationFailed
from offboard.gateway import Gateway
from resolvers.bulk import running
from resolvers.roles import assign_role
from schema import ids
from tests.crowd import conversations
from tests.offboard.feed.stage import Client
from tests.offboard.watchers import connect, do, subscribe
from tests.resolvers.handing_over import UNASSIGNED, hand_over
from tests.workshop import Workshop

pytestmark = pytest.mark.only_on("sqlite")  # what is told does not depend on the database

CHANGES = "subscription Changes { userChanged { cursor } }"
PROGRESS = "subscription Progress($id: ID!) { bulkOperationProgress(id: $id) { status } }"


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insight, "_names", set())


def lasted(label: str) -> float:
    return REGISTRY.get_sample_value("offboard_subscription_seconds_count", {"operation": label}) or 0


async def test_a_line_tells_of_one_that_followed_the_feed(gateway: Gateway, workshop: Workshop) -> None:
    before = lasted("Changes")
    client = await connect(gateway, workshop.olivia)
    await subscribe(gateway, client, CHANGES)
    await do(gateway, workshop, assign_role, user_id=workshop.olivia.id, role=Role.AGENT)
    await client.payloads(1)
    with capture_logs() as logs:
        client.feed.unfollow(client.connection, "1")
    (line,) = logs
    assert line.pop("ms") > 0
    assert line == {
        "event": "Operation",
        "log_level": "info",
        "operation": "Changes",
        "kind": "subscription",
        "document": sha256(CHANGES.encode()).hexdigest(),
        "events": 1,
        "ended": "COMPLETED",
        "workspace_id": str(workshop.workspace_id),
    }
    assert lasted("Changes") == before + 1


async def follow(gateway: Gateway, client: Client, id: str) -> AsyncGenerator[Any, None]:
    results = await gateway.execute(client.connection, Operation(PROGRESS, None, {"id": id}), {"headers": []})
    return cast("AsyncGenerator[Any, None]", results)


async def test_and_of_one_that_followed_a_hand_over(
    gateway: Gateway, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await workshop.person("Ana", Role.AGENT)
    await conversations(workshop, [1, 2], [ana])
    done = await hand_over(workshop, UNASSIGNED)
    monkeypatch.setattr(running, "AT_ONCE", 0)
    await conversations(workshop, [1, 2], [ana])
    goes_on = await hand_over(workshop, UNASSIGNED)
    client = await connect(gateway, workshop.olivia)
    with capture_logs() as logs:
        async for _ in await follow(gateway, client, ids.encode("BulkOperation", done.operation_id)):
            pass
        with pytest.raises(OperationFailed):
            await anext(await follow(gateway, client, ids.encode("BulkOperation", ana.id)))
        for attached in (True, False):
            results = await follow(gateway, client, ids.encode("BulkOperation", goes_on.operation_id))
            await anext(results)
            if not attached:
                client.feed.detach(client.connection)
            await results.aclose()
    assert [(each["operation"], each["events"], each["ended"]) for each in logs] == [
        ("Progress", 1, "COMPLETED"),
        ("Progress", 0, "NOT_FOUND"),
        ("Progress", 1, "COMPLETED"),
        ("Progress", 1, "DISCONNECTED"),
    ]
