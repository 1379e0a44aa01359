"""Operations in the background of a running server, as a client follows them."""

import asyncio
import time
from typing import Any

import pytest

from tests.e2e.callers import Person
from tests.e2e.office import Office
from tests.e2e.sockets import socket_of
from tests.e2e.workload import give_work

MANY = 6_000
TOO_MANY = 20_000
"""What takes longer than a request to stop it needs to arrive."""
PROGRESS = """subscription($id: ID!) { bulkOperationProgress(id: $id) {
  id status matched processed reassignedConversations skipped finishedAt
} }"""
HAND_OVER = """mutation($from: ID!, $to: ID!) {
  bulkReassign(input: {filter: {assignedTo: {userId: $from}}, to: {userId: $to}, idempotencyKey: "leaving"}) {
    matched operation { id status } errors { code message }
  }
}"""
TAKE_BACK = """mutation($id: ID!) {
  undoBulkReassign(input: {operationId: $id}) { operation { id status } errors { code message } }
}"""
STOP = """mutation($id: ID!) {
  cancelBulkReassign(input: {operationId: $id}) { operation { status processed } errors { code message } }
}"""
RECENT = """{ bulkOperations(first: 5) { totalCount edges { node { id status undoOf { id } } } } }"""
HISTORY = """query($user: ID!) { inbox(filter: {assignedTo: {userId: $user}}, first: 1) { edges { node {
  assignments { totalCount edges { node {
    from { displayName } to { displayName } by { displayName } operation { id }
  } } }
} } } }"""


async def follow(person: Person, operation_id: str) -> list[tuple[float, dict[str, Any]]]:
    """All states of an operation that are told, with their times."""
    told: list[tuple[float, dict[str, Any]]] = []
    async with socket_of(person) as socket:
        payload = {"query": PROGRESS, "variables": {"id": operation_id}}
        await socket.say(id="1", type="subscribe", payload=payload)
        while (message := await socket.hear())["type"] == "next":
            told.append((time.monotonic(), message["payload"]["data"]["bulkOperationProgress"]))
        assert message == {"id": "1", "type": "complete"}
    return told


@pytest.fixture
async def ana(office: Office) -> Person:
    ana = await office.hire("Ana")
    await give_work(office, ana, MANY)
    return ana


async def test_a_large_hand_over_is_followed_to_its_end(office: Office, ana: Person) -> None:
    ben = await office.hire("Ben")
    started = await asyncio.gather(*(office.olivia.do(HAND_OVER, **{"from": ana.id, "to": ben.id}) for _ in range(3)))
    assert len({each["operation"]["id"] for each in started}) == 1
    assert {each["matched"] for each in started} == {MANY}
    assert "RUNNING" in {each["operation"]["status"] for each in started}
    operation_id = started[0]["operation"]["id"]
    told = await follow(office.olivia, operation_id)
    assert len(told) <= 2 + 4 * (told[-1][0] - told[0][0])
    processed = [state["processed"] for _, state in told]
    assert processed == sorted(processed)
    last = told[-1][1]
    assert (last["status"], last["matched"], last["processed"], last["skipped"]) == ("COMPLETED", MANY, MANY, 0)
    assert last["reassignedConversations"] == MANY
    undone = await office.olivia.do(TAKE_BACK, id=operation_id)
    assert undone["operation"]["status"] == "RUNNING"
    assert (await follow(office.olivia, undone["operation"]["id"]))[-1][1]["reassignedConversations"] == MANY
    recent = await office.olivia.ask(RECENT)
    assert [edge["node"] for edge in recent["edges"]] == [
        {"id": undone["operation"]["id"], "status": "COMPLETED", "undoOf": {"id": operation_id}},
        {"id": operation_id, "status": "UNDONE", "undoOf": None},
    ]
    inbox = await office.olivia.ask(HISTORY, user=ana.id)
    history = inbox["edges"][0]["node"]["assignments"]
    assert [edge["node"] for edge in history["edges"]] == [
        {
            "from": {"displayName": "Ben"},
            "to": {"displayName": "Ana"},
            "by": {"displayName": "Olivia"},
            "operation": {"id": undone["operation"]["id"]},
        },
        {
            "from": {"displayName": "Ana"},
            "to": {"displayName": "Ben"},
            "by": {"displayName": "Olivia"},
            "operation": {"id": operation_id},
        },
    ]
    assert history["totalCount"] == 2


async def test_it_is_stopped_where_it_is(office: Office, ana: Person) -> None:
    await give_work(office, ana, TOO_MANY - MANY)
    ben = await office.hire("Ben")
    started = await office.olivia.do(HAND_OVER, **{"from": ana.id, "to": ben.id})
    operation_id = started["operation"]["id"]
    stopped = await office.olivia.do(STOP, id=operation_id)
    assert stopped["operation"]["status"] == "CANCELLED"
    told = await follow(office.olivia, operation_id)
    assert [(state["status"], state["processed"]) for _, state in told] == [
        ("CANCELLED", stopped["operation"]["processed"])
    ]
