"""The WebSocket endpoint: `graphql-transport-ws` to the letter of PROTOCOL.md of enisdenjo/graphql-ws, for any Api."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, MutableMapping
from typing import Any, TypeAlias

import structlog

from models.enums import RevocationReason
from offboard.feed import protocol
from offboard.feed.api import Api, OperationFailed, Scope, Unauthorized
from offboard.feed.feed import Feed
from offboard.feed.hub import Connection
from offboard.feed.protocol import CloseCode, InvalidMessage, Json, Operation
from offboard.feed.relay import TRY_AGAIN_LATER
from offboard.feed.transport import transport_of

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

INIT_TIMEOUT = 10.0
GRACE = 1.0
MASKED = {"message": "Something went wrong on the server.", "extensions": {"code": "INTERNAL"}}

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it is closed."""
        await _Socket(self, scope, receive, send).serve()


class _Socket:
    """One socket: reads messages, runs operations as tasks, and is the outlet of its connection.

    While `_held` is a list the socket is being signed out: what operations still say is kept there, to leave together
    with the close frame. A gap after `complete` would make clients close with 1000 and never see 4401.
    """

    def __init__(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        self._endpoint = endpoint
        self._scope = scope
        self._receive = receive
        self._asgi_send = send
        self._transport = transport_of(scope)
        self._connection: Connection | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_words: asyncio.Task[None] | None = None
        self._init_timer: asyncio.TimerHandle | None = None
        self._introduced = False
        self._acknowledged = False
        self._held: list[str] | None = None
        self._sending = 0
        self._closed = False

    async def serve(self) -> None:
        """Accept the socket, serve it until it is closed, and leave nothing behind."""
        try:
            await self._accept()
            while (event := await self._receive())["type"] == "websocket.receive":
                await self._take(event.get("text"))
        except OSError:
            return  # the ASGI specification's sign that the peer went away
        finally:
            await self._tear_down()

    def sign_out(self, reason: RevocationReason | None) -> None:
        """See Outlet: answers under way, the last events, their completion and 4401 leave in one write."""
        if not self._closed and self._held is None:
            self._held = []
            self._last_words = asyncio.create_task(self._finish(reason or "Unauthorized"))

    def close(self, code: int, reason: str) -> None:
        """See Outlet."""
        if not self._closed:
            self._closed = True
            self._transport.finish([], code, protocol.cut(reason))

    def abort(self) -> None:
        """See Outlet."""
        self._closed = True
        self._transport.abort()

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

    async def _take(self, text: str | None) -> None:
        if self._closed or self._held is not None:
            return
        try:
            if text is None:
                raise InvalidMessage("A message must be text")
            await self._handle(protocol.read(text))
        except InvalidMessage as invalid:
            self.close(CloseCode.INVALID_MESSAGE, str(invalid))

    async def _handle(self, message: protocol.Message) -> None:
        match message:
            case protocol.ConnectionInit(payload):
                self._introduce(payload)
            case protocol.Subscribe(operation_id, operation):
                self._subscribe(operation_id, operation)
            case protocol.Complete(operation_id):
                if (task := self._operations.pop(operation_id, None)) is not None:
                    task.cancel()
            case protocol.Ping(payload):
                await self._send(protocol.pong(payload))
            case protocol.Pong():
                pass

    def _introduce(self, payload: Json | None) -> None:
        if self._introduced:
            self.close(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
            return
        self._introduced = True
        if self._init_timer is not None:
            self._init_timer.cancel()
        self._spawn(self._authenticate(bearer_token(payload, self._scope["headers"])))

    async def _authenticate(self, token: str | None) -> None:
        try:
            identity = await self._endpoint.api.authenticate(token, self._scope)
            self._connection = Connection(identity, self, self._scope)
            await self._endpoint.feed.attach(self._connection)
        except Unauthorized as refusal:
            self.close(CloseCode.UNAUTHORIZED, refusal.reason or "Unauthorized")
        except Exception:
            log.exception("A socket could not be authenticated")
            self.close(TRY_AGAIN_LATER, "Try again later")
        else:
            self._acknowledged = self._connection.attached
            if self._acknowledged:
                await self._send(protocol.connection_ack())

    def _subscribe(self, operation_id: str, operation: Operation) -> None:
        if not self._acknowledged:
            self.close(CloseCode.UNAUTHORIZED, "Unauthorized")
        elif operation_id in self._operations:
            self.close(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {operation_id} already exists")
        else:
            self._operations[operation_id] = self._spawn(self._run(operation_id, operation))

    async def _run(self, operation_id: str, operation: Operation) -> None:
        assert self._connection is not None
        try:
            result = await self._endpoint.api.execute(self._connection, operation)
            await self._forward(operation_id, result)
            farewell = protocol.complete(operation_id)
        except Unauthorized as refusal:
            await self._endpoint.feed.retire(self._connection, refusal.reason)
            return
        except OperationFailed as failure:
            farewell = protocol.error(operation_id, failure.errors)
        except Exception:
            log.exception("An operation failed")
            farewell = protocol.error(operation_id, [MASKED])
        self._operations.pop(operation_id, None)
        await self._send(farewell)

    async def _forward(self, operation_id: str, result: Json | AsyncIterator[Json]) -> None:
        if not isinstance(result, AsyncIterator):
            await self._send(protocol.next_result(operation_id, result))
            return
        try:
            async for each in result:
                await self._send(protocol.next_result(operation_id, each))
        finally:
            if (aclose := getattr(result, "aclose", None)) is not None:
                await aclose()

    async def _send(self, text: str) -> None:
        if self._closed:
            return
        if self._held is not None:
            self._held.append(text)
            return
        self._sending += 1
        try:
            await self._asgi_send({"type": "websocket.send", "text": text})
        except OSError:
            self._closed = True
        finally:
            self._sending -= 1

    async def _finish(self, reason: str) -> None:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=self._endpoint.grace)
        if self._closed:
            return
        if self._sending:
            self.abort()  # a message that cannot get out: what comes after it must not get out either
            return
        self._closed = True
        self._transport.finish(self._held or (), CloseCode.UNAUTHORIZED, protocol.cut(reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _tear_down(self) -> None:
        self._closed = True
        if self._init_timer is not None:
            self._init_timer.cancel()
        if self._connection is not None:
            self._endpoint.feed.detach(self._connection)
        tasks = [*self._tasks, *([self._last_words] if self._last_words is not None else [])]
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
