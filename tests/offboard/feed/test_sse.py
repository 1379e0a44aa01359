"""Event streams on a real server: what is sent, and every way in which a stream ends."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from models.database import Database
from models.events import FeedEvent, Topic
from offboard.feed import SERVER_OPTIONS, Audience, Feed, Following, OperationFailed
from offboard.feed import sse as event_streams
from offboard.feed.protocol import MASKED, Json
from offboard.feed.sse import EventStream
from tests.offboard.feed.conftest import SHORT
from tests.offboard.feed.stage import (
    CHANGES,
    ENDINGS,
    Positions,
    Somebody,
    change,
    revocation,
    running_feed,
    somebody,
    write,
)
from tests.workshop import Workshop

COMPLETE = ("complete", None)
FAILURE = {"message": "Not for you", "extensions": {"code": "FORBIDDEN"}}


class Counted(Positions):
    """Answers each event with a JSON object."""

    fill = ""

    async def for_all(self, event: FeedEvent) -> bytes | None:
        await super().for_all(event)
        return json.dumps({"position": event.position, "fill": self.fill}).encode()


@dataclass
class Stage:
    """A server on which every request is answered with a stream of `source`, or else of changes."""

    feed: Feed
    database: Database
    person: Somebody
    answers: Counted = field(default_factory=Counted)
    source: Following | AsyncIterator[Json] | None = None
    port: int = 0
    server: Any = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        stream = EventStream(self.feed, self.person).of(self.source or self.following(CHANGES))
        await stream(scope, receive, send)
        self.ended.set()

    def following(self, topic: Topic, after: int | None = None) -> Following:
        """What lies after a position, or after the person was checked."""
        checked = self.person.feed.position
        return Following(Audience(self.answers), topic, checked if after is None else after, checked)

    async def commit(self, *what: FeedEvent) -> None:
        await write(self.database, self.person.workspace_id, *what)


class Reader:
    """Reads one stream, event by event, from a chunked HTTP response."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._text = b""

    async def headers(self) -> str:
        return (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()

    async def event(self) -> tuple[str, Any] | None:
        """The next event and its data; None at the end of the stream."""
        while b"\n\n" not in self._text:
            size = int(await self._reader.readline(), 16)
            self._text += (await self._reader.readexactly(size + 2))[:-2]
            if size == 0:
                return None
        text, _, self._text = self._text.partition(b"\n\n")
        if text == b":":
            return "comment", None
        name, data = text.decode().split("\n")
        data = data.removeprefix("data:").strip()
        return name.removeprefix("event: "), json.loads(data) if data else None


@asynccontextmanager
async def serving(stage: Stage) -> AsyncIterator[Stage]:
    config = uvicorn.Config(stage, port=0, lifespan="off", log_config=None, **SERVER_OPTIONS)
    config.load()
    stage.server = uvicorn.Server(config)
    stage.server.lifespan = config.lifespan_class(config)
    await stage.server.startup()
    stage.port = stage.server.servers[0].sockets[0].getsockname()[1]
    try:
        yield stage
    finally:
        if stage.server.servers:
            await stage.server.shutdown()


@asynccontextmanager
async def streaming(stage: Stage) -> AsyncIterator[Reader]:
    """A stream whose headers were read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(b"GET /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
    stream = Reader(reader)
    headers = await stream.headers()
    assert headers.startswith("http/1.1 200")
    for header in (
        "content-type: text/event-stream; charset=utf-8",
        "cache-control: no-store",
        "x-accel-buffering: no",
    ):
        assert f"\r\n{header}\r\n" in headers
    try:
        yield stream
    finally:
        writer.close()


@pytest.fixture
async def stage(database: Database, workshop: Workshop) -> AsyncIterator[Stage]:
    async with running_feed(database) as feed:
        async with serving(Stage(feed, database, await somebody(database, workshop.workspace_id))) as stage:
            yield stage


async def told(stream: Reader) -> int:
    """The position of the event that comes next."""
    name, data = await stream.event() or ("end", None)
    assert name == "next"
    return int(data["position"])


async def test_events_come_as_they_are_committed_missed_ones_first(stage: Stage) -> None:
    await stage.commit(change(), change())
    stage.source = stage.following(CHANGES, after=stage.person.feed.position + 1)
    async with streaming(stage) as stream:
        assert await told(stream) == stage.person.feed.position + 2
        await stage.commit(change())
        assert await told(stream) == stage.person.feed.position + 3


async def test_a_revoked_session_gets_its_last_event_complete_and_the_end(stage: Stage) -> None:
    stage.source = stage.following(ENDINGS)
    async with streaming(stage) as stream:
        await stage.commit(revocation(stage.person), revocation(stage.person))
        assert await told(stream) == stage.person.feed.position + 1
        assert await stream.event() == COMPLETE
        assert await stream.event() is None
    await stage.ended.wait()
    assert stage.feed.workspaces == 0


async def test_a_stream_that_does_not_follow_its_own_end_is_completed_too(stage: Stage) -> None:
    async with streaming(stage) as stream:
        await stage.commit(change(), revocation(stage.person), change())
        assert await told(stream) == stage.person.feed.position + 1
        assert await stream.event() == COMPLETE
        assert await stream.event() is None


async def test_an_answer_that_does_not_come_does_not_hold_the_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "GRACE", SHORT)
    stage.answers.hold = asyncio.Event()
    async with streaming(stage) as stream:
        await stage.commit(change(), revocation(stage.person))
        assert await stream.event() == COMPLETE
        assert await stream.event() is None
    stage.answers.hold.set()


async def counting(failure: Exception | None = None) -> AsyncIterator[Json]:
    yield {"data": {"count": 1}}
    if failure is not None:
        raise failure


@pytest.mark.parametrize(
    ("failure", "last"),
    [(None, None), (OperationFailed([FAILURE]), [FAILURE]), (LookupError(), [MASKED])],
    ids=["ends", "fails", "crashes"],
)
async def test_results_of_a_generator_are_streamed(
    stage: Stage, failure: Exception | None, last: list[Json] | None
) -> None:
    stage.source = counting(failure)
    async with streaming(stage) as stream:
        assert await stream.event() == ("next", {"data": {"count": 1}})
        if last is not None:
            assert await stream.event() == ("next", {"errors": last})
        assert await stream.event() == COMPLETE
        assert await stream.event() is None


async def test_a_generator_is_closed_when_the_client_leaves(stage: Stage) -> None:
    closed = asyncio.Event()

    async def waiting() -> AsyncIterator[Json]:
        try:
            yield {"data": {}}
            await asyncio.Event().wait()
        finally:
            closed.set()

    stage.source = waiting()
    async with streaming(stage) as stream:
        await stream.event()
    await closed.wait()
    await stage.ended.wait()
    assert stage.feed.workspaces == 0


async def test_an_event_that_cannot_be_answered_ends_the_stream_with_an_error(stage: Stage) -> None:
    stage.answers.failure = LookupError()
    async with streaming(stage) as stream:
        await stage.commit(change())
        assert await stream.event() == ("next", {"errors": [MASKED]})
        assert await stream.event() == COMPLETE


async def test_a_server_that_stops_ends_streams_without_complete(stage: Stage) -> None:
    """Red when the stream waits for the server, which waits for the stream."""
    async with streaming(stage) as stream:
        await stage.commit(change())
        await told(stream)
        stopping = asyncio.create_task(stage.server.shutdown())
        assert await stream.event() is None
        await stopping
        stage.server.servers = []


async def test_a_feed_that_stops_ends_streams_without_complete(stage: Stage) -> None:
    async with streaming(stage) as stream:
        await stage.commit(change())
        await told(stream)
        await stage.feed.stop()
        assert await stream.event() is None


async def test_silence_is_broken_by_comments(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "KEEP_ALIVE", SHORT)
    async with streaming(stage) as stream:
        assert await stream.event() == ("comment", None)
        assert await stream.event() == ("comment", None)


async def test_an_idle_stream_is_one_task(stage: Stage) -> None:
    """Its request's."""
    async with streaming(stage) as stream:
        await stage.commit(change())
        await told(stream)
        await asyncio.sleep(0)
        before = len(asyncio.all_tasks())
        async with streaming(stage) as other:
            await told(other)
            await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == before + 1


async def stuck_client(stage: Stage) -> socket.socket:
    """A client that asks for a stream and never reads it."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", stage.port))
    await loop.sock_sendall(raw, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200" in await loop.sock_recv(raw, 512)
    return raw


async def test_a_client_that_does_not_read_is_cut_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red without the time limit on sending: uvicorn waits for ever."""
    monkeypatch.setattr(event_streams, "STUCK_AFTER", SHORT)
    monkeypatch.setattr(event_streams, "UNSENT_LIMIT", 1_000_000_000)
    stage.answers.fill = "x" * 300_000
    raw = await stuck_client(stage)
    while not stage.ended.is_set():
        await stage.commit(change())
    raw.close()


async def test_what_waits_for_a_client_is_bounded(stage: Stage) -> None:
    """Red without the limit in bytes."""
    stage.answers.fill = "x" * 600_000
    raw = await stuck_client(stage)
    while not stage.ended.is_set():
        await stage.commit(change())
    raw.close()


async def test_others_get_their_events_meanwhile(stage: Stage) -> None:
    stage.answers.fill = "x" * 300_000
    raw = await stuck_client(stage)
    async with streaming(stage) as stream:
        for number in range(1, 10):
            await stage.commit(change())
            assert await told(stream) == stage.person.feed.position + number
    raw.close()
