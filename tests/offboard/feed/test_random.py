"""Random lives of clients against the rows: each hears its events in order, once, with the rights of their time.

Everything happens at once: transactions here and in another process, lost hints, slow answers and slow readers, roles
that come and go, sessions that end, operations that are completed and their ids used again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID
from weakref import WeakValueDictionary

import pytest

from models import events
from models.database import Database
from models.enums import RevocationReason
from models.events import FeedEvent, Topic
from models.types import new_id
from offboard.feed import Audience, Connection, Feed, Following, OperationFailed, Unauthorized
from offboard.feed.brokers.memory import MemoryBroker
from offboard.feed.protocol import Json
from tests.offboard.feed.stage import (
    CHANGES,
    ENDINGS,
    NOT_ALLOWED,
    Client,
    Positions,
    Somebody,
    another_process,
    change,
    ending,
    revocation,
    roles_changed,
    running_feed,
    somebody,
    write,
)
from tests.waiting import until
from tests.workshop import Workshop

SEEDS = 4
STEPS = 150
USERS = 3
POLL = 0.02
REASON = RevocationReason.USER_DEACTIVATED


def changes_of(rows: list[FeedEvent], user_id: object, through: int) -> int:
    """How often a user's roles had changed when the feed stood at a position. Every third time it loses its rights."""
    return sum(row.changes_rights_of == user_id and row.position <= through for row in rows if user_id is not None)


def is_allowed(changes: int) -> bool:
    return changes % 3 != 2


def is_own(topic: Topic) -> bool:
    """Whether it is of the user's own sessions, which needs no right."""
    return bool(topic.user_id or topic.session_id)


def ended_at(rows: list[FeedEvent], identity: Somebody) -> int | None:
    """The position at which somebody's session or access token ended."""
    own = (identity.session_id, identity.access_token_id)
    return next((row.position for row in rows if row.reason and (row.session_id, row.access_token_id) == own), None)


@dataclass(eq=False)
class Operation:
    """One operation of a client: what it followed, and what it was told while it was the client's."""

    client: "Listener"
    id: str
    topic: Topic
    after: int
    begin: int
    end: int | None = None
    failed: bool = False

    @property
    def told(self) -> list[tuple[int, int]]:
        """For each answer, how often the roles had changed when it was made, and the event's position."""
        answers = self.client.told[self.id][self.begin : self.end]
        return [(int(changes), int(position)) for changes, position in (answer.split() for answer in answers)]


class Listener(Client):
    """A client that knows which operations it had."""

    def __init__(self, feed: Feed, identity: Somebody) -> None:
        super().__init__(feed, identity)
        self.operations: list[Operation] = []
        self.beginning: dict[str, asyncio.Task[None]] = {}

    def fail(self, operation_id: str, errors: Sequence[Json] | None) -> None:
        assert errors == NOT_ALLOWED
        super().fail(operation_id, errors)
        self.completed(operation_id).failed = True

    def completed(self, operation_id: str) -> Operation:
        (operation,) = (each for each in self.operations if each.id == operation_id and each.end is None)
        operation.end = len(self.told[operation_id])
        return operation


class Answers(Positions):
    """Answers for those whose roles had changed so often, after a while. Of users, every other answer is personal."""

    def __init__(self, world: "World", topic: Topic, changes: int) -> None:
        super().__init__(f"{changes} ", personal=topic == CHANGES and changes % 2 == 1)
        self._world = world
        self._topic = topic

    async def for_all(self, event: FeedEvent) -> bytes | None:
        await self._world.time_passes()
        return await super().for_all(event)

    async def for_one(self, event: FeedEvent, connection: Connection) -> bytes:
        changes, _ = await self._world.look_up(connection)
        return f"{changes} {event.position}".encode()

    async def renew(self, connection: Connection, after: int) -> Following:
        return await self._world.check(connection, self._topic, after)


class World:
    """A workspace, its people, and the clients that come and go."""

    def __init__(
        self, seed: int, feed: Feed, broker: MemoryBroker, here: Database, elsewhere: Database, workspace_id: UUID
    ) -> None:
        self.chance = Random(seed)
        self.feed = feed
        self.broker = broker
        self.here = here
        self.elsewhere = elsewhere
        self.workspace_id = workspace_id
        self.users = [new_id() for _ in range(USERS)]
        self.clients: list[Listener] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.audiences: WeakValueDictionary[tuple[Topic, int], Audience] = WeakValueDictionary()

    async def rows(self) -> list[FeedEvent]:
        async with self.here.read() as reader:
            return await events.read_after(reader, self.workspace_id, 0, 10_000)

    async def time_passes(self) -> None:
        for _ in range(self.chance.choice((0, 0, 1, 5, 30))):
            await asyncio.sleep(0)

    async def look_up(self, connection: Connection) -> tuple[int, int]:
        """How often the roles of a connection's holder have changed, and where the feed stands; raises Unauthorized."""
        identity, rows = connection.identity, await self.rows()
        assert isinstance(identity, Somebody)
        await self.time_passes()
        if ended_at(rows, identity) is not None:
            raise Unauthorized(REASON)
        return changes_of(rows, identity.user_id, len(rows)), len(rows)

    async def check(self, connection: Connection, topic: Topic, after: int | None = None) -> Following:
        """The right to a topic, as an Api would ask the database for it."""
        changes, position = await self.look_up(connection)
        if not (is_own(topic) or is_allowed(changes)):
            raise OperationFailed(NOT_ALLOWED)
        audience = self.audiences.get((topic, changes))
        if audience is None:
            audience = self.audiences[topic, changes] = Audience(Answers(self, topic, changes))
        return Following(audience, topic, position if after is None else after, position)

    # -- what happens ---------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        user_id = self.chance.choice([*self.users, None])
        token = {} if user_id else {"access_token_id": new_id()}
        identity = await somebody(self.here, self.workspace_id, **({"user_id": user_id} if user_id else token))
        client = Listener(self.feed, identity)
        await self.time_passes()
        await self.feed.attach(client.connection)
        self.clients.append(client)

    async def subscribe(self) -> None:
        client = self.anybody()
        operation_id = self.chance.choice("123")
        if operation_id not in client.connection.subscriptions and operation_id not in client.beginning:
            identity = client.connection.identity
            own = [Topic(ENDINGS.kind, user_id=identity.user_id), Topic(ENDINGS.kind, session_id=identity.session_id)]
            topic = self.chance.choice([CHANGES, CHANGES, ENDINGS, *(own if identity.user_id else [])])
            client.beginning[operation_id] = asyncio.create_task(self._subscribe(client, operation_id, topic))

    async def _subscribe(self, client: Listener, operation_id: str, topic: Topic) -> None:
        """As a socket does it."""
        try:
            rows = await self.rows()
            after = self.chance.choice([None, self.chance.randint(0, len(rows))])
            following = await self.check(client.connection, topic, after)
            if client.connection.attached:
                begin = len(client.told[operation_id])
                client.operations.append(Operation(client, operation_id, topic, following.after, begin))
            self.feed.follow(client.connection, operation_id, following)
        except Unauthorized as refusal:
            await self.feed.retire(client.connection, refusal.reason)
        except OperationFailed:
            pass
        finally:
            del client.beginning[operation_id]

    async def complete(self) -> None:
        client, operation_id = self.anybody(), self.chance.choice("123")
        if operation_id in client.beginning:
            client.beginning[operation_id].cancel()
        elif operation_id in client.connection.subscriptions:
            client.completed(operation_id)
            self.feed.unfollow(client.connection, operation_id)

    async def leave(self) -> None:
        client = self.anybody()
        for operation_id in list(client.connection.subscriptions):
            client.completed(operation_id)
        for task in client.beginning.values():
            task.cancel()
        self.feed.detach(client.connection)
        client.connection.subscriptions.clear()

    async def stall(self) -> None:
        client = self.anybody()
        (client.reads.clear if client.reads.is_set() else client.reads.set)()

    async def commit(self) -> None:
        what = [event for _ in range(self.chance.choice((1, 1, 2, 5))) for event in self.some_events()]
        self.tasks.append(asyncio.create_task(self._commit(what, self.chance.random())))

    async def _commit(self, what: list[FeedEvent], luck: float) -> None:
        await write(self.here if luck < 0.5 else self.elsewhere, self.workspace_id, *what)
        if luck > 0.75:
            await self.broker.publish(self.workspace_id, len(await self.rows()))

    def some_events(self) -> list[FeedEvent]:
        identity = self.anybody().connection.identity
        assert isinstance(identity, Somebody)
        kind = self.chance.choice(["change", "change", "ending", "ending", "roles", "roles", "end", "roles and end"])
        found = [roles_changed(identity)] if "roles" in kind and identity.user_id else []
        if "end" in kind.split() and self.chance.random() < 0.5:
            token_id = identity.access_token_id
            found.append(revocation(identity) if token_id is None else events.token_revoked(token_id))
        return found or [change() if kind == "change" else ending()]

    def anybody(self) -> Listener:
        attached = [client for client in self.clients if client.connection.attached]
        return self.chance.choice(attached or self.clients)

    async def live(self) -> None:
        await self.connect()
        steps = [self.connect, self.complete, self.stall, *[self.subscribe] * 5, *[self.commit] * 4]
        for _ in range(STEPS):
            await self.chance.choice(steps if self.chance.random() < 0.97 else [self.leave])()
            await self.time_passes()

    async def come_to_rest(self) -> None:
        """Until everything has been told that will ever be."""
        for client in self.clients:
            client.reads.set()
        await asyncio.gather(*self.tasks)
        last = len(await self.rows())
        channel = self.feed._hub.channels.get(self.workspace_id)
        await until(lambda: channel is None or not channel.holders or channel.position == last)
        beginning = [task for client in self.clients for task in client.beginning.values()]
        await asyncio.gather(*beginning, return_exceptions=True)
        await until(lambda: not self.feed._tasks and not any(client.connection.owed for client in self.clients))

    # -- what must hold -------------------------------------------------------------------------------------------

    async def verify(self) -> None:
        rows = await self.rows()
        for client in self.clients:
            identity = client.connection.identity
            assert isinstance(identity, Somebody)
            ended = ended_at(rows, identity)
            assert client.connection.attached == (ended is None) or not client.end.done()
            if client.end.done():
                assert ended is not None
                assert client.end.result()[0] == 4401
            for operation_id in client.told:
                own = [each for each in client.operations if each.id == operation_id]
                ends = [each.end for each in own[:-1]]
                assert [each.begin for each in own[1:]] == ends, "told while nobody listened"
                if own[-1].end is not None:
                    assert own[-1].end == len(client.told[operation_id]), "told after the end"
            for operation in client.operations:
                self._verify(operation, rows, ended)

    def _verify(self, operation: Operation, rows: list[FeedEvent], ended: int | None) -> None:
        user_id = operation.client.connection.identity.user_id
        wanted = [row.position for row in rows if operation.topic in row.topics and row.position > operation.after]
        positions = [position for _, position in operation.told]
        assert positions == wanted[: len(positions)], "not in order, once, without a gap"
        if ended is not None:
            wanted = [position for position in wanted if position <= ended]
            assert not positions or positions[-1] <= ended, "told after its revocation"
        if not is_own(operation.topic):
            for changes, position in operation.told:
                assert changes >= changes_of(rows, user_id, position), "answered with rights of before"
        changed = [row.position for row in rows if row.changes_rights_of == user_id and user_id is not None]
        if operation.failed:
            assert any(not is_allowed(changes_of(rows, user_id, position)) for position in [operation.after, *changed])
        elif operation.end is None and operation.client.connection.attached:
            assert positions == wanted, "not told"
            assert is_own(operation.topic) or is_allowed(changes_of(rows, user_id, len(rows))), "a right that was lost"
        elif operation.end is None and is_own(operation.topic):
            assert positions == wanted, "not told before the end"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_random_lives(database: Database, workshop: Workshop, seed: int) -> None:
    broker = MemoryBroker()
    async with running_feed(database, broker=broker, poll=POLL) as feed, another_process(database) as elsewhere:
        world = World(seed, feed, broker, database, elsewhere, workshop.workspace_id)
        await world.live()
        await world.come_to_rest()
        await world.verify()
