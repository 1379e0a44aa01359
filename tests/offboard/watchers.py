"""Subscribers of the whole application without sockets: what GraphQL answers them, event by event."""

from typing import Any

import orjson
import pytest

from models import events
from models.enums import Role
from models.events import Cursor, FeedEvent
from offboard.documents import Documents
from offboard.execution import answer_event
from offboard.feed import Feed, Following, Operation, OperationFailed
from offboard.gateway import Gateway
from resolvers.viewer import Viewer
from tests.offboard.feed.stage import Client
from tests.records import Verb
from tests.workshop import Person, Workshop

CHANGED = "subscription($after: String) { userChanged(after: $after) { cursor kind user { name } } }"
REVOKED = "subscription($scope: RevocationScope!) { sessionRevoked(scope: $scope) { cursor } }"


async def connect(gateway: Gateway, person: Person) -> Client:
    """A client that is signed in as somebody."""
    feed: Feed = gateway.service.feed
    client = Client(feed, await gateway.authenticate(person.token))
    await feed.attach(client.connection)
    return client


async def subscribe(
    gateway: Gateway, client: Client, query: str, id: str = "1", name: str | None = None, **variables: Any
) -> Following:
    """Follow the feed with an operation."""
    operation = Operation(query, name, variables or None)
    following = await gateway.execute(client.connection, operation, {"headers": []})
    assert isinstance(following, Following)
    client.feed.follow(client.connection, id, following)
    return following


async def alone(gateway: Gateway, viewer: Viewer, query: str, event: FeedEvent) -> bytes:
    """What an event is answered if somebody asks for it alone."""
    context = gateway.service.context(caller=viewer)
    try:
        return orjson.dumps(await answer_event(Documents().prepare(query, None), context, None, event))
    finally:
        await context.reader.refresh()


async def last_event(gateway: Gateway, viewer: Viewer) -> FeedEvent:
    """The latest event of the viewer's workspace."""
    async with gateway.service.database.read() as reader:
        position = (await events.state(reader, viewer.workspace_id)).position
        (event,) = await events.read_after(reader, viewer.workspace_id, position - 1)
        return event


async def member(shop: Workshop, name: str, *roles: Role) -> Person:
    person = await shop.person(name, *roles)
    await shop.sign_in(person)
    return person


async def do(gateway: Gateway, shop: Workshop, verb: Verb, **words: Any) -> None:
    """Call a verb as Olivia, in the process that serves."""
    await gateway.service.database.transact(lambda tx: verb(tx, shop.olivia.viewer, **words))


async def refusal(gateway: Gateway, client: Client, query: str, **variables: Any) -> str:
    """The code with which an operation is refused."""
    with pytest.raises(OperationFailed) as refused:
        await subscribe(gateway, client, query, **variables)
    (error,) = refused.value.errors
    return str(error["extensions"]["code"])


def cursor(person: Person, position: int) -> str:
    return str(Cursor(person.viewer.feed.generation, position))
