"""Who may watch what, and which events that shows."""

from dataclasses import dataclass
from uuid import uuid4

import pytest

from models.enums import RevocationReason, Role, TokenScope, UserChangeKind
from models.events import FeedEvent, session_revoked, token_revoked, user_changed
from resolvers.errors import Forbidden
from resolvers.viewer import Viewer
from resolvers.watching import RevocationScope, Watch, revocations, user_changes
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
        "another's plans": user_changed(uuid4(), UserChangeKind.PLANS_CHANGED),
        "a token": token_revoked(uuid4()),
    }


def test_what_each_watch_shows(cast: Cast, told: dict[str, FeedEvent]) -> None:
    """What a watch shows is the watcher's own, whoever of the same standing it was made for."""

    def shown(watch: Watch, person: str) -> set[str]:
        topic = watch(cast.people[person].viewer)
        return {name for name, event in told.items() if topic in event.topics}

    agent, admin = cast.people["agent"].viewer, cast.people["admin"].viewer
    assert shown(revocations(agent, OWN), "agent") == {"this session"}
    assert shown(revocations(agent, MINE), "agent") == {"this session", "my other session"}
    assert shown(revocations(agent, OWN), "viewer") == shown(revocations(agent, MINE), "viewer") == set()
    assert shown(revocations(admin, OWN), "agent") == {"this session"}
    everybody = {"this session", "my other session", "another's session"}
    for person in cast.people:
        assert shown(revocations(admin, ALL), person) == everybody
        plans = {"another's plans"} if person in ("owner", "admin", TokenScope.USERS_WRITE) else set()
        assert shown(user_changes(agent), person) == {"my roles", "my return", "another's roles", *plans}


def test_only_a_change_of_roles_changes_rights(cast: Cast, told: dict[str, FeedEvent]) -> None:
    agent = cast.people["agent"]
    assert {name for name, event in told.items() if event.changes_rights_of == agent.id} == {"my roles"}
    assert {name for name, event in told.items() if event.changes_rights_of} == {"my roles", "another's roles"}


def test_only_what_needs_no_right_is_followed_through_a_change_of_roles(cast: Cast) -> None:
    """Red when a watch that a role allows counts as one's own."""
    for name, person in cast.people.items():
        for watch, needs_none in ((revocations, OWN), (revocations, MINE), (revocations, ALL), (user_changes, None)):
            scope = [needs_none] if needs_none is not None else []
            if may(watch, person.viewer, *scope):
                topic = watch(person.viewer, *scope)(person.viewer)  # type: ignore[operator]
                assert topic.is_own == (needs_none in (OWN, MINE)), name
                assert not topic.is_own or may(watch, cast.people["nobody"].viewer, *scope)
