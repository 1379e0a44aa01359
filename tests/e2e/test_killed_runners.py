"""`kill -9` at random moments of a hand-over: it goes on, each conversation moves once, and the counts are exact."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import distinct, func, select

from models.database import table
from models.enums import BulkOperationStatus, Role
from models.work import Assignment, BulkOperation, Conversation, FollowUp
from resolvers.bulk import running
from resolvers.handover import undo_bulk_reassign
from tests.crowd import conversations
from tests.e2e.runners import RunnerProcess
from tests.records import call
from tests.resolvers.handing_over import hand_over, to
from tests.resolvers.test_running import follow_ups
from tests.waiting import eventually
from tests.workshop import Workshop

pytestmark = pytest.mark.long

KILLS = 50
MOST_AT_ONE = 13
"""Kills of one operation. On a slow machine a node gets little done before it is killed, and more would have no end."""
CONVERSATIONS = 600
FOLLOW_UPS = 200
LONGEST_S = 0.08
"""A node lives on for up to so long once it has been seen to carry an operation on: some chunks."""

ASSIGNMENT, CONVERSATION, FOLLOW_UP, OPERATION = map(table, (Assignment, Conversation, FollowUp, BulkOperation))


async def test_operations_whose_nodes_are_killed(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red without the condition on the revision, and where the place or a count is not stored with its chunk."""
    monkeypatch.setattr(running, "AT_ONCE", 0)
    ana = await workshop.person("Ana Abel", Role.AGENT)
    heirs = [await workshop.person(f"Heir{number}", Role.AGENT) for number in range(3)]
    made = await conversations(workshop, range(CONVERSATIONS), [ana])
    promises = await follow_ups(workshop, made[:FOLLOW_UPS], ana)
    nodes = [RunnerProcess(workshop.database.url) for _ in range(2)]
    try:
        kills = 0
        while kills < KILLS:
            done = await hand_over(workshop, to(*heirs), assigned_to_user_id=ana.id)
            kills += await kill_until_it_ends(workshop, nodes, done.operation_id)
            await all_moved_once(workshop, done.operation_id)
            shares = await held(workshop, made)
            assert sorted(shares.values()) == [CONVERSATIONS // 3] * 3
            assert set(shares) == {each.actor_id for each in heirs}
            undo = await call(workshop, undo_bulk_reassign, workshop.olivia, operation_id=done.operation_id)
            kills += await kill_until_it_ends(workshop, nodes, undo.operation_id)
            await all_moved_once(workshop, undo.operation_id)
            assert await held(workshop, made) == {ana.actor_id: CONVERSATIONS}
        assert await workshop.count(FollowUp, assignee_id=ana.actor_id) == len(promises)
    finally:
        for each in nodes:
            each.crash()


async def kill_until_it_ends(shop: Workshop, nodes: list[RunnerProcess], operation_id: UUID) -> int:
    """Kill whoever carries an operation on, again and again; says how often."""
    kills = 0
    while (owner := await eventually(lambda: owner_of(shop, operation_id))) != ENDED:
        await asyncio.sleep(random.uniform(0, LONGEST_S))
        for number, node in enumerate(nodes):
            if node.owner_id == owner and kills < MOST_AT_ONE:
                await asyncio.to_thread(node.crash)
                nodes[number] = await asyncio.to_thread(RunnerProcess, shop.database.url)
                kills += 1
    return kills


ENDED = UUID(int=0)


async def owner_of(shop: Workshop, operation_id: UUID) -> UUID | None:
    c = OPERATION.c
    async with shop.database.read() as reader:
        row = await reader.row(select(c.status, c.lease_owner_id).where(c.id == operation_id))
    assert row is not None
    found: UUID | None = row.lease_owner_id if row.status is BulkOperationStatus.RUNNING else ENDED
    return found


async def all_moved_once(shop: Workshop, operation_id: UUID) -> None:
    row = await shop.load(BulkOperation, id=operation_id)
    assert row.status is BulkOperationStatus.COMPLETED
    assert (row.matched, row.processed, row.skipped) == (CONVERSATIONS + FOLLOW_UPS, CONVERSATIONS + FOLLOW_UPS, 0)
    assert (row.reassigned_conversations, row.reassigned_follow_ups) == (CONVERSATIONS, FOLLOW_UPS)
    each = ASSIGNMENT.c.conversation_id
    async with shop.database.read() as reader:
        noted = await reader.row(
            select(func.count(), func.count(distinct(each))).where(ASSIGNMENT.c.operation_id == operation_id)
        )
    assert noted is not None
    assert tuple(noted) == (CONVERSATIONS, CONVERSATIONS)


async def held(shop: Workshop, made: Sequence[UUID]) -> dict[Any, int]:
    """How many conversations each actor has."""
    c = CONVERSATION.c
    async with shop.database.read() as reader:
        rows = await reader.rows(select(c.assignee_id, func.count()).group_by(c.assignee_id))
    assert sum(row[1] for row in rows) == len(made)
    return {row[0]: row[1] for row in rows}
