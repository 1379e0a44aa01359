"""Subscribers of the whole application without sockets: what GraphQL answers them, event by event."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from models import events
from models.events import FeedEvent
from offboard.documents import prepare
from offboard.execution import answer_event
from offboard.feed import Feed, Following, Operation
from offboard.gateway import Gateway
from offboard.service import Service
from offboard.settings import Settings
from resolvers.viewer import Viewer
from tests.offboard.feed.stage import Client
from tests.workshop import Person


@asynccontextmanager
async def serving(database_url: str) -> AsyncIterator[Gateway]:
    """The application behind its sockets, without its clock, on a database that others may write to as well."""
    service = Service(Settings(database_url=database_url, password_hash_cost=1))
    await service.feed.start()
    try:
        yield Gateway(service)
    finally:
        await service.feed.stop()
        await service.database.close()


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
        return orjson.dumps(await answer_event(prepare(query, None), context, None, event))
    finally:
        await context.reader.refresh()


async def last_event(gateway: Gateway, viewer: Viewer) -> FeedEvent:
    """The latest event of the viewer's workspace."""
    async with gateway.service.database.read() as reader:
        position = (await events.state(reader, viewer.workspace_id)).position
        (event,) = await events.read_after(reader, viewer.workspace_id, position - 1)
        return event
