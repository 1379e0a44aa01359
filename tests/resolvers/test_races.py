"""Races, with real concurrency: two nodes, each with connections of its own to one database, 200 rounds each."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from models.database import Database, table
from models.enums import ClientKind, ErrorCode, Role, UserStatus
from models.people import User, UserSession
from models.work import Conversation
from resolvers.conversations import assign_conversation
from resolvers.errors import Refused, Unauthenticated
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.passwords import hash_password
from resolvers.signing_in import SignedIn, sign_in
from resolvers.targets import Target
from resolvers.viewer import authenticate
from tests.workshop import Person, Workshop

ROUNDS = 200
DAY = timedelta(days=1)


async def together(*work: Awaitable[Any]) -> list[Any]:
    """Run everything at once, beginning in any order; outcomes and refusals in the order given."""

    async def begin(each: Awaitable[Any]) -> Any:
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        return await each

    outcomes = await asyncio.gather(*map(begin, work), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refused | Unauthenticated):
            raise outcome
    return outcomes


async def deactivate_each_other(
    workshop: Workshop, node: Database, one: Person, two: Person
) -> tuple[list[Any], list[UserStatus]]:
    await workshop.sign_in(one)
    await workshop.sign_in(two)
    outcomes = await together(
        workshop.database.transact(lambda tx: deactivate_user(tx, one.viewer, user_id=two.id)),
        node.transact(lambda tx: deactivate_user(tx, two.viewer, user_id=one.id)),
    )
    statuses = [(await workshop.load(User, id=person.id)).status for person in (one, two)]
    for person in (one, two):
        await workshop.change(User, person.id, status=UserStatus.ACTIVE)
    return outcomes, statuses


async def test_two_owners_deactivating_each_other(workshop: Workshop, node: Database) -> None:
    """Red when writers begin with BEGIN instead of BEGIN IMMEDIATE: the loser fails with a locked database."""
    omar = await workshop.person("Omar Olsen", Role.OWNER)
    for _ in range(ROUNDS):
        outcomes, statuses = await deactivate_each_other(workshop, node, workshop.olivia, omar)
        assert sorted(statuses) == [UserStatus.ACTIVE, UserStatus.INACTIVE]
        assert sum(isinstance(outcome, Unauthenticated) for outcome in outcomes) == 1


async def test_two_administrators_deactivating_each_other(workshop: Workshop, node: Database) -> None:
    """Red likewise."""
    ada, abe = await workshop.person("Ada Adams", Role.ADMIN), await workshop.person("Abe Abbott", Role.ADMIN)
    for _ in range(ROUNDS):
        outcomes, statuses = await deactivate_each_other(workshop, node, ada, abe)
        assert sorted(statuses) == [UserStatus.ACTIVE, UserStatus.INACTIVE]
        assert sum(isinstance(outcome, Unauthenticated) for outcome in outcomes) == 1


async def test_sign_in_racing_with_deactivation(workshop: Workshop, node: Database) -> None:
    """Red when open_session() writes the session without its condition on status and epoch."""
    ana = await workshop.person("Ana Ruiz", Role.AGENT, password_hash=await hash_password("correct horse", 1))
    sessions = table(UserSession)
    for _ in range(ROUNDS):
        signed_in, _ = await together(
            sign_in(
                node,
                workspace="acme",
                email=ana.email,
                password="correct horse",
                lifetime=DAY,
                hash_cost=1,
                client=ClientKind.WEB,
                device_name=None,
                user_agent=None,
                ip_address=None,
            ),
            workshop.database.transact(lambda tx: deactivate_user(tx, workshop.olivia.viewer, user_id=ana.id)),
        )
        async with node.read() as reader:
            alive = await reader.rows(
                sessions.select().where(sessions.c.user_id == ana.id, sessions.c.ended_at.is_(None))
            )
        assert not alive
        await workshop.database.transact(lambda tx: reactivate_user(tx, workshop.olivia.viewer, user_id=ana.id))
        if isinstance(signed_in, SignedIn):
            async with node.read() as reader:
                with pytest.raises(Unauthenticated):
                    await authenticate(reader, signed_in.token)
        else:
            assert [refusal.code for refusal in signed_in.refusals] == [ErrorCode.USER_DEACTIVATED]


async def test_assignment_racing_with_deactivation(workshop: Workshop, node: Database) -> None:
    """Red when resolve_target() does not ask for the status, and when writers do not begin with BEGIN IMMEDIATE."""
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    conversation_id = await workshop.conversation()
    unassigned = Target(())
    for _ in range(ROUNDS):
        assigned, _ = await together(
            node.transact(
                lambda tx: assign_conversation(
                    tx, workshop.olivia.viewer, conversation_id=conversation_id, to=Target((ana.id,))
                )
            ),
            workshop.database.transact(
                lambda tx: deactivate_user(tx, workshop.olivia.viewer, user_id=ana.id, hand_over=unassigned)
            ),
        )
        if isinstance(assigned, Refused):
            assert [refusal.code for refusal in assigned.refusals] == [ErrorCode.ASSIGNEE_INACTIVE]
        assert (await workshop.load(Conversation, id=conversation_id)).assignee_id is None
        await workshop.change(User, ana.id, status=UserStatus.ACTIVE)
