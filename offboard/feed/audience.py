"""Everybody who gets the same answer to the same event: it is executed and encoded once, and handed to all of them."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog

from models.events import FeedEvent, Topic
from offboard.feed.connection import Connection, Subscription
from offboard.feed.errors import Unauthorized
from offboard.feed.metrics import EVENTS
from offboard.feed.protocol import Json

SLICE = 50
"""How many subscriptions are served before the event loop gets on with the rest."""

AT_ONCE = 10
"""How many answers that are right for one subscription only are made at the same time."""

FRESH_S = 1.0
"""How long an answer may serve those who come for it later: clients that all resume at once after a deployment."""

log = structlog.get_logger(__name__)


class Following(NamedTuple):
    """A subscription to be: to a topic, from after a position on, in the company of an audience.

    `checked` is where the feed stood when the database was asked for the right to it.
    """

    audience: "Audience"
    topic: Topic
    after: int
    checked: int


class Answers(Protocol):
    """How one operation answers events, for subscribers of whom all may see the same."""

    async def for_all(self, event: FeedEvent) -> bytes | None:
        """The encoded result that is right for every subscriber; None if it depends on who asks."""

    async def for_one(self, event: FeedEvent, connection: Connection) -> bytes:
        """The encoded result for one subscriber; raises Unauthorized if it has been signed out."""

    async def renew(self, connection: Connection, after: int) -> Following:
        """The same subscription with the rights that its holder has now; raises Unauthorized and OperationFailed."""

    def ended(self, connection: Connection, seconds: float, events: int, why: str) -> None:
        """Note down that a subscription is over, how long it lasted, and how many events it was told."""

    @property
    def cursor_expired(self) -> Sequence[Json]:
        """The errors that tell a client that it cannot resume."""


class Audience:
    """A queue of events, each to be answered for those subscriptions that follow its topic at that moment.

    One task serves it while there is something to do, and none while there is not.
    """

    __slots__ = ("__weakref__", "_queue", "_recent", "_serving", "answers")

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self._queue: deque[tuple[FeedEvent, list[Subscription]]] = deque()
        self._recent: dict[int, asyncio.Future[bytes | None]] = {}
        self._serving: asyncio.Task[None] | None = None

    def tell(self, event: FeedEvent, subscriptions: list[Subscription]) -> None:
        """Answer an event for some subscriptions, whose connections are owed it by now, after all earlier ones."""
        self._recent.clear()
        if self._queue and self._queue[-1][1] == subscriptions:
            subscriptions = self._queue[-1][1]  # a burst of events is kept with one list of thousands, not with many
        self._queue.append((event, subscriptions))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())

    async def answer(self, event: FeedEvent, connection: Connection) -> bytes:
        """The encoded answer to an event for one subscriber, shared with whoever else asks for it now."""
        if (shared := await self._shared(event)) is not None:
            return shared
        return await self.answers.for_one(event, connection)

    async def _shared(self, event: FeedEvent) -> bytes | None:
        answer = self._recent.get(event.position)
        if answer is None:
            answer = asyncio.ensure_future(self.answers.for_all(event))
            self._recent[event.position] = answer
            asyncio.get_running_loop().call_later(FRESH_S, self._recent.pop, event.position, None)
        return await asyncio.shield(answer)

    async def _serve(self) -> None:
        while self._queue:
            event, subscriptions = self._queue.popleft()
            try:
                shared = await self._shared(event)
            except Exception:
                log.exception("An event could not be answered", position=event.position)
                for subscription in subscriptions:
                    self._fail(subscription)
                    subscription.connection.pay()
                continue
            step = SLICE if shared is not None else AT_ONCE
            for first in range(0, len(subscriptions), step):
                some = subscriptions[first : first + step]
                if shared is not None:
                    for subscription in some:
                        subscription.tell(event, shared)
                        subscription.connection.pay()
                    EVENTS.inc(len(some))
                    await asyncio.sleep(0)
                else:
                    await asyncio.gather(*(self._tell_one(event, subscription) for subscription in some))
        self._serving = None

    async def _tell_one(self, event: FeedEvent, subscription: Subscription) -> None:
        try:
            if not subscription.ended:
                subscription.tell(event, await self.answers.for_one(event, subscription.connection))
                EVENTS.inc()
        except Unauthorized:
            return  # the event that says so comes next
        except Exception:
            log.exception("An event could not be answered", position=event.position)
            self._fail(subscription)
        finally:
            subscription.connection.pay()

    def _fail(self, subscription: Subscription) -> None:
        if not subscription.ended:
            subscription.connection.outlet.fail(subscription.id, None)
