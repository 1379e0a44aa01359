"""A client that goes on at another node, after the last event that it has heard, when its own node is gone."""

import asyncio
import random
from collections.abc import Sequence

from tests.e2e.callers import Person
from tests.e2e.lean import Closed, LeanSocket, open_lean
from tests.e2e.server import Server
from tests.e2e.sockets import SESSION_REVOKED
from tests.waiting import LIMIT, LOOK_AGAIN, until


class Resuming:
    """Watches with one socket after the other, on any of some nodes, until it is closed with 4401."""

    def __init__(
        self, person: Person, nodes: Sequence[Server], after: str, query: str = SESSION_REVOKED, **variables: str
    ) -> None:
        self.person = person
        self.closed: Closed | None = None
        self.connected = asyncio.Event()
        self._query = query
        self._variables = variables
        self._nodes = random.sample(nodes, len(nodes))
        self._start = after
        self._before: list[tuple[str, str]] = []
        self._socket: LeanSocket | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def heard(self) -> list[tuple[str, str]]:
        """What LeanSocket.heard tells, over all its sockets."""
        return self._before + (self._socket.heard if self._socket else [])

    async def hear(self, count: int) -> list[tuple[str, str]]:
        """What it has heard, once that is so many events."""
        await until(lambda: len(self.heard) >= count)
        return self.heard

    async def end(self) -> Closed:
        """How the server closes it for good."""
        async with asyncio.timeout(LIMIT):
            await self._task
        assert self.closed is not None
        return self.closed

    def leave(self) -> None:
        """Close it from this side."""
        self._task.cancel()

    async def _run(self) -> None:
        while self.closed is None:
            self._nodes = self._nodes[1:] + self._nodes[:1]
            try:
                self._socket = await open_lean(self._nodes[0].port, self.person.token)
            except OSError:
                await asyncio.sleep(LOOK_AGAIN)
                continue
            try:
                if self._socket.closed is None:
                    after = self._before[-1][0] if self._before else self._start
                    self._socket.subscribe(self._query, after=after, **self._variables)
                    self.connected.set()
                while self._socket.closed is None:
                    await self._socket.news()
            finally:
                self._socket.abort()
            if self._socket.closed.code == 4401:
                self.closed = self._socket.closed
            self._before, self._socket = self.heard, None
            await asyncio.sleep(LOOK_AGAIN)
