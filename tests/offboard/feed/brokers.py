"""What the brokers' tests share: processes that listen, what their servers tell, and lines that fall silent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis as RedisClient

from offboard.feed.brokers import Broker, open_broker, postgresql, redis
from tests.services.postgresql import PostgreSQL
from tests.services.service import Service


class Heard:
    """The hints that a process got."""

    def __init__(self) -> None:
        self.hints: list[tuple[UUID, int]] = []
        self._new = asyncio.Event()

    def __call__(self, workspace_id: UUID, position: int) -> None:
        self.hints.append((workspace_id, position))
        self._new.set()

    async def wait_for(self, *hint: Any) -> None:
        while hint not in self.hints:
            self._new.clear()
            await self._new.wait()


class Kind:
    """A kind of broker, and what its server tells without it."""

    def __init__(self, server: Service | None) -> None:
        self._server = server
        self.processes = 1 if server is None else 3

    @property
    def server(self) -> Service:
        assert self._server is not None
        return self._server

    def open(self, *, through: int | None = None) -> Broker:
        """A broker of this kind, connecting through another port if one is given."""
        if self._server is None:
            return open_broker("memory:", "")
        url = self._server.url.replace(str(self._server.port), str(through or self._server.port))
        return open_broker("postgresql:", url) if isinstance(self._server, PostgreSQL) else open_broker(url, "")

    async def connections(self) -> int:
        """How many connections of brokers the server has."""
        if isinstance(self._server, PostgreSQL):
            statement = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
            return int(await self._ask(statement, postgresql.APPLICATION))
        async with RedisClient.from_url(self.server.url, decode_responses=True) as client:
            return len(await client.client_list()) - 1

    async def say(self, message: str) -> None:
        """Publish what no broker would."""
        if isinstance(self._server, PostgreSQL):
            await self._ask("SELECT pg_notify($1, $2)", postgresql.CHANNEL, message)
        else:
            async with RedisClient.from_url(self.server.url) as client:
                await client.publish(redis.CHANNEL, message)

    async def _ask(self, statement: str, *values: str) -> Any:
        connection = await asyncpg.connect(self.server.url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()


@asynccontextmanager
async def listening(*brokers: Broker) -> AsyncIterator[list[Heard]]:
    async with AsyncExitStack() as stack:
        everybody = []
        for broker in brokers:
            heard = Heard()
            stack.push_async_callback(broker.stop)
            await broker.start(heard)
            everybody.append(heard)
        yield everybody


async def reachable(broker: Broker) -> bool | None:
    with suppress(ConnectionError):
        await broker.ping()
        return True
    return None


async def unreachable(broker: Broker) -> bool | None:
    return None if await reachable(broker) else True


@contextmanager
def away(server: Service, end: Callable[[], None]) -> Iterator[None]:
    """A server that is gone for a while."""
    end()
    try:
        yield
    finally:
        server.start()


class Tries:
    """Counts how often brokers connect."""

    def __init__(self) -> None:
        self._made = asyncio.Semaphore(0)

    def note(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any) -> Any:
            self._made.release()
            return connect(*arguments)

        return noting

    async def more(self, number: int) -> None:
        """Wait until some more have been made."""
        while not self._made.locked():
            await self._made.acquire()
        for _ in range(number):
            await self._made.acquire()


class Line:
    """Passes connections on to a server. One that falls silent stays open, but nothing comes through any more."""

    def __init__(self, behind: int) -> None:
        self.port = 0
        self._behind = behind
        self._silenced: list[asyncio.Event] = []

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways, until either side ends it."""
        silenced = asyncio.Event()
        self._silenced.append(silenced)
        try:
            with closing(writer):
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._behind)
                with closing(back_writer):
                    await asyncio.gather(_copy(reader, back_writer, silenced), _copy(back_reader, writer, silenced))
        finally:
            self._silenced.remove(silenced)

    def silence(self, *which: int) -> None:
        """Let nothing more through on connections that are open, in their order; on all if none is named."""
        for number in which or range(len(self._silenced)):
            self._silenced[number].set()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silenced: asyncio.Event) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            if not silenced.is_set():
                writer.write(data)
                await writer.drain()
    writer.close()


@asynccontextmanager
async def line_to(server: Service) -> AsyncIterator[Line]:
    line = Line(server.port)
    listener = await asyncio.start_server(line.pass_on, "127.0.0.1")
    line.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield line
