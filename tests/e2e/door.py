"""A door in front of a server, as a load balancer is: it stays open while the server behind it is replaced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress


class Door:
    """Passes connections on to a server's port. While it is shut, they are accepted and wait."""

    def __init__(self, behind: int) -> None:
        self.port = 0
        self._behind = behind
        self._opened = asyncio.Event()
        self._opened.set()

    def shut(self) -> None:
        self._opened.clear()

    def open(self) -> None:
        self._opened.set()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways, until either side ends it."""
        with closing(writer):
            await self._opened.wait()
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._behind)
            with closing(back_writer):
                await asyncio.gather(_copy(reader, back_writer), _copy(back_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def door_to(port: int) -> AsyncIterator[Door]:
    """An open door."""
    door = Door(port)
    listener = await asyncio.start_server(door.pass_on, "127.0.0.1")
    door.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield door
