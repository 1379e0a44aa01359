"""Races within a workspace: its lock, read anew under it, decides."""

from datetime import timedelta
from typing import Any

import pytest

from models.database import Database, Tx, table
from models.enums import ClientKind, ConversationStatus, ErrorCode, Role, UserStatus
from models.people import User, UserRole, UserSession
from models.work import BulkOperation, Conversation
from resolvers import upkeep
from resolvers.conversations import assign_conversation
from resolvers.errors import Refused, Unauthenticated
from resolvers.handover import bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user
from resolvers.passwords import hash_password
from resolvers.roles import remove_role
from resolvers.signing_in import SignedIn, sign_in
from resolvers.targets import Target
from resolvers.viewer import authenticate
from tests.races import FEWER_ROUNDS, ROUNDS, refusals, rewind, together
from tests.workshop import Person, Workshop

pytestmark = pytest.mark.long

UNASSIGNED = Target(())


async def deactivate_each_other(
    workshop: Workshop, node: Database, one: Person, two: Person
) -> tuple[list[Any], list[UserStatus]]:
    outcomes = await together(
        workshop.database.transact(lambda tx: deactivate_user(tx, one.viewer, user_id=two.id)),
        node.transact(lambda tx: deactivate_user(tx, two.viewer, user_id=one.id)),
    )
    statuses = [(await workshop.load(User, id=person.id)).status for person in (one, two)]
    await rewind(workshop)
    return outcomes, statuses


@pytest.mark.parametrize("roles", [(Role.OWNER,), (Role.ADMIN,)], ids=["owners", "administrators"])
async def test_two_who_deactivate_each_other(workshop: Workshop, node: Database, roles: tuple[Role, ...]) -> None:
    """Red when the viewer is not read anew under the lock, and when there is no lock. On SQLite, where writers begin
    with BEGIN instead of BEGIN IMMEDIATE: the loser fails with a locked database."""
    one, two = await workshop.person("Ada Adams", *roles), await workshop.person("Abe Abbott", *roles)
    for person in (one, two):
        await workshop.sign_in(person)
    for _ in range(ROUNDS):
        outcomes, statuses = await deactivate_each_other(workshop, node, one, two)
        assert sorted(statuses) == [UserStatus.ACTIVE, UserStatus.INACTIVE]
        assert sum(isinstance(outcome, Unauthenticated) for outcome in outcomes) == 1


async def step_down(tx: Tx, owner: Person) -> None:
    await remove_role(tx, owner.viewer, user_id=owner.id, role=Role.OWNER)


async def leave(tx: Tx, owner: Person) -> None:
    await deactivate_user(tx, owner.viewer, user_id=owner.id)


@pytest.mark.parametrize("ways", [(step_down, step_down), (leave, leave), (step_down, leave)])
async def test_the_last_two_owners_do_not_both_go(workshop: Workshop, node: Database, ways: Any) -> None:
    """Red without the lock."""
    olivia, omar = workshop.olivia, await workshop.person("Omar Olsen", Role.OWNER)
    await workshop.sign_in(omar)
    roles = table(UserRole)
    for _ in range(FEWER_ROUNDS):
        outcomes = await together(
            workshop.database.transact(lambda tx: ways[0](tx, olivia)),
            node.transact(lambda tx: ways[1](tx, omar)),
        )
        assert refusals(outcomes) == [ErrorCode.SOLE_OWNER]
        async with node.begin() as tx:
            await tx.run(roles.delete().where(roles.c.role == Role.OWNER))
            await tx.add(
                *(
                    UserRole(user_id=each.id, role=Role.OWNER, workspace_id=workshop.workspace_id)
                    for each in (olivia, omar)
                )
            )
        await rewind(workshop)


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
                lifetime=timedelta(days=1),
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
            if isinstance(signed_in, SignedIn):
                with pytest.raises(Unauthenticated):
                    await authenticate(reader, signed_in.token)
            else:
                assert refusals([signed_in]) == [ErrorCode.USER_DEACTIVATED]
        async with node.begin() as tx:
            await tx.run(sessions.delete().where(sessions.c.user_id == ana.id))
        await rewind(workshop)


async def test_assignment_racing_with_deactivation(workshop: Workshop, node: Database) -> None:
    """Red when resolve_target() does not ask for the status, or neither locks the user nor is locked out."""
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    conversation_id = await workshop.conversation()
    for _ in range(ROUNDS):
        assigned, _ = await together(
            node.transact(
                lambda tx: assign_conversation(
                    tx, workshop.olivia.viewer, conversation_id=conversation_id, to=Target((ana.id,))
                )
            ),
            workshop.database.transact(
                lambda tx: deactivate_user(tx, workshop.olivia.viewer, user_id=ana.id, hand_over=UNASSIGNED)
            ),
        )
        if isinstance(assigned, Refused):
            assert refusals([assigned]) == [ErrorCode.ASSIGNEE_INACTIVE]
        assert (await workshop.load(Conversation, id=conversation_id)).assignee_id is None
        await rewind(workshop)


async def test_a_hand_over_that_is_sent_twice_happens_once(workshop: Workshop, node: Database) -> None:
    """Red without the lock."""
    conversation_id = await workshop.conversation(assignee=workshop.olivia)
    for number in range(FEWER_ROUNDS):

        async def hand_over(tx: Tx, key: str = f"key {number}") -> Any:
            return await bulk_reassign(
                tx,
                workshop.olivia.viewer,
                filter=InboxFilter(ids=[conversation_id]),
                to=UNASSIGNED,
                idempotency_key=key,
            )

        first, second = await together(workshop.database.transact(hand_over), node.transact(hand_over))
        assert first == second
        assert await workshop.count(BulkOperation) == number + 1


async def test_a_hand_over_counts_what_it_moves_while_the_clock_wakes(workshop: Workshop, node: Database) -> None:
    """Red when the clock wakes without the workspace's lock."""
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    asleep = {"status": ConversationStatus.SNOOZED, "snoozed_until": workshop.olivia.viewer.last_seen_at}
    made = [await workshop.conversation(**asleep) for _ in range(3)]
    for _ in range(FEWER_ROUNDS):
        moved, _ = await together(
            node.transact(
                lambda tx: bulk_reassign(
                    tx,
                    workshop.olivia.viewer,
                    filter=InboxFilter(status=[ConversationStatus.OPEN]),
                    to=Target((ana.id,)),
                )
            ),
            workshop.database.transact(upkeep.wake_conversations),
        )
        done = await workshop.load(BulkOperation, id=moved.operation_id)
        assert (done.matched, done.reassigned_conversations) in ((0, 0), (3, 3))
        for each in made:
            await workshop.change(Conversation, each, assignee_id=None, **asleep)
