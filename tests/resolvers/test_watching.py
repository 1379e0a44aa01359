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
        "a token": token_revoked(uuid4()),
    }


def wanted(watch: Watch, viewer: Viewer, told: dict[str, FeedEvent]) -> set[str]:
    return {name for name, event in told.items() if watch(viewer) in event.topics}


def test_what_each_scope_shows(cast: Cast, told: dict[str, FeedEvent]) -> None:
    agent, admin = cast.people["agent"].viewer, cast.people["admin"].viewer
    assert wanted(revocations(agent, OWN), agent, told) == {"this session"}
    assert wanted(revocations(agent, MINE), agent, told) == {"this session", "my other session"}
    everybodys = {"this session", "my other session", "another's session"}
    assert wanted(revocations(admin, ALL), admin, told) == everybodys
    assert wanted(user_changes(agent), agent, told) == {"my roles", "my return", "another's roles"}


def test_a_watch_serves_whoever_has_the_same_standing(cast: Cast, told: dict[str, FeedEvent]) -> None:
    """The one who asked first does not decide what the others hear of."""
    agent, nobody = cast.people["agent"].viewer, cast.people["nobody"].viewer
    for scope in (OWN, MINE):
        assert wanted(revocations(nobody, scope), nobody, told) == set()
        assert (
            wanted(revocations(nobody, scope), agent, told) == wanted(revocations(agent, scope), agent, told) != set()
        )


def test_only_a_change_of_roles_changes_rights(cast: Cast, told: dict[str, FeedEvent]) -> None:
    changed = {name: event.changes_rights_of for name, event in told.items() if event.changes_rights_of is not None}
    assert changed == {"my roles": cast.people["agent"].id, "another's roles": told["another's roles"].user_id}
