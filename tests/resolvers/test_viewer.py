"""Who asks: what a bearer secret stands for, why it works no longer, and what its holder may do."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from models.enums import RevocationReason, Role, TokenScope, UserStatus
from models.people import AccessToken, User, UserSession
from models.types import now
from resolvers.errors import Forbidden, Unauthenticated
from resolvers.living import dead_sessions, dead_tokens
from resolvers.viewer import (
    ACCESS_PREFIX,
    SESSION_PREFIX,
    Viewer,
    authenticate,
    authenticate_many,
    digest,
    enter,
    new_secret,
    recheck,
    recheck_many,
    require,
)
from tests.records import why_signed_out
from tests.statements import watched
from tests.workshop import Person, Workshop

PAST = now() - timedelta(seconds=1)


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    ana = await workshop.person("Ana Abel", Role.AGENT, Role.VIEWER)
    await workshop.sign_in(ana)
    return ana


def test_secrets_have_256_bits_and_only_their_digest_is_comparable() -> None:
    one, other = new_secret(SESSION_PREFIX), new_secret(SESSION_PREFIX)
    assert one != other
    assert len(one) == len(SESSION_PREFIX) + 43
    assert digest(one) == digest(one) != digest(other)
    assert len(digest(one)) == 64


async def test_a_session_stands_for_its_user(workshop: Workshop, ana: Person) -> None:
    with watched(workshop.database) as statements:
        async with workshop.database.read() as reader:
            viewer = await authenticate(reader, ana.token)
    assert len(statements) == 1
    assert (viewer.workspace_id, viewer.user_id, viewer.actor_id) == (workshop.workspace_id, ana.id, ana.actor_id)
    assert (viewer.access_token_id, viewer.scopes) == (None, frozenset())
    assert viewer.roles == {Role.AGENT, Role.VIEWER}
    assert viewer.feed.position == viewer.feed.pruned == 0


async def test_an_access_token_stands_for_itself(workshop: Workshop) -> None:
    partner = await workshop.partner(TokenScope.USERS_READ, TokenScope.INBOX_READ)
    with watched(workshop.database) as statements:
        async with workshop.database.read() as reader:
            viewer = await authenticate(reader, partner.token)
    assert len(statements) == 1
    assert (viewer.access_token_id, viewer.actor_id) == (partner.id, partner.actor_id)
    assert viewer.user_id is viewer.session_id is None
    assert viewer.scopes == {TokenScope.USERS_READ, TokenScope.INBOX_READ}


SESSION_DEATHS: dict[str, tuple[type, dict[str, Any], RevocationReason]] = {
    "ended": (
        UserSession,
        {"ended_at": PAST, "end_reason": RevocationReason.PASSWORD_CHANGED},
        RevocationReason.PASSWORD_CHANGED,
    ),
    "expired": (UserSession, {"expires_at": PAST}, RevocationReason.EXPIRED),
    "user inactive": (User, {"status": UserStatus.INACTIVE}, RevocationReason.USER_DEACTIVATED),
    "epoch raised": (User, {"epoch": 1}, RevocationReason.SESSION_REVOKED),
    "user gone": (UserSession, {"user_id": uuid4()}, RevocationReason.USER_DELETED),
}


@pytest.mark.parametrize("death", SESSION_DEATHS)
async def test_a_dead_session_says_why(workshop: Workshop, ana: Person, death: str) -> None:
    model, values, reason = SESSION_DEATHS[death]
    session_id = ana.viewer.session_id
    assert session_id is not None
    alive = workshop.olivia.viewer.session_id
    assert alive is not None
    await workshop.change(model, session_id if model is UserSession else ana.id, **values)
    assert await why_signed_out(workshop, ana.token) is reason
    async with workshop.database.read() as reader:
        with pytest.raises(Unauthenticated) as caught:
            await recheck(reader, ana.viewer)
        assert await dead_sessions(reader, [session_id, alive]) == {session_id: reason}
    assert caught.value.reason is reason
    assert str(caught.value) != "Sign in to continue."


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"revoked_at": PAST}, RevocationReason.TOKEN_REVOKED),
        ({"expires_at": PAST}, RevocationReason.EXPIRED),
        ({"expires_at": PAST, "revoked_at": PAST}, RevocationReason.TOKEN_REVOKED),
    ],
)
async def test_a_dead_token_says_why(workshop: Workshop, values: dict[str, Any], reason: RevocationReason) -> None:
    dead, alive = [await workshop.partner(TokenScope.USERS_READ) for _ in range(2)]
    await workshop.change(AccessToken, alive.id, expires_at=now() + timedelta(hours=1))
    await workshop.change(AccessToken, dead.id, **values)
    assert await why_signed_out(workshop, dead.token) is reason
    async with workshop.database.read() as reader:
        with pytest.raises(Unauthenticated):
            await recheck(reader, dead.viewer)
        assert (await recheck(reader, alive.viewer)).access_token_id == alive.id
        assert await dead_tokens(reader, [dead.id, alive.id]) == {dead.id: reason}


@pytest.mark.parametrize(
    "secret", ["", "nonsense", SESSION_PREFIX, ACCESS_PREFIX, SESSION_PREFIX + "x", ACCESS_PREFIX + "x"]
)
async def test_an_unknown_secret_says_nothing(workshop: Workshop, secret: str) -> None:
    assert await why_signed_out(workshop, secret) is None


async def test_what_is_stored_is_no_secret(workshop: Workshop, ana: Person) -> None:
    assert await why_signed_out(workshop, digest(ana.token)) is None


async def test_what_was_pruned_counts_as_ended(workshop: Workshop) -> None:
    gone = uuid4()
    async with workshop.database.read() as reader:
        assert await dead_sessions(reader, [gone]) == {gone: RevocationReason.SESSION_REVOKED}
        assert await dead_tokens(reader, [gone]) == {gone: RevocationReason.TOKEN_REVOKED}


async def test_a_verb_begins_with_the_lock_and_reads_the_viewer_anew(workshop: Workshop, ana: Person) -> None:
    await workshop.change(User, ana.id, name="Other")
    with watched(workshop.database) as statements:
        entered = await workshop.database.transact(lambda tx: enter(tx, workshop.olivia.viewer))
    assert entered.roles == {Role.OWNER}
    *lock, check = statements
    assert "session" in check.sql
    if workshop.database.engine.dialect.name == "postgresql":
        assert ["FROM workspace" in each.sql and "session" not in each.sql for each in lock] == [True]
    else:
        assert lock == []  # BEGIN IMMEDIATE is the lock


RIGHTS: dict[str, set[str]] = {
    "is_owner": {"OWNER"},
    "is_admin": {"OWNER", "ADMIN"},
    "reads_users": {"OWNER", "ADMIN", "AGENT", "VIEWER", "USERS_READ"},
    "reads_inbox": {"OWNER", "ADMIN", "AGENT", "VIEWER", "INBOX_READ"},
    "writes_inbox": {"OWNER", "ADMIN", "AGENT", "INBOX_WRITE"},
    "manages_users": {"OWNER", "ADMIN", "USERS_WRITE"},
    "watches_sessions": {"OWNER", "ADMIN", "SESSIONS_WATCH"},
    "reads_audit": {"OWNER", "ADMIN", "AUDIT_READ"},
}


@pytest.mark.parametrize("right", RIGHTS)
def test_what_each_role_and_scope_allows(right: str) -> None:
    def viewer(**holds: Any) -> Viewer:
        return Viewer(uuid4(), uuid4(), None, None, None, **holds)  # type: ignore[arg-type]

    holders = {str(role): viewer(roles=frozenset({role})) for role in Role}
    holders |= {str(scope): viewer(scopes=frozenset({scope})) for scope in TokenScope}
    holders["nothing"] = viewer()
    assert {name for name, each in holders.items() if getattr(each, right)} == RIGHTS[right]


def test_what_is_required_is_forbidden_otherwise() -> None:
    require(True)
    with pytest.raises(Forbidden, match="Your roles"):
        require(False)
    with pytest.raises(Forbidden, match="needs a scope"):
        require(False, "This needs a scope.")


async def test_many_at_once_are_answered_like_each_by_itself(workshop: Workshop, ana: Person) -> None:
    """In one statement for sessions and one for access tokens. Red when a row is given to another who asks."""
    laptop, phone = ana.token, (await workshop.sign_in(ana), ana.token)[1]
    partner, revoked = [await workshop.partner(scope) for scope in (TokenScope.USERS_READ, TokenScope.AUDIT_READ)]
    await workshop.change(AccessToken, revoked.id, revoked_at=now())
    gone = await workshop.person("Gus Gone", Role.ADMIN)
    await workshop.sign_in(gone)
    await workshop.change(User, gone.id, status=UserStatus.INACTIVE)
    unknown = [new_secret(SESSION_PREFIX), new_secret(ACCESS_PREFIX), "", "nonsense"]
    secrets = [workshop.olivia.token, laptop, phone, partner.token, revoked.token, gone.token, *unknown]
    with watched(workshop.database) as statements:
        async with workshop.database.read() as reader:
            found = await authenticate_many(reader, secrets)
    assert len(statements) == 2

    async def alone(secret: str) -> object:
        async with workshop.database.read() as reader:
            try:
                return await authenticate(reader, secret)
            except Unauthenticated as refusal:
                return refusal.reason

    for secret in secrets:
        together = found[secret]
        assert await alone(secret) == (together.reason if isinstance(together, Unauthenticated) else together)
    alive = [viewer for viewer in found.values() if isinstance(viewer, Viewer)]
    assert len(alive) == 4
    with watched(workshop.database) as statements:
        async with workshop.database.read() as reader:
            assert await recheck_many(reader, alive) == {viewer: viewer for viewer in alive}
    assert len(statements) == 2
