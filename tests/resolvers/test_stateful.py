"""Random lifecycles against a plain model: what must hold after every step, whatever happened before."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from models.database import Database, Reader, table
from models.enums import BulkOperationStatus, DeletionReason, ErrorCode, Role, UserStatus
from models.people import Actor, UserSession
from models.work import BulkOperation, Conversation
from resolvers.bulk import running
from resolvers.conversations import assign_conversation
from resolvers.deletion import delete_user
from resolvers.doctor import examine
from resolvers.errors import Forbidden, Refused, Unauthenticated
from resolvers.handover import bulk_reassign, cancel_bulk_reassign, undo_bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.roles import assign_role, remove_role
from resolvers.sessions import revoke_all_sessions, sign_out
from resolvers.targets import Target
from tests.databases import Databases
from tests.resolvers.picture import assignments, fresh
from tests.resolvers.running import Node
from tests.workshop import Person, Workshop

pytestmark = pytest.mark.long

T = TypeVar("T")
ACTOR, CONVERSATION, OPERATION, SESSION = map(table, (Actor, Conversation, BulkOperation, UserSession))
NAMES = ("Olivia Owens", "Omar Olsen", "Ada Adams", "Ana Ruiz", "Ben Bell")
CONVERSATIONS = 6

people = st.sampled_from(range(len(NAMES)))
whoever = st.tuples(people, st.sampled_from([True, True, True, False]))
roles = st.sampled_from(list(Role))


@dataclass
class Known:
    """What the model knows of somebody."""

    person: Person
    roles: set[Role]
    active: bool = True
    deleted: bool = False
    signed_in: bool = False


class Lifecycles(RuleBasedStateMachine):
    databases: Databases

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.url = self.databases.empty()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def teardown(self) -> None:
        self.run(self._finish())
        self.loop.close()

    async def _finish(self) -> None:
        """What still goes on comes to an end, after which the whole database keeps the laws."""
        await Node(self.database).finish_all()
        async with self.database.read() as reader:
            assert await examine(reader) == []
            operations = await reader.rows(select(OPERATION))
            left = await reader.rows(
                select(CONVERSATION.c.id)
                .join(ACTOR, ACTOR.c.id == CONVERSATION.c.assignee_id)
                .where(ACTOR.c.user_id.is_(None))
            )
        assert not left
        assert all(each.status is not BulkOperationStatus.RUNNING for each in operations)
        await self.database.close()

    @initialize()
    def open(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        self.database = Database(self.url)
        self.shop = await Workshop.open(self.database)
        given = [{Role.OWNER}, {Role.ADMIN}, {Role.ADMIN}, {Role.AGENT}, {Role.AGENT}]
        self.known = [Known(self.shop.olivia, {Role.OWNER}, signed_in=True)]
        for name, held in list(zip(NAMES, given, strict=True))[1:]:
            person = await self.shop.person(name, *held)
            await self.shop.sign_in(person)
            self.known.append(Known(person, held, signed_in=True))
        self.work = [
            await self.shop.conversation(f"Case {number}", self.known[number % len(NAMES)].person)
            for number in range(CONVERSATIONS)
        ]
        self.operations: list[UUID] = []
        self.restored: set[UUID] = set()
        async with self.database.read() as reader:
            self.picture, self.position = await fresh(reader, self.shop.workspace_id)
            self.assigned = await assignments(reader)

    # -- what happens ---------------------------------------------------------------------------------------------

    def attempt(self, who: int, verb: Any, **arguments: Any) -> Any:
        """Run a verb as somebody; the outcome, or the refusal."""
        viewer = self.known[who].person.viewer
        if viewer is None:
            return None
        try:
            return self.run(self.database.transact(lambda tx: verb(tx, viewer, **arguments)))
        except (Refused, Forbidden, Unauthenticated) as refusal:
            return refusal

    def actor(self, by: tuple[int, bool]) -> int:
        """Somebody, and mostly somebody who is signed in, so that most attempts are worth making."""
        number, prefer_live = by
        live = [index for index, known in enumerate(self.known) if known.signed_in]
        return live[number % len(live)] if prefer_live and live else number

    def lives(self, who: int) -> bool:
        return self.known[who].signed_in

    def owners(self) -> int:
        return sum(each.active and not each.deleted and Role.OWNER in each.roles for each in self.known)

    def may_act(self, who: int, target_roles: set[Role]) -> bool:
        held = self.known[who].roles
        return Role.OWNER in held or (Role.ADMIN in held and Role.OWNER not in target_roles)

    @rule(who=people)
    def sign_in(self, who: int) -> None:
        known = self.known[who]
        if known.active and not known.deleted:
            viewer = self.run(self.shop.sign_in(known.person))
            self.picture.sessions.add(viewer.session_id)  # type: ignore[arg-type]
            known.signed_in = True

    @rule(by=whoever)
    def sign_out(self, by: tuple[int, bool]) -> None:
        who = self.actor(by)
        outcome = self.attempt(who, sign_out)
        assert self.known[who].person.viewer is None or isinstance(outcome, Unauthenticated) != self.lives(who)
        self.known[who].signed_in = False

    @rule(by=whoever, whom=people)
    def revoke(self, by: tuple[int, bool], whom: int) -> None:
        who = self.actor(by)
        outcome = self.attempt(who, revoke_all_sessions, user_id=self.known[whom].person.id)
        if isinstance(outcome, int):
            self.known[whom].signed_in = False

    @rule(by=whoever, whom=people, hand_over=st.booleans())
    def deactivate(self, by: tuple[int, bool], whom: int, hand_over: bool) -> None:
        who = self.actor(by)
        target = self.known[whom]
        lived, last = self.lives(who), target.active and Role.OWNER in target.roles and self.owners() == 1
        allowed = lived and not target.deleted and self.may_act(who, target.roles) and not last
        outcome = self.attempt(
            who, deactivate_user, user_id=target.person.id, hand_over=Target(()) if hand_over else None
        )
        assert isinstance(outcome, Exception | None) != allowed, outcome
        if allowed:
            target.active = target.signed_in = False

    @rule(by=whoever, whom=people)
    def reactivate(self, by: tuple[int, bool], whom: int) -> None:
        who = self.actor(by)
        target = self.known[whom]
        allowed = self.lives(who) and not target.deleted and self.may_act(who, target.roles)
        outcome = self.attempt(who, reactivate_user, user_id=target.person.id)
        assert isinstance(outcome, UUID) == allowed, outcome
        target.active = target.active or allowed

    @rule(by=whoever, whom=people)
    def delete(self, by: tuple[int, bool], whom: int) -> None:
        who = self.actor(by)
        target = self.known[whom]
        last = target.active and Role.OWNER in target.roles and self.owners() == 1
        allowed = self.lives(who) and Role.OWNER in self.known[who].roles and (target.deleted or not last)
        outcome = self.attempt(
            who,
            delete_user,
            user_id=target.person.id,
            confirmation=target.person.email,
            reason=DeletionReason.PRIVACY_REQUEST,
        )
        if target.deleted and self.lives(who) and Role.ADMIN in self.known[who].roles:
            assert outcome == target.person.id
            return
        assert isinstance(outcome, UUID) == allowed, outcome
        if allowed:
            target.deleted, target.active, target.signed_in = True, False, False

    @rule(by=whoever, whom=people, role=roles, give=st.booleans())
    def change_role(self, by: tuple[int, bool], whom: int, role: Role, give: bool) -> None:
        who = self.actor(by)
        target = self.known[whom]
        last = not give and role is Role.OWNER and target.active and Role.OWNER in target.roles and self.owners() == 1
        allowed = self.lives(who) and not target.deleted and self.may_act(who, target.roles | {role}) and not last
        outcome = self.attempt(who, assign_role if give else remove_role, user_id=target.person.id, role=role)
        assert isinstance(outcome, UUID) == allowed, outcome
        if allowed:
            (target.roles.add if give else target.roles.discard)(role)

    @rule(by=whoever, whom=people, which=st.integers(0, CONVERSATIONS - 1))
    def assign(self, by: tuple[int, bool], whom: int, which: int) -> None:
        who = self.actor(by)
        target = self.known[whom]
        outcome = self.attempt(
            who, assign_conversation, conversation_id=self.work[which], to=Target((target.person.id,))
        )
        may = self.lives(who) and bool(self.known[who].roles - {Role.VIEWER})
        assert isinstance(outcome, UUID) == (may and target.active), outcome
        if may and not target.active:
            code = ErrorCode.NOT_FOUND if target.deleted else ErrorCode.ASSIGNEE_INACTIVE
            assert outcome.refusals[0].code == code

    @rule(by=whoever, whose=people, to=st.lists(people, max_size=3))
    def hand_over(self, by: tuple[int, bool], whose: int, to: list[int]) -> None:
        who = self.actor(by)
        outcome = self.attempt(
            who,
            bulk_reassign,
            filter=InboxFilter(assigned_to_user_id=self.known[whose].person.id),
            to=Target(tuple(self.known[each].person.id for each in to)),
        )
        if outcome is not None and not isinstance(outcome, Exception):
            self.operations.append(outcome.operation_id)

    @rule(by=whoever, data=st.data())
    def undo(self, by: tuple[int, bool], data: st.DataObject) -> None:
        who = self.actor(by)
        if self.operations:
            operation = data.draw(st.sampled_from(self.operations))
            outcome = self.attempt(who, undo_bulk_reassign, operation_id=operation)
            if not isinstance(outcome, Exception | None):
                self.restored = set(self.work)
                self.operations.append(outcome.operation_id)

    @rule(by=whoever, data=st.data())
    def cancel(self, by: tuple[int, bool], data: st.DataObject) -> None:
        who = self.actor(by)
        if self.operations:
            operation = data.draw(st.sampled_from(self.operations))
            self.attempt(who, cancel_bulk_reassign, operation_id=operation)

    @rule(size=st.integers(1, 3))
    def carry_on(self, size: int) -> None:
        """A node deals with a chunk of the oldest operation, and is gone."""
        self.run(self._carry_on(size))

    async def _carry_on(self, size: int) -> None:
        node = Node(self.database, lease=timedelta())
        if (job := await node.take_on()) is not None:
            if job.operation.undo_of_id is not None:
                self.restored = set(self.work)
            await node.go_on(job, size)

    # -- what must hold -------------------------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "picture"):
            self.run(self._check())

    async def _check(self) -> None:
        async with self.database.read() as reader:
            await self._check_in(reader)

    async def _check_in(self, reader: Reader) -> None:
        now, position = await fresh(reader, self.shop.workspace_id)
        statuses = {user_id: status for user_id, (status, _) in now.users.items()}
        assert any(status is UserStatus.ACTIVE and Role.OWNER in held for status, held in now.users.values())
        assert statuses == {
            each.person.id: UserStatus.ACTIVE if each.active else UserStatus.INACTIVE
            for each in self.known
            if not each.deleted
        }
        alive = await reader.rows(select(SESSION.c.user_id).where(SESSION.c.ended_at.is_(None)))
        assert all(statuses[session.user_id] is UserStatus.ACTIVE for session in alive)
        assigned = await assignments(reader)
        for conversation_id, user_id in assigned.items():
            if self.assigned[conversation_id] != user_id and conversation_id not in self.restored:
                assert user_id is None or statuses[user_id] is UserStatus.ACTIVE
        self.assigned, self.restored = assigned, set()
        for operation in await reader.rows(select(OPERATION)):
            moved = operation.reassigned_conversations + operation.reassigned_follow_ups
            assert 0 <= moved <= operation.processed <= operation.matched
        self.position = await self.picture.replay(reader, self.shop.workspace_id, self.position, now)
        assert self.picture == now
        assert self.position == position


def test_lifecycles(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is handed over, and every undoing, goes on in the background."""
    monkeypatch.setattr(running, "AT_ONCE", 0)
    Lifecycles.databases = databases
    run_state_machine_as_test(
        Lifecycles,
        settings=settings(
            max_examples=10,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
