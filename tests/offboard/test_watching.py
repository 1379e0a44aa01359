"""With which rights somebody watches, and goes on watching when they change."""

import orjson
import pytest

from models.enums import RevocationReason, Role, TokenScope
from offboard.feed import Unauthorized
from offboard.gateway import Gateway
from resolvers.lifecycle import deactivate_user
from resolvers.roles import assign_role, remove_role
from resolvers.sessions import revoke_all_sessions
from resolvers.tokens import revoke_access_token
from tests.offboard.watchers import CHANGED, REVOKED, connect, cursor, do, member, refusal, subscribe
from tests.records import call
from tests.workshop import Workshop


async def test_who_may_not_watch_is_refused_though_others_may(gateway: Gateway, workshop: Workshop) -> None:
    """Red when the right of whoever made an audience is taken for everybody's."""
    ada, ana = await member(workshop, "Ada", Role.ADMIN), await member(workshop, "Ana", Role.AGENT)
    nobody, partner = await member(workshop, "Nel"), await workshop.partner(TokenScope.INBOX_READ)
    await subscribe(gateway, await connect(gateway, ada), REVOKED, scope="WORKSPACE")
    await subscribe(gateway, await connect(gateway, ana), CHANGED)
    for person in (ana, nobody, partner):
        assert await refusal(gateway, await connect(gateway, person), REVOKED, scope="WORKSPACE") == "FORBIDDEN"
    for person in (nobody, partner):
        assert await refusal(gateway, await connect(gateway, person), CHANGED) == "FORBIDDEN"


async def test_a_lost_role_ends_what_needed_it_and_nothing_else(gateway: Gateway, workshop: Workshop) -> None:
    ada = await member(workshop, "Ada", Role.ADMIN)
    client = await connect(gateway, ada)
    for name, scope in (("own", "CURRENT_SESSION"), ("mine", "VIEWER"), ("all", "WORKSPACE")):
        await subscribe(gateway, client, REVOKED, name, scope=scope)
    await subscribe(gateway, client, CHANGED, "changes")
    await do(gateway, workshop, assign_role, user_id=ada.id, role=Role.VIEWER)
    await client.payloads(1, "changes")
    assert not client.failed
    await do(gateway, workshop, remove_role, user_id=ada.id, role=Role.ADMIN)
    (error,) = await client.failure("all") or ()
    assert error["extensions"]["code"] == "FORBIDDEN"
    await client.payloads(2, "changes")
    await do(gateway, workshop, remove_role, user_id=ada.id, role=Role.VIEWER)
    (error,) = await client.failure("changes") or ()
    assert error["extensions"]["code"] == "FORBIDDEN"
    await do(gateway, workshop, revoke_all_sessions, user_id=ada.id)
    assert await client.end == (4401, RevocationReason.SESSION_REVOKED)
    assert [len(client.told[name]) for name in ("own", "mine", "all", "changes")] == [1, 1, 0, 2]


async def test_who_lost_a_role_sees_the_next_events_without_it(gateway: Gateway, workshop: Workshop) -> None:
    ana, omar = await member(workshop, "Ana", Role.AGENT), await member(workshop, "Omar", Role.ADMIN, Role.AGENT)
    client = await connect(gateway, omar)
    await subscribe(gateway, client, "subscription { userChanged { user { name sessions { ipAddress } } } }")
    await do(gateway, workshop, assign_role, user_id=ana.id, role=Role.VIEWER)
    await client.payloads(1)
    await do(gateway, workshop, remove_role, user_id=omar.id, role=Role.ADMIN)
    await client.payloads(2)
    await do(gateway, workshop, remove_role, user_id=ana.id, role=Role.VIEWER)
    before, own, after = map(orjson.loads, await client.payloads(3))
    assert before["data"]["userChanged"]["user"] == {"name": "Ana", "sessions": [{"ipAddress": None}]}
    assert own["data"]["userChanged"]["user"] == {"name": "Omar", "sessions": [{"ipAddress": None}]}
    assert after["data"]["userChanged"]["user"] == {"name": "Ana", "sessions": None}
    assert [error["extensions"]["code"] for error in after["errors"]] == ["FORBIDDEN"]


async def test_a_role_that_is_given_is_seen_from_then_on(gateway: Gateway, workshop: Workshop) -> None:
    ana = await member(workshop, "Ana", Role.AGENT)
    client = await connect(gateway, ana)
    await subscribe(gateway, client, "subscription { userChanged { user { departure { allowed } } } }")
    await do(gateway, workshop, assign_role, user_id=workshop.olivia.id, role=Role.AGENT)
    await client.payloads(1)
    await do(gateway, workshop, assign_role, user_id=ana.id, role=Role.ADMIN)
    first, second = map(orjson.loads, await client.payloads(2))
    assert first["data"]["userChanged"]["user"] == {"departure": None}
    assert second["data"]["userChanged"]["user"] == {"departure": {"allowed": True}}


async def test_a_session_or_token_that_ended_watches_nothing_more(gateway: Gateway, workshop: Workshop) -> None:
    ana, partner = await member(workshop, "Ana", Role.AGENT), await workshop.partner(TokenScope.USERS_READ)
    clients = [await connect(gateway, person) for person in (ana, partner)]
    await call(workshop, deactivate_user, workshop.olivia, user_id=ana.id)
    await call(workshop, revoke_access_token, workshop.olivia, token_id=partner.id)
    reasons = [RevocationReason.USER_DEACTIVATED, RevocationReason.TOKEN_REVOKED]
    for client, person, reason in zip(clients, (ana, partner), reasons, strict=True):
        with pytest.raises(Unauthorized) as refused:
            await subscribe(gateway, client, CHANGED)
        assert refused.value.reason == reason
        with pytest.raises(Unauthorized) as refused:
            await gateway.authenticate(person.token)
        assert refused.value.reason == reason


async def test_personal_answers_are_each_ones_own(gateway: Gateway, workshop: Workshop) -> None:
    """Red when the answer of one administrator is shared with another: `current` would name the wrong session."""
    ada, adam = await member(workshop, "Ada", Role.ADMIN), await member(workshop, "Adam", Role.ADMIN)
    query = "subscription($after: String) { userChanged(after: $after) { user { sessions { current } } } }"
    clients = {name: await connect(gateway, person) for name, person in (("Ada", ada), ("Adam", adam))}
    for client in clients.values():
        await subscribe(gateway, client, query)
    for person in (ada, adam):
        await do(gateway, workshop, assign_role, user_id=person.id, role=Role.AGENT)
    for client, person in ((clients["Ada"], ada), (clients["Adam"], adam)):
        resumed = await connect(gateway, person)
        await subscribe(gateway, resumed, query, after=cursor(person, 0))
        for told in (await client.payloads(2), await resumed.payloads(2)):
            sessions = [orjson.loads(payload)["data"]["userChanged"]["user"]["sessions"] for payload in told]
            assert sessions == [[{"current": person is each}] for each in (ada, adam)]
