"""Who may watch what, and which events that shows."""

from dataclasses import dataclass
from uuid import uuid4

import pytest

from models.enums import RevocationReason, Role, TokenScope, UserChangeKind
from models.events import FeedEvent, session_revoked, token_revoked, user_changed
from resolvers.errors import Forbidden, Unauthenticated
from resolvers.lifecycle import deactivate_user
from resolvers.roles import remove_role
from resolvers.tokens import revoke_access_token
from resolvers.viewer import Viewer
from resolvers.watching import RevocationScope, Watch, revocations, user_changes
from tests.records import call
from tests.workshop import Person, Workshop

OWN, MINE, ALL = RevocationScope
REASON = RevocationReason.SESSION_REVOKED


@dataclass
class Cast:
    people: dict[str, Person]

    def who(self, watch: object, *args: object) -> set[str]:
        return {name for name, person in self.people.items() if may(watch, person.viewer, *args)}


def may(watch: object, viewer: Viewer, *args: object) -> bool:
    try:
        watch(viewer, *args)  # type: ignore[operator]
    except Forbidden:
        return False
    return True


@pytest.fixture
async def cast(workshop: Workshop) -> Cast:
    people = {"owner": workshop.olivia, "nobody": await workshop.person("Nel None")}
    for role in (Role.ADMIN, Role.AGENT, Role.VIEWER):
        people[role.lower()] = await workshop.person(role, role)
    for person in people.values():
        await workshop.sign_in(person)
    for scope in TokenScope:
        people[scope] = await workshop.partner(scope)
    return Cast(people)


def test_who_may_watch_sessions(cast: Cast) -> None:
    signed_in = {"owner", "admin", "agent", "viewer", "nobody"}
    assert cast.who(revocations, OWN) == cast.who(revocations, MINE) == signed_in
    assert cast.who(revocations, ALL) == {"owner", "admin", TokenScope.SESSIONS_WATCH}


def test_who_may_watch_users(cast: Cast) -> None:
    assert cast.who(user_changes) == {"owner", "admin", "agent", "viewer", TokenScope.USERS_READ}


def wanted(watch: Watch, told: dict[str, FeedEvent]) -> set[str]:
    return {name for name, event in told.items() if watch.wants(event)}


@pytest.fixture
def told(cast: Cast) -> dict[str, FeedEvent]:
    agent = cast.people["agent"]
    assert agent.viewer.session_id is not None
    return {
        "this session": session_revoked(agent.viewer.session_id, agent.id, REASON),
        "my other session": session_revoked(uuid4(), agent.id, REASON),
        "another's session": session_revoked(uuid4(), uuid4(), REASON),
        "my roles": user_changed(agent.id, UserChangeKind.ROLES_CHANGED),
        "my return": user_changed(agent.id, UserChangeKind.REACTIVATED),
        "another's roles": user_changed(uuid4(), UserChangeKind.ROLES_CHANGED),
        "a token": token_revoked(uuid4()),
    }


def test_what_each_scope_shows(cast: Cast, told: dict[str, FeedEvent]) -> None:
    agent, admin = cast.people["agent"].viewer, cast.people["admin"].viewer
    assert wanted(revocations(agent, OWN), told) == {"this session"}
    assert wanted(revocations(agent, MINE), told) == {"this session", "my other session"}
    assert wanted(revocations(admin, ALL), told) == {"this session", "my other session", "another's session"}
    assert wanted(user_changes(agent), told) == {"my roles", "my return", "another's roles"}


def test_a_change_of_ones_own_roles_concerns_every_watch(cast: Cast, told: dict[str, FeedEvent]) -> None:
    watch = revocations(cast.people["agent"].viewer, OWN)
    assert {name for name, event in told.items() if watch.changes_rights(event)} == {"my roles"}
    assert {name for name, event in told.items() if watch.concerns(event)} == {"this session", "my roles"}


async def check(shop: Workshop, watch: Watch) -> None:
    async with shop.database.read() as reader:
        await watch.check_again(reader)


async def test_a_lost_role_ends_the_watches_that_needed_it(workshop: Workshop, cast: Cast) -> None:
    admin = cast.people["admin"]
    watches = [revocations(admin.viewer, ALL), user_changes(admin.viewer)]
    keeps = [revocations(admin.viewer, OWN), revocations(admin.viewer, MINE)]
    for watch in (*watches, *keeps):
        await check(workshop, watch)
    await call(workshop, remove_role, workshop.olivia, user_id=admin.id, role=Role.ADMIN)
    for watch in watches:
        with pytest.raises(Forbidden):
            await check(workshop, watch)
    for watch in keeps:
        await check(workshop, watch)


async def test_who_has_ended_watches_nothing_more(workshop: Workshop, cast: Cast) -> None:
    agent, partner = cast.people["agent"], cast.people[TokenScope.SESSIONS_WATCH]
    watches = [revocations(agent.viewer, OWN), revocations(partner.viewer, ALL)]
    await call(workshop, deactivate_user, workshop.olivia, user_id=agent.id)
    await call(workshop, revoke_access_token, workshop.olivia, token_id=partner.id)
    reasons = []
    for watch in watches:
        with pytest.raises(Unauthenticated) as caught:
            await check(workshop, watch)
        reasons.append(caught.value.reason)
    assert reasons == [RevocationReason.USER_DEACTIVATED, RevocationReason.TOKEN_REVOKED]
