"""Random lifecycles against a plain model: what must hold after every step, whatever happened before."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from models import events
from models.database import Database, Reader, table
from models.enums import DeletionReason, ErrorCode, EventKind, Role, UserChangeKind, UserStatus
from models.people import Actor, User, UserRole, UserSession
from models.work import Conversation
from resolvers.conversations import assign_conversation
from resolvers.deletion import delete_user
from resolvers.errors import Forbidden, Refused, Unauthenticated
from resolvers.handover import bulk_reassign, undo_bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.roles import assign_role, remove_role
from resolvers.sessions import revoke_all_sessions, sign_out
from resolvers.targets import Target
from tests.databases import Databases
from tests.workshop import Person, Workshop

pytestmark = pytest.mark.long

T = TypeVar("T")
ACTOR, CONVERSATION, ROLE, SESSION, USER = map(table, (Actor, Conversation, UserRole, UserSession, User))
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


@dataclass
class Seen:
    """A client's picture: users by id with status and roles, and live sessions."""

    users: dict[UUID, tuple[UserStatus, frozenset[Role]]] = field(default_factory=dict)
    sessions: set[UUID] = field(default_factory=set)


class Lifecycles(RuleBasedStateMachine):
    databases: Databases

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.url = self.databases.empty()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.close()

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
            self.picture, self.position = await self._fresh(reader)
            self.assigned = await self._assignments(reader)

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
            if not isinstance(self.attempt(who, undo_bulk_reassign, operation_id=operation), Exception | None):
                self.restored = set(self.work)

    # -- what must hold -------------------------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "picture"):
            self.run(self._check())

    async def _check(self) -> None:
        async with self.database.read() as reader:
            await self._check_in(reader)

    async def _check_in(self, reader: Reader) -> None:
        fresh, position = await self._fresh(reader)
        statuses = {user_id: status for user_id, (status, _) in fresh.users.items()}
        assert any(status is UserStatus.ACTIVE and Role.OWNER in held for status, held in fresh.users.values())
        assert statuses == {
            each.person.id: UserStatus.ACTIVE if each.active else UserStatus.INACTIVE
            for each in self.known
            if not each.deleted
        }
        alive = await reader.rows(select(SESSION.c.user_id).where(SESSION.c.ended_at.is_(None)))
        assert all(statuses[session.user_id] is UserStatus.ACTIVE for session in alive)
        assigned = await self._assignments(reader)
        for conversation_id, user_id in assigned.items():
            if self.assigned[conversation_id] != user_id and conversation_id not in self.restored:
                assert user_id is None or statuses[user_id] is UserStatus.ACTIVE
        self.assigned, self.restored = assigned, set()
        await self._replay(reader, fresh)
        assert self.picture == fresh
        assert self.position == position

    async def _fresh(self, reader: Reader) -> tuple[Seen, int]:
        users = await reader.rows(select(USER.c.id, USER.c.status))
        held = await reader.rows(select(ROLE.c.user_id, ROLE.c.role))
        sessions = await reader.rows(select(SESSION.c.id).where(SESSION.c.ended_at.is_(None)))
        state = await events.state(reader, self.shop.workspace_id)
        roles_of = {row.id: frozenset(each.role for each in held if each.user_id == row.id) for row in users}
        seen = Seen({row.id: (row.status, roles_of[row.id]) for row in users}, {row.id for row in sessions})
        return seen, state.position

    async def _replay(self, reader: Reader, fresh: Seen) -> None:
        """Apply every later event to the picture, as a client does; roles are read anew when they changed."""
        later = await events.read_after(reader, self.shop.workspace_id, self.position)
        for event in later:
            assert event.position == self.position + 1
            self.position = event.position
            if event.kind is EventKind.SESSION_REVOKED:
                self.picture.sessions.remove(event.session_id)  # type: ignore[arg-type]
                continue
            assert event.user_id is not None
            if event.change is UserChangeKind.DELETED:
                del self.picture.users[event.user_id]
                continue
            status, held = self.picture.users[event.user_id]
            match event.change:
                case UserChangeKind.DEACTIVATED:
                    status = UserStatus.INACTIVE
                case UserChangeKind.REACTIVATED:
                    status = UserStatus.ACTIVE
                case UserChangeKind.ROLES_CHANGED:
                    held = fresh.users.get(event.user_id, (status, held))[1]
            self.picture.users[event.user_id] = (status, held)

    async def _assignments(self, reader: Reader) -> dict[UUID, UUID | None]:
        rows = await reader.rows(
            select(CONVERSATION.c.id, ACTOR.c.user_id).outerjoin(ACTOR, ACTOR.c.id == CONVERSATION.c.assignee_id)
        )
        return {row.id: row.user_id for row in rows}


def test_lifecycles(databases: Databases) -> None:
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
