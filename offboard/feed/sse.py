"""Event streams: the distinct connections mode of enisdenjo/graphql-sse's PROTOCOL.md, one operation a stream.

The format of the stream is that of the HTML standard, section 9.2, Server-sent events.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, Self, TypeAlias

import orjson
import structlog

from models.enums import RevocationReason
from offboard.feed.audience import Following
from offboard.feed.connection import Connection, Identity
from offboard.feed.errors import OperationFailed, Unauthorized, code_of
from offboard.feed.feed import Feed
from offboard.feed.protocol import MASKED, Json
from offboard.feed.transport import STUCK_AFTER, UNSENT_LIMIT, transport_of

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back until its buffer is full
}
COMPLETE = b"event: complete\ndata:\n\n"
COMMENT = b":\n\n"

KEEP_ALIVE = 12.0
"""Seconds of silence after which a comment is sent, so that proxies keep the stream open and a lost peer is noticed."""

GRACE = 1.0
OPERATION = "stream"

log = structlog.get_logger(__name__)


def next_result(payload: bytes) -> bytes:
    """One execution result."""
    return b"event: next\ndata: %b\n\n" % payload


def failure(errors: Sequence[Json]) -> bytes:
    """The end of an operation with errors: a last result, and nothing more."""
    return next_result(orjson.dumps({"errors": errors})) + COMPLETE


class EventStream:
    """The answer to one subscription as a stream; an ASGI application. It is the outlet of a connection of its own.

    What is to be sent is queued, and written by the task of the request, the only one that a stream needs. An ending
    is queued too: `complete` tells the client that nothing more will come, a stream without it that it may come back.
    """

    def __init__(self, feed: Feed, identity: Identity) -> None:
        self.connection = Connection(identity, self)
        self._feed = feed
        self._source: Following | AsyncIterator[Json]
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._woken = asyncio.Event()
        self._read = asyncio.Event()
        self._leaving = False
        self._ended = False
        self._abort: Callable[[], None] = self._end

    def of(self, source: Following | AsyncIterator[Json]) -> Self:
        """Say what is to be streamed, before it is called."""
        self._source = source
        return self

    async def __call__(self, scope: MutableMapping[str, Any], _receive: object, send: Send) -> None:
        """Stream until the operation, the session, the peer or the server ends."""
        if (refusal := self._feed.refusal(self.connection)) is not None:
            await _refuse(send, refusal)
            return
        transport = transport_of(scope)
        transport.on_end = self._end
        self._abort = transport.abort
        telling = None
        try:
            await self._feed.attach(self.connection)
            headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if isinstance(self._source, Following):
                self._feed.follow(self.connection, OPERATION, self._source)
            else:
                telling = asyncio.create_task(self._tell(self._source))
            await self._write(send)
        except TimeoutError:
            log.warning("A client does not read: its transport is aborted")
            transport.abort()
        finally:
            transport.on_end = None
            self._end()
            self._feed.detach(self.connection)
            if telling is not None:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    def next(self, operation_id: str, payload: bytes) -> None:
        """See Outlet."""
        self._say(next_result(payload))

    def fail(self, operation_id: str, errors: Sequence[Json] | None) -> None:
        """See Outlet: the errors are the last result."""
        self.connection.ending = code_of(errors)
        self._say(failure(errors or [MASKED]))
        self._end()

    async def ready(self) -> None:
        """See Outlet."""
        while self._queue and not self._ended:
            self._read.clear()
            await self._read.wait()

    def sign_out(self, reason: RevocationReason | None) -> None:
        """See Outlet: after the last event, `complete`. The next request is told the reason."""
        if not self.connection.owed:
            self._complete()
        elif not self._leaving:
            self._leaving = True
            self._woken.set()

    def close(self, code: int, reason: str) -> None:
        """See Outlet: the stream ends without `complete`."""
        self._end()

    def abort(self) -> None:
        """See Outlet."""
        self._abort()
        self._end()

    async def _tell(self, results: AsyncIterator[Json]) -> None:
        try:
            async for result in results:
                await self.ready()
                self.next(OPERATION, orjson.dumps(result))
            self._complete()
        except Unauthorized as refusal:
            await self._feed.retire(self.connection, refusal.reason)
        except OperationFailed as failure:
            self.fail(OPERATION, failure.errors)
        except Exception:
            log.exception("An operation failed")
            self.fail(OPERATION, None)

    async def _write(self, send: Send) -> None:
        """Send what is queued until the end; raises TimeoutError for a peer that does not read."""
        while True:
            while self._queue:
                body = b"".join(self._queue)
                self._queue.clear()
                self._queued_bytes = 0
                async with asyncio.timeout(STUCK_AFTER):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            self._read.set()
            if self._ended:
                self.connection.closed()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            if self._leaving:
                with suppress(TimeoutError):
                    async with asyncio.timeout(GRACE):
                        await self.connection.told()
                self._complete()
                continue
            self._woken.clear()
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    await self._woken.wait()
            except TimeoutError:
                self._queue.append(COMMENT)

    def _say(self, text: bytes) -> None:
        if self._ended:
            return
        self._queue.append(text)
        self._queued_bytes += len(text)
        self._woken.set()
        if self._queued_bytes > UNSENT_LIMIT:
            log.warning("A client reads too slowly: its transport is aborted")
            self.abort()

    def _complete(self) -> None:
        self._say(COMPLETE)
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._woken.set()
        self._read.set()


async def _refuse(send: Send, error: Json) -> None:
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps({"errors": [error]})})
