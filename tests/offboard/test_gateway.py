"""What answers behind the sockets: who shares an audience, and where each resumes."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from models.enums import Role, TokenScope
from models.events import Cursor
from offboard import gateway as gateways
from offboard.feed import Following
from offboard.gateway import Gateway
from resolvers.lifecycle import deactivate_user
from resolvers.roles import assign_role, remove_role
from tests.offboard.watchers import CHANGED, REVOKED, connect, cursor, do, member, refusal, subscribe
from tests.statements import watched
from tests.waiting import until
from tests.workshop import Person, Workshop

# ---------------------------------------------------------------- audiences


async def test_an_event_is_executed_and_encoded_once_for_all(
    gateway: Gateway, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when it is done for each subscriber, each session, each cursor or each connection."""
    ana, ben = await member(workshop, "Ana", Role.AGENT), await member(workshop, "Ben", Role.AGENT)
    await do(gateway, workshop, assign_role, user_id=ana.id, role=Role.VIEWER)
    await do(gateway, workshop, remove_role, user_id=ana.id, role=Role.VIEWER)
    clients = [await connect(gateway, person) for person in (ana, ana, ben, ben)]
    for number, client in enumerate(clients):
        await subscribe(gateway, client, CHANGED, after=cursor(ana, number % 3))
        await subscribe(gateway, client, CHANGED, "2", after=None)
        await subscribe(gateway, client, CHANGED, "3")
    for number, client in enumerate(clients):
        await client.payloads(2 - number % 3)
    executed, encoded = list[object](), list[object]()
    answer_event = gateways.answer_event

    async def noted(*arguments: Any) -> Any:
        executed.append(arguments)
        return await answer_event(*arguments)

    def dumps(result: object, **options: Any) -> bytes:
        encoded.append(result)
        return orjson.dumps(result, **options)

    monkeypatch.setattr(gateways, "answer_event", noted)
    monkeypatch.setattr(gateways, "orjson", SimpleNamespace(dumps=dumps))
    gus = await workshop.person("Gus", Role.AGENT)
    await do(gateway, workshop, deactivate_user, user_id=gus.id)
    last = []
    for number, client in enumerate(clients):
        last += [(await client.payloads(3 - number % 3))[-1], *await client.payloads(1, "2"), *client.told["3"]]
    assert len(executed) == len(encoded) == 1
    assert {orjson.loads(payload)["data"]["userChanged"]["user"]["name"] for payload in last} == {"Gus"}
    assert len({id(payload) for payload in last}) == 1


async def test_what_makes_an_audience(gateway: Gateway, workshop: Workshop) -> None:
    """Red when one of these is left out of the key, or something that does not matter is in it."""
    ana, ben = await member(workshop, "Ana", Role.AGENT), await member(workshop, "Ben", Role.AGENT)
    ada, both = await member(workshop, "Ada", Role.ADMIN), await member(workshop, "Bo", Role.ADMIN, Role.AGENT)
    reader, writer = [
        await workshop.partner(TokenScope.USERS_READ, *more) for more in ((), (TokenScope.SESSIONS_WATCH,))
    ]
    globex = await Workshop.open(workshop.database, "globex")
    foreign = await globex.person("Ana", Role.AGENT)
    await globex.sign_in(foreign)
    two = "subscription A { userChanged { cursor } } subscription B { userChanged { cursor } }"

    async def audience(person: Person, query: str = CHANGED, name: str | None = None, **variables: Any) -> int:
        client = await connect(gateway, person)
        kept.append(await subscribe(gateway, client, query, name=name, **variables))
        return id(kept[-1].audience)

    kept = list[Following]()
    same = await audience(ana)
    assert same == await audience(ana, after=None) == await audience(ben, after=cursor(ana, 0)) == await audience(ben)
    others = [
        await audience(ana, CHANGED + " "),
        await audience(ana, CHANGED.replace("kind", "userId")),
        await audience(ana, CHANGED, after=None, more="unused"),
        await audience(ana, two, "A"),
        await audience(ana, two, "B"),
        *[await audience(person) for person in (workshop.olivia, ada, both, reader, writer, foreign)],
        *[await audience(ada, REVOKED, scope=scope) for scope in ("CURRENT_SESSION", "VIEWER", "WORKSPACE")],
        await audience(both, REVOKED, scope="WORKSPACE"),
    ]
    assert len({same, *others}) == 1 + len(others)


async def test_those_who_come_at_once_form_one_audience(gateway: Gateway, workshop: Workshop) -> None:
    """Red when each of them makes its own before it sees the other's; few statements check them all."""
    ana = await member(workshop, "Ana", Role.AGENT)
    clients = [await connect(gateway, ana) for _ in range(50)]
    with watched(gateway.service.database) as statements:
        followings = await asyncio.gather(*(subscribe(gateway, client, CHANGED) for client in clients))
    assert len({id(following.audience) for following in followings}) == 1
    assert len(statements) <= 2
    with watched(gateway.service.database) as statements:
        await asyncio.gather(*(gateway.authenticate(person.token) for person in (ana, workshop.olivia) * 20))
    assert len(statements) <= 2


async def test_an_audience_without_subscribers_is_forgotten(gateway: Gateway, workshop: Workshop) -> None:
    """Red when the gateway keeps every document that was ever subscribed to."""
    ana = await member(workshop, "Ana", Role.AGENT)
    client, other = await connect(gateway, ana), await connect(gateway, ana)
    await subscribe(gateway, client, CHANGED)
    await subscribe(gateway, other, CHANGED)
    await do(gateway, workshop, assign_role, user_id=workshop.olivia.id, role=Role.AGENT)
    await client.payloads(1)
    await other.payloads(1)
    client.feed.unfollow(client.connection, "1")
    assert len(gateway._audiences) == 1
    client.feed.detach(other.connection)
    del other
    await until(lambda: gc.collect() and not gateway._audiences)


# ---------------------------------------------------------------- cursors


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("required", ["", "!"])
async def test_a_cursor_is_checked_for_each(gateway: Gateway, workshop: Workshop, first: bool, required: str) -> None:
    """Red when only the first of an audience is held to the types of its variables, or to the place of its cursor."""
    ana, query = await member(workshop, "Ana", Role.AGENT), CHANGED.replace("String", "String" + required)
    client = await connect(gateway, ana)
    if not first:
        await subscribe(gateway, await connect(gateway, ana), query, after=cursor(ana, 0))
    for wrong, code in (
        (5, "INVALID_INPUT"),
        ([cursor(ana, 0)], "INVALID_INPUT"),
        ("nonsense", "INVALID_CURSOR"),
        ("", "INVALID_CURSOR"),
        (cursor(ana, 1), "CURSOR_EXPIRED"),
        (str(Cursor("of before a restore", 0)), "CURSOR_EXPIRED"),
    ):
        assert await refusal(gateway, client, query, after=wrong) == code
    if required:
        assert await refusal(gateway, client, query, after=None) == "INVALID_INPUT"
        assert await refusal(gateway, client, query) == "INVALID_INPUT"
    else:
        await subscribe(gateway, client, query, after=None)
        await subscribe(gateway, client, query, "2")
    await subscribe(gateway, client, query, "3", after=cursor(ana, 0))


@pytest.mark.parametrize(
    "query",
    [
        CHANGED,
        CHANGED.replace("String", "String!"),
        'subscription($after: String = "nonsense") { userChanged(after: $after) { cursor } }',
        "query Q($after: String) { users(after: $after) { totalCount } } "
        "subscription S($after: String) { userChanged(after: $after) { cursor } }",
        "subscription($after: String) { ...F } fragment F on Subscription { userChanged(after: $after) { cursor } }",
    ],
)
async def test_each_resumes_after_its_own_cursor(gateway: Gateway, workshop: Workshop, query: str) -> None:
    """Red when one subscriber begins where another did."""
    ana, name = await member(workshop, "Ana", Role.AGENT), "S" if " S(" in query else None
    for verb in (assign_role, remove_role, assign_role):
        await do(gateway, workshop, verb, user_id=workshop.olivia.id, role=Role.AGENT)
    client = await connect(gateway, ana)
    for position in (0, 1, 2, 3, 1):
        own = f"{position} {len(client.told)}"
        await subscribe(gateway, client, query, own, name, after=cursor(ana, position))
        told = [] if position == 3 else await client.payloads(3 - position, own)
        cursors = [orjson.loads(payload)["data"]["userChanged"]["cursor"] for payload in told]
        assert cursors == [cursor(ana, later) for later in range(position + 1, 4)]


async def test_a_cursor_in_the_document_is_everybodys(gateway: Gateway, workshop: Workshop) -> None:
    ana = await member(workshop, "Ana", Role.AGENT)
    for verb in (assign_role, remove_role):
        await do(gateway, workshop, verb, user_id=workshop.olivia.id, role=Role.AGENT)
    query = f'subscription {{ userChanged(after: "{cursor(ana, 1)}") {{ cursor }} }}'
    for _ in range(2):
        client = await connect(gateway, ana)
        await subscribe(gateway, client, query)
        assert [orjson.loads(each)["data"]["userChanged"]["cursor"] for each in await client.payloads(1)] == [
            cursor(ana, 2)
        ]


async def test_variables_too_deep_to_tell_apart_are_refused(gateway: Gateway, workshop: Workshop) -> None:
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    client = await connect(gateway, workshop.olivia)
    assert await refusal(gateway, client, CHANGED, more=deep) == "INVALID_INPUT"
