"""The WebSocket endpoint: `graphql-transport-ws` to the letter of PROTOCOL.md of enisdenjo/graphql-ws, for any Api."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import orjson
import structlog

from models.enums import RevocationReason
from offboard.feed import protocol
from offboard.feed.api import Api, Scope
from offboard.feed.audience import Following
from offboard.feed.connection import Connection
from offboard.feed.errors import OperationFailed, Unauthorized, code_of
from offboard.feed.feed import Feed
from offboard.feed.limits import too_many
from offboard.feed.protocol import MASKED, CloseCode, InvalidMessage, Json, Operation
from offboard.feed.relay import TRY_AGAIN_LATER
from offboard.feed.transport import transport_of
from offboard.feed.voice import Voice

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

INIT_TIMEOUT = 10.0
GRACE = 1.0

log = structlog.get_logger(__name__)


class Endpoint:
    """An ASGI application for WebSockets; the server runs with SERVER_OPTIONS.

    `init_timeout` is how long a client may take to introduce itself; `grace`, how long operations under way may still
    answer once their socket is being signed out; both in seconds.
    """

    def __init__(self, api: Api, feed: Feed, *, init_timeout: float = INIT_TIMEOUT, grace: float = GRACE) -> None:
        self.api = api
        self.feed = feed
        self.init_timeout = init_timeout
        self.grace = grace

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one socket until it is closed."""
        return _Socket(self, scope, receive, send).serve()


class _Socket:
    """One socket: reads messages, runs operations, and is the outlet of its connection.

    An operation runs as a task until it is answered; one that follows the feed then leaves nothing running behind.
    """

    __slots__ = (
        "_acknowledged",
        "_asgi_send",
        "_connection",
        "_endpoint",
        "_init_timer",
        "_introduced",
        "_last_words",
        "_operations",
        "_receive",
        "_scope",
        "_signing_in",
        "_voice",
    )

    def __init__(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        self._endpoint = endpoint
        self._scope = scope
        self._receive = receive
        self._asgi_send = send
        self._voice = Voice(transport_of(scope))
        self._connection: Connection | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._signing_in: asyncio.Task[None] | None = None
        self._last_words: asyncio.Task[None] | None = None
        self._init_timer: asyncio.TimerHandle | None = None
        self._introduced = False
        self._acknowledged = False

    async def serve(self) -> None:
        """Accept the socket, serve it until it is closed, and leave nothing behind."""
        try:
            await self._accept()
            while (event := await self._receive())["type"] == "websocket.receive":
                self._take(event.get("text"))
                await self.ready()  # whoever does not read is not listened to: answers would pile up
        except OSError:
            return  # the ASGI specification's sign that the peer went away
        finally:
            await self._tear_down()

    def next(self, operation_id: str, payload: bytes) -> None:
        """See Outlet."""
        self._voice.say(protocol.next_result(operation_id, payload))

    def fail(self, operation_id: str, errors: Sequence[Json] | None) -> None:
        """See Outlet."""
        if self._connection is not None:
            self._endpoint.feed.unfollow(self._connection, operation_id, code_of(errors))
        self._voice.say(protocol.error(operation_id, errors or [MASKED]))

    async def ready(self) -> None:
        """See Outlet."""
        await self._voice.ready()

    def sign_out(self, reason: RevocationReason | None) -> None:
        """See Outlet: answers under way, the last events, their completion and 4401 leave in one write."""
        if self._voice.is_ending:
            return
        self._voice.hold()
        if self._operations or (self._connection is not None and self._connection.owed):
            self._last_words = asyncio.create_task(self._finish_soon(reason))
        else:
            self._finish(reason)

    def close(self, code: int, reason: str) -> None:
        """See Outlet."""
        self._voice.close(code, reason)

    def abort(self) -> None:
        """See Outlet."""
        self._voice.abort()

    async def _accept(self) -> None:
        await self._receive()
        if protocol.SUBPROTOCOL in self._scope["subprotocols"]:
            await self._asgi_send({"type": "websocket.accept", "subprotocol": protocol.SUBPROTOCOL})
            self._init_timer = asyncio.get_running_loop().call_later(
                self._endpoint.init_timeout, self.close, CloseCode.INIT_TIMEOUT, "Connection initialisation timeout"
            )
        else:
            await self._asgi_send({"type": "websocket.accept"})
            self.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")

    def _take(self, text: str | None) -> None:
        if self._voice.is_ending:
            return
        try:
            if text is None:
                raise InvalidMessage("A message must be text")
            self._handle(protocol.read(text))
        except InvalidMessage as invalid:
            self.close(CloseCode.INVALID_MESSAGE, str(invalid))

    def _handle(self, message: protocol.Message) -> None:
        match message:
            case protocol.ConnectionInit(payload):
                self._introduce(payload)
            case protocol.Subscribe(operation_id, operation):
                self._subscribe(operation_id, operation)
            case protocol.Complete(operation_id):
                self._complete(operation_id)
            case protocol.Ping(payload):
                self._voice.say(protocol.pong(payload))
            case protocol.Pong():
                pass

    def _introduce(self, payload: Json | None) -> None:
        if self._introduced:
            self.close(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
            return
        self._introduced = True
        if self._init_timer is not None:
            self._init_timer.cancel()
            self._init_timer = None
        headers = self._scope["headers"]
        token = bearer_token(payload, headers)
        if token is None:
            token = self._endpoint.api.web_token(self._scope)
        self._signing_in = asyncio.create_task(self._sign_in(token))
        self._scope["headers"] = [header for header in headers if header[0] == b"user-agent"]  # all that is used later

    async def _sign_in(self, token: str | None) -> None:
        try:
            identity = await self._endpoint.api.authenticate(token)
            connection = Connection(identity, self)
            if (refusal := self._endpoint.feed.refusal(connection)) is not None:
                self.close(TRY_AGAIN_LATER, refusal["message"])
                return
            self._connection = connection
            await self._endpoint.feed.attach(connection)
        except Unauthorized as refusal:
            self.close(CloseCode.UNAUTHORIZED, refusal.reason or "Unauthorized")
        except Exception:
            log.exception("A socket could not be authenticated")
            self.close(TRY_AGAIN_LATER, "Try again later")
        else:
            self._acknowledged = self._connection.attached
            if self._acknowledged:
                self._voice.say(protocol.CONNECTION_ACK)
        finally:
            self._signing_in = None

    def _subscribe(self, operation_id: str, operation: Operation) -> None:
        if not self._acknowledged or self._connection is None:
            self.close(CloseCode.UNAUTHORIZED, "Unauthorized")
        elif operation_id in self._operations or operation_id in self._connection.subscriptions:
            self.close(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {operation_id} already exists")
        elif self._open(self._connection) >= (most := self._endpoint.feed.limits.operations):
            self._voice.say(protocol.error(operation_id, [too_many("operations", most)]))
        else:
            work = self._run(self._connection, operation_id, operation)
            self._operations[operation_id] = asyncio.create_task(work)

    def _open(self, connection: Connection) -> int:
        return len(self._operations) + len(connection.subscriptions)

    def _complete(self, operation_id: str) -> None:
        if (task := self._operations.pop(operation_id, None)) is not None:
            task.cancel()
        elif self._connection is not None:
            self._endpoint.feed.unfollow(self._connection, operation_id)

    async def _run(self, connection: Connection, operation_id: str, operation: Operation) -> None:
        this = asyncio.current_task()
        try:
            result = await self._endpoint.api.execute(connection, operation, self._scope)
            if isinstance(result, Following):
                self._endpoint.feed.follow(connection, operation_id, result)
            else:
                await self._forward(operation_id, result)
                self._voice.say(protocol.complete(operation_id))
        except Unauthorized as refusal:
            self._operations.pop(operation_id, None)
            await self._endpoint.feed.retire(connection, refusal.reason)
        except OperationFailed as failure:
            self._voice.say(protocol.error(operation_id, failure.errors))
        except Exception:
            log.exception("An operation failed")
            self._voice.say(protocol.error(operation_id, [MASKED]))
        finally:
            if self._operations.get(operation_id) is this:
                del self._operations[operation_id]
            if not self._operations:
                self._operations = {}  # a dictionary never shrinks

    async def _forward(self, operation_id: str, result: Json | AsyncIterator[Json]) -> None:
        if not isinstance(result, AsyncIterator):
            await self._answer(operation_id, result)
            return
        try:
            async for each in result:
                await self._answer(operation_id, each)
        finally:
            if (aclose := getattr(result, "aclose", None)) is not None:
                await aclose()

    async def _answer(self, operation_id: str, result: Json) -> None:
        payload = orjson.dumps(result)
        await self.ready()
        self.next(operation_id, payload)

    async def _finish_soon(self, reason: RevocationReason | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._endpoint.grace):
                if self._connection is not None:
                    await self._connection.told()
                if self._operations:
                    await asyncio.wait(list(self._operations.values()))
        self._finish(reason)

    def _finish(self, reason: RevocationReason | None) -> None:
        connection = self._connection
        completed = () if connection is None else connection.subscriptions
        last = map(protocol.complete, completed)
        if self._voice.finish(last, CloseCode.UNAUTHORIZED, reason or "Unauthorized") and connection is not None:
            connection.closed()

    async def _tear_down(self) -> None:
        self._voice.release()
        if self._init_timer is not None:
            self._init_timer.cancel()
        if self._connection is not None:
            self._endpoint.feed.detach(self._connection)
        tasks = [task for task in (*self._operations.values(), self._signing_in, self._last_words) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def bearer_token(payload: Json | None, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The bearer token (RFC 6750) of connection_init's payload or, if that says nothing, of the handshake's header."""
    stated: object = None if payload is None else payload.get("authorization")
    if stated is None:
        stated = next((value.decode("latin-1") for name, value in headers if name == b"authorization"), None)
    if not isinstance(stated, str):
        return None
    scheme, _, token = stated.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
