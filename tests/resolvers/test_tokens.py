"""Access tokens: made by owners, ended by those who may deactivate their creator."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from models.enums import ActorKind, AuditAction, ErrorCode, EventKind, RevocationReason, Role, TokenScope
from models.people import AccessToken, Actor
from models.types import NOBODY, now
from resolvers.deletion import delete_user
from resolvers.tokens import create_access_token, revoke_access_token
from resolvers.viewer import ACCESS_PREFIX, authenticate
from tests.records import audit_rows, call, dump, event_rows, refused, unchanged, why_signed_out
from tests.workshop import Person, Workshop

SCOPES = [TokenScope.INBOX_READ, TokenScope.AUDIT_READ, TokenScope.INBOX_READ]


async def create(shop: Workshop, **words: Any) -> Any:
    return await call(shop, create_access_token, shop.olivia, **({"name": " CI ", "scopes": SCOPES} | words))


async def test_a_new_token_works_with_its_scopes(workshop: Workshop) -> None:
    created = await create(workshop)
    async with workshop.database.read() as reader:
        viewer = await authenticate(reader, created.secret)
    assert (viewer.access_token_id, viewer.user_id, viewer.roles) == (created.token_id, None, frozenset())
    assert viewer.scopes == {TokenScope.INBOX_READ, TokenScope.AUDIT_READ}
    token = await workshop.load(AccessToken, id=created.token_id)
    assert (token.name, token.created_by_id, token.expires_at) == ("CI", workshop.olivia.actor_id, None)
    actor = await workshop.load(Actor, access_token_id=created.token_id)
    assert (actor.kind, actor.id) == (ActorKind.SERVICE, viewer.actor_id)


async def test_the_secret_is_kept_nowhere(workshop: Workshop) -> None:
    created = await create(workshop)
    assert created.secret.startswith(ACCESS_PREFIX)
    assert len(created.secret) >= len(ACCESS_PREFIX) + 43
    assert created.secret.removeprefix(ACCESS_PREFIX) not in repr(await dump(workshop.database))
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id) == (AuditAction.TOKEN_CREATED, workshop.olivia.actor_id)
    assert entry.details == {"scopes": ["AUDIT_READ", "INBOX_READ"]}
    assert (await create(workshop)).secret != created.secret


async def test_a_token_may_end_by_itself(workshop: Workshop) -> None:
    created = await create(workshop, expires_at=now() + timedelta(hours=1))
    await workshop.change(AccessToken, created.token_id, expires_at=now())
    assert await why_signed_out(workshop, created.secret) is RevocationReason.EXPIRED


@pytest.mark.parametrize(
    ("words", "field", "advice"),
    [
        ({"name": "  "}, "name", "1 to 200"),
        ({"name": "x" * 201}, "name", "1 to 200"),
        ({"scopes": []}, "scopes", "at least one"),
        ({"expires_at": now()}, "expiresAt", "in the future"),
    ],
)
async def test_what_makes_no_token(workshop: Workshop, words: dict[str, Any], field: str, advice: str) -> None:
    kept = {"name": "CI", "scopes": SCOPES}
    refusal = await refused(workshop, create_access_token, workshop.olivia, **(kept | words))
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, [field])
    assert advice in refusal.message


async def test_a_revoked_token_is_dead_and_its_sockets_hear_of_it(workshop: Workshop) -> None:
    partner, stays = [await workshop.partner(TokenScope.INBOX_READ) for _ in range(2)]
    await call(workshop, revoke_access_token, workshop.olivia, token_id=partner.id)
    assert await why_signed_out(workshop, partner.token) is RevocationReason.TOKEN_REVOKED
    async with workshop.database.read() as reader:
        assert (await authenticate(reader, stays.token)).access_token_id == stays.id
    (told,) = await event_rows(workshop)
    assert (told.kind, told.access_token_id, told.reason) == (
        EventKind.TOKEN_REVOKED,
        partner.id,
        RevocationReason.TOKEN_REVOKED,
    )
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.target_id) == (AuditAction.TOKEN_REVOKED, workshop.olivia.actor_id)
    await unchanged(workshop, revoke_access_token, workshop.olivia, token_id=partner.id)


@pytest.fixture
async def ada(workshop: Workshop) -> Person:
    ada = await workshop.person("Ada Ames", Role.ADMIN)
    await workshop.sign_in(ada)
    return ada


async def test_what_an_owner_or_somebody_deleted_created_is_an_owners_affair(workshop: Workshop, ada: Person) -> None:
    gone = await workshop.person("Zeb Quix", Role.OWNER)
    tokens = [await workshop.partner(TokenScope.INBOX_READ, creator=each) for each in (workshop.olivia, gone)]
    words = {"user_id": gone.id, "confirmation": gone.email, "reason": "PRIVACY_REQUEST"}
    await call(workshop, delete_user, workshop.olivia, **words)
    for token in tokens:
        refusal = await refused(workshop, revoke_access_token, ada, token_id=token.id)
        assert refusal.code is ErrorCode.OWNER_REQUIRED
        await call(workshop, revoke_access_token, workshop.olivia, token_id=token.id)


async def test_a_former_owner_is_within_reach(workshop: Workshop, ada: Person) -> None:
    former = await workshop.person("Fay Form")
    token = await workshop.partner(TokenScope.INBOX_READ, creator=former)
    await call(workshop, revoke_access_token, ada, token_id=token.id)
    assert await why_signed_out(workshop, token.token) is RevocationReason.TOKEN_REVOKED


async def test_no_token_of_another_workspace_is_found(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    foreign = await other.partner(TokenScope.INBOX_READ)
    for token_id in (foreign.id, uuid4(), NOBODY):
        refusal = await refused(workshop, revoke_access_token, workshop.olivia, token_id=token_id)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["accessTokenId"])
