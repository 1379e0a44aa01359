"""The permission table, cell by cell: who may call which verb, on whom.

A cell is what the call comes to: done, FORBIDDEN, or OWNER_REQUIRED. Three words in a row are for a target that is an
owner, an administrator, an agent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from models.database import Database, table
from models.enums import DeletionReason, ErrorCode, Role, TokenScope
from models.people import UserSession
from models.types import now
from resolvers.authority import OWNER_REQUIRED, SOLE_OWNER, act_on, blockers, may_act_on
from resolvers.conversations import add_note, assign_conversation
from resolvers.deletion import delete_user
from resolvers.departures import cancel_departure, schedule_departure
from resolvers.errors import Forbidden, Refused
from resolvers.handover import bulk_reassign, undo_bulk_reassign
from resolvers.holds import lift_legal_hold, place_legal_hold
from resolvers.inbox import InboxFilter
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.plans import departures_of
from resolvers.roles import assign_role, remove_role
from resolvers.sessions import revoke_all_sessions, revoke_session, sign_out
from resolvers.targets import Target
from resolvers.tokens import create_access_token, revoke_access_token
from resolvers.viewer import Viewer
from resolvers.workspaces import update_workspace
from tests.records import Verb, call, outcome
from tests.workshop import Person, Workshop

YES, NO, ASK = "yes", "FORBIDDEN", "OWNER_REQUIRED"
NEVER = (NO, NO, NO)
Table = dict[str, tuple[str, ...]]

ON_USERS: Table = {
    "owner": (YES, YES, YES),
    "admin": (ASK, YES, YES),
    "agent": NEVER,
    "viewer": NEVER,
    "nobody": NEVER,
    "token": (NO, NO, YES),
    "other token": NEVER,
}
ON_USERS_NOT_BY_TOKENS: Table = ON_USERS | {"token": NEVER}
ON_OWNERS: Table = ON_USERS_NOT_BY_TOKENS | {"admin": (ASK, ASK, ASK)}


@dataclass
class Cast:
    """Everybody who may ask, and everybody who may be acted on."""

    callers: dict[str, Person]
    targets: dict[str, Person]


async def cast(shop: Workshop, scope: TokenScope = TokenScope.USERS_WRITE, *, inactive: bool = False) -> Cast:
    callers = {"owner": shop.olivia}
    for role in (Role.ADMIN, Role.AGENT, Role.VIEWER):
        callers[role.lower()] = await shop.person(f"{role}-caller", role)
    callers["nobody"] = await shop.person("nobody")
    for caller in callers.values():
        await shop.sign_in(caller)
    callers["token"] = await shop.partner(scope)
    callers["other token"] = await shop.partner(*(each for each in TokenScope if each is not scope))
    targets = {
        role.lower(): await shop.person(f"{role}-target", role, Role.VIEWER, inactive=inactive)
        for role in (Role.OWNER, Role.ADMIN, Role.AGENT)
    }
    return Cast(callers, targets)


async def cells(shop: Workshop, people: Cast, verb: Verb, words: Callable[[Person], dict[str, Any]]) -> Table:
    return {
        name: tuple([await outcome(shop, verb, caller, **words(target)) for target in people.targets.values()])
        for name, caller in people.callers.items()
    }


def role_of(role: Role) -> Callable[[Person], dict[str, Any]]:
    return lambda target: {"user_id": target.id, "role": role}


@pytest.mark.parametrize("verb", [deactivate_user, reactivate_user])
@pytest.mark.parametrize("inactive", [False, True])
async def test_deactivating_and_reactivating(workshop: Workshop, verb: Verb, inactive: bool) -> None:
    people = await cast(workshop, inactive=inactive)
    assert await cells(workshop, people, verb, lambda target: {"user_id": target.id}) == ON_USERS


@pytest.mark.parametrize("verb", [assign_role, remove_role])
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.VIEWER, ON_USERS),
        (Role.AGENT, ON_USERS),
        (Role.ADMIN, ON_USERS_NOT_BY_TOKENS),
        (Role.OWNER, ON_OWNERS),
    ],
)
async def test_giving_and_taking_roles(workshop: Workshop, verb: Verb, role: Role, expected: Table) -> None:
    assert await cells(workshop, await cast(workshop), verb, role_of(role)) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (DeletionReason.CREATED_IN_ERROR, ON_USERS_NOT_BY_TOKENS),
        (DeletionReason.OFFBOARDED, ON_USERS_NOT_BY_TOKENS),
        (DeletionReason.PRIVACY_REQUEST, ON_OWNERS),
    ],
)
async def test_deleting(workshop: Workshop, reason: DeletionReason, expected: Table) -> None:
    people = await cast(workshop, inactive=True)
    await call(workshop, update_workspace, workshop.olivia, retention_days=0)

    def words(target: Person) -> dict[str, Any]:
        return {"user_id": target.id, "confirmation": target.email, "reason": reason}

    assert await cells(workshop, people, delete_user, words) == expected


async def test_planning_a_departure(workshop: Workshop) -> None:
    people = await cast(workshop)
    at = now() + timedelta(days=1)
    assert await cells(workshop, people, schedule_departure, lambda who: {"user_id": who.id, "at": at}) == ON_USERS
    for target in people.targets.values():
        await call(workshop, schedule_departure, workshop.olivia, user_id=target.id, at=at)
    assert await cells(workshop, people, cancel_departure, lambda target: {"user_id": target.id}) == ON_USERS
    shown: Table = {}
    for name, caller in people.callers.items():
        async with workshop.database.read() as reader:
            seen = await departures_of(reader, caller.viewer, [each.id for each in people.targets.values()])
        shown[name] = tuple(YES if each.id in seen else NO for each in people.targets.values())
    assert shown == {name: tuple(NO if each == ASK else each for each in row) for name, row in ON_USERS.items()}


async def test_legal_holds(workshop: Workshop) -> None:
    people = await cast(workshop)
    place = await cells(workshop, people, place_legal_hold, lambda target: {"user_id": target.id, "note": "Case"})
    lift = await cells(workshop, people, lift_legal_hold, lambda target: {"user_id": target.id})
    assert place == lift == ON_USERS_NOT_BY_TOKENS


async def test_sessions_of_others(workshop: Workshop) -> None:
    people = await cast(workshop, TokenScope.SESSIONS_WATCH)
    for target in people.targets.values():
        await workshop.sign_in(target)
    one = await cells(workshop, people, revoke_session, lambda target: {"session_id": target.viewer.session_id})
    every = await cells(workshop, people, revoke_all_sessions, lambda target: {"user_id": target.id})
    assert one == every == ON_USERS_NOT_BY_TOKENS


async def test_own_sessions(workshop: Workshop) -> None:
    people = await cast(workshop)
    for name, caller in people.callers.items():
        session_id = caller.viewer.session_id or workshop.olivia.viewer.session_id
        expected = NO if "token" in name else YES
        assert await outcome(workshop, sign_out, caller) == expected
        assert await outcome(workshop, revoke_session, caller, session_id=session_id) == expected
        assert await outcome(workshop, revoke_all_sessions, caller, user_id=caller.id) == expected


async def test_access_tokens_that_somebody_created(workshop: Workshop) -> None:
    people = await cast(workshop)
    created = {each.id: await workshop.partner(TokenScope.USERS_READ, creator=each) for each in people.targets.values()}
    found = await cells(workshop, people, revoke_access_token, lambda target: {"token_id": created[target.id].id})
    assert found == ON_USERS


ONLY_OWNERS = {"owner"}
WHO_WORKS = {"owner", "admin", "agent", "token"}


async def allowed(shop: Workshop, people: Cast, verb: Verb, **words: Any) -> set[str]:
    found = {name: await outcome(shop, verb, caller, **words) for name, caller in people.callers.items()}
    assert set(found.values()) <= {YES, NO}
    return {name for name, each in found.items() if each == YES}


@pytest.mark.parametrize("scope", TokenScope)
async def test_settings_and_access_tokens_are_for_owners(workshop: Workshop, scope: TokenScope) -> None:
    people = await cast(workshop, scope)
    assert await allowed(workshop, people, update_workspace, name="Other") == ONLY_OWNERS
    assert await allowed(workshop, people, create_access_token, name="CI", scopes=[scope]) == ONLY_OWNERS


async def test_work(workshop: Workshop) -> None:
    people = await cast(workshop, TokenScope.INBOX_WRITE)
    conversation = await workshop.conversation(assignee=workshop.olivia)
    nobody = Target(())
    done = await call(workshop, bulk_reassign, workshop.olivia, filter=InboxFilter(), to=nobody)
    for verb, words in (
        (assign_conversation, {"conversation_id": conversation, "to": nobody}),
        (add_note, {"conversation_id": conversation, "body": "Called"}),
        (bulk_reassign, {"filter": InboxFilter(), "to": nobody}),
        (bulk_reassign, {"filter": InboxFilter(), "to": nobody, "dry_run": True}),
        (undo_bulk_reassign, {"operation_id": done.operation_id}),
    ):
        assert await allowed(workshop, people, verb, **words) == WHO_WORKS, verb


@pytest.mark.parametrize("verb", [deactivate_user, partial(schedule_departure, at=now() + timedelta(days=1))])
async def test_a_token_hands_over_while_deactivating_only_if_it_may_do_both(workshop: Workshop, verb: Verb) -> None:
    ana = await workshop.person("Ana Abel", Role.AGENT)
    words = {"user_id": ana.id, "hand_over": Target(())}
    users_only = await workshop.partner(TokenScope.USERS_WRITE)
    both = await workshop.partner(TokenScope.USERS_WRITE, TokenScope.INBOX_WRITE)
    assert await outcome(workshop, verb, users_only, **words) == NO
    assert await outcome(workshop, verb, both, **words) == YES


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (deactivate_user, {"user_id": "target"}),
        (delete_user, {"user_id": "target", "confirmation": "", "reason": DeletionReason.OFFBOARDED}),
        (assign_role, {"user_id": "target", "role": Role.ADMIN}),
        (revoke_all_sessions, {"user_id": "target"}),
    ],
)
async def test_rights_are_those_of_the_moment(workshop: Workshop, verb: Verb, words: dict[str, Any]) -> None:
    """The viewer was read while Ada was an administrator; the verb reads her roles anew under the lock."""
    ada, ana = await workshop.person("Ada Admin", Role.ADMIN), await workshop.person("Ana Abel", Role.AGENT)
    await workshop.sign_in(ada)
    await call(workshop, remove_role, workshop.olivia, user_id=ada.id, role=Role.ADMIN)
    assert await outcome(workshop, verb, ada, **(words | {"user_id": ana.id})) == NO


@pytest.fixture
async def viewers(workshop: Workshop) -> dict[str, Viewer]:
    return {name: caller.viewer for name, caller in (await cast(workshop)).callers.items()}


def test_several_roles_count_together(viewers: dict[str, Viewer]) -> None:
    assert may_act_on(viewers["admin"], [Role.ADMIN, Role.VIEWER])
    assert not may_act_on(viewers["admin"], [Role.OWNER, Role.VIEWER])
    assert may_act_on(viewers["token"], [Role.AGENT, Role.VIEWER])
    assert may_act_on(viewers["token"], [])
    assert not may_act_on(viewers["token"], [Role.AGENT, Role.ADMIN])
    assert not may_act_on(viewers["agent"], [])


def test_the_refusals_say_what_to_do(viewers: dict[str, Viewer]) -> None:
    with pytest.raises(Refused) as refused:
        act_on(viewers["admin"], [Role.OWNER])
    assert refused.value.refusals == [OWNER_REQUIRED]
    assert "Ask an owner" in OWNER_REQUIRED.message
    assert (SOLE_OWNER.code, SOLE_OWNER.field) == (ErrorCode.SOLE_OWNER, ["userId"])
    assert "Assign Owner to another user first" in SOLE_OWNER.message
    with pytest.raises(Forbidden, match="access token cannot act on owners"):
        act_on(viewers["token"], [Role.OWNER])


def test_all_blockers_at_once(viewers: dict[str, Viewer]) -> None:
    assert blockers(viewers["owner"], [Role.OWNER], is_sole_owner=False) == []
    assert blockers(viewers["owner"], [Role.OWNER], is_sole_owner=True) == [SOLE_OWNER]
    assert blockers(viewers["admin"], [Role.OWNER], is_sole_owner=True) == [OWNER_REQUIRED, SOLE_OWNER]
    assert blockers(viewers["admin"], [Role.OWNER], is_sole_owner=False) == [OWNER_REQUIRED]
    with pytest.raises(Forbidden):
        blockers(viewers["agent"], [Role.AGENT], is_sole_owner=False)


async def test_nothing_of_a_refused_call_stays(database: Database, workshop: Workshop) -> None:
    """What `outcome` promises, on which the tables above rest."""
    ana = await workshop.person("Ana Abel", Role.AGENT)
    await workshop.sign_in(ana)
    assert await outcome(workshop, revoke_all_sessions, workshop.olivia, user_id=ana.id) == YES
    sessions = table(UserSession)
    async with database.read() as reader:
        assert (await reader.row(select(sessions.c.ended_at).where(sessions.c.user_id == ana.id))).ended_at is None  # type: ignore[union-attr]
