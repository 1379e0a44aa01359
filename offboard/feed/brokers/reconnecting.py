"""A broker with a server: connected for as long as it can be, and again as soon as it can be."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol
from uuid import UUID

import structlog

from offboard.feed.brokers.base import Hint, OnHint
from offboard.feed.metrics import BROKER_LAG, HINTS

CHECK_EVERY = 2.0
"""Seconds of silence after which a connection is asked for an answer: one that is half open looks like a silent one."""

PATIENCE = 2.0
"""Seconds that the server has for connecting, for an answer, and for taking hints."""

FIRST_WAIT = 0.05
LONGEST_WAIT = 1.0

log = structlog.get_logger(__name__)

Received = Callable[[str], None]
"""Called on the event loop with each message."""


class Link(Protocol):
    """Two connections to a broker's server: one listens, the other publishes."""

    async def listen(self) -> None:
        """Listen on. Ends only by raising: when the listening connection is lost, or gives no answer when asked."""

    async def publish(self, messages: Sequence[str]) -> None:
        """Hand messages to the server; raises if it does not take them."""

    async def check(self) -> None:
        """Ask the publishing connection for an answer; raises if there is none."""


Connect = Callable[[Received], AbstractAsyncContextManager[Link]]
"""Opens a link that listens already, within PATIENCE, and closes it. Raises if the server cannot be reached."""


class ReconnectingBroker:
    """Carries hints over a link. One that is lost is opened again, for ever, at least once a second.

    What is published while there is no link is lost. So is what the server has not taken after PATIENCE, and then the
    link is opened anew. Hints that wait for the server become one for each workspace: the highest position counts.
    """

    def __init__(self, name: str, connect: Connect) -> None:
        self._name = name
        self._connect = connect
        self._on_hint: OnHint = _ignore
        self._running: asyncio.Task[None] | None = None
        self._linked = False
        self._told_lost = False
        self._stopping = False
        self._tried = asyncio.Event()
        self._waiting: dict[UUID, Hint] = {}
        self._filled = asyncio.Event()

    async def start(self, on_hint: OnHint) -> None:
        """Begin to connect, and wait a little for that: usually hints arrive as soon as this has returned."""
        self._on_hint = on_hint
        self._running = asyncio.create_task(self._stay_linked())
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._tried.wait()

    async def publish(self, workspace_id: UUID, position: int) -> None:
        """Leave a hint for the task that sends. Never raises."""
        if not self._linked:
            HINTS.labels("lost").inc()
            return
        waiting = self._waiting.get(workspace_id)
        if waiting is None or waiting.position < position:
            self._waiting[workspace_id] = Hint.now(workspace_id, position)
            self._filled.set()

    async def ping(self) -> None:
        """Raises ConnectionError while there is no link. A silent loss is noticed CHECK_EVERY + PATIENCE later."""
        if not self._linked:
            raise ConnectionError(f"{self._name} is not connected.")

    async def stop(self) -> None:
        """Close the link and open no other."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self._linked = False

    async def _stay_linked(self) -> None:
        wait = FIRST_WAIT
        while not self._stopping:  # a task group whose tasks fail just then forgets that it was cancelled
            try:
                async with self._connect(self._received) as link:
                    self._gained()
                    wait = FIRST_WAIT
                    async with asyncio.TaskGroup() as group:
                        group.create_task(link.listen())
                        group.create_task(self._send(link))
            except* Exception as errors:  # noqa: BLE001 - whatever it is, hints are wanted again
                self._lost(errors.exceptions[0])
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _send(self, link: Link) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY):
                    await self._filled.wait()
            self._filled.clear()
            hints, self._waiting = list(self._waiting.values()), {}
            try:
                async with asyncio.timeout(PATIENCE):
                    await (link.publish([hint.encode() for hint in hints]) if hints else link.check())
            except Exception:
                HINTS.labels("lost").inc(len(hints))
                raise
            HINTS.labels("published").inc(len(hints))

    def _received(self, message: str) -> None:
        try:
            hint = Hint.decode(message)
        except ValueError:
            log.warning("A message of the broker is no hint", broker=self._name)
            return
        HINTS.labels("received").inc()
        BROKER_LAG.observe(hint.age)
        self._on_hint(hint.workspace_id, hint.position)

    def _gained(self) -> None:
        self._linked = True
        self._tried.set()
        if self._told_lost:
            log.info("The broker is back", broker=self._name)
        self._told_lost = False

    def _lost(self, error: Exception) -> None:
        self._linked = False
        self._tried.set()
        HINTS.labels("lost").inc(len(self._waiting))
        self._waiting.clear()
        if not (self._told_lost or self._stopping):
            reason = str(error) or type(error).__name__
            log.error("The broker is lost: events reach other processes late", broker=self._name, reason=reason)
        self._told_lost = True


def _ignore(_workspace_id: UUID, _position: int) -> None: ...
