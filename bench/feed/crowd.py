"""Thousands of clients in one process, on one epoll: so little work per message that the server is what is measured."""

import select
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from bench.feed import wire

IN_FLIGHT = 64
"""How many connections are under way at once, from connect to the sending of subscribe; the same for every peer."""

_AT_ONCE = 4096
_LOOK_AGAIN = 0.05


class Failed(Exception):
    """A server did not do what is measured."""


class Loop:
    """Calls the handler of each socket that can be read. As a context manager it closes in the end what is left."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._sockets: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
        self._handlers.clear()
        self._poll.close()

    def watch(self, sock: socket.socket, handler: Callable[[], None]) -> None:
        """Call a handler whenever the socket can be read."""
        self._handlers[sock.fileno()] = handler
        self._sockets[sock.fileno()] = sock
        self._poll.register(sock, select.EPOLLIN)

    def forget(self, sock: socket.socket) -> None:
        """Close a socket."""
        del self._handlers[sock.fileno()]
        del self._sockets[sock.fileno()]
        self._poll.unregister(sock)
        sock.close()

    def run(self, until: Callable[[], bool], limit: float) -> None:
        """Serve the sockets until something holds; raises Failed after `limit` seconds."""
        end = perf_counter() + limit
        while not until():
            if (left := end - perf_counter()) < 0:
                raise Failed(f"Nothing came of it within {limit:.0f} seconds.")
            self._serve(min(left, _LOOK_AGAIN))

    def rest(self, seconds: float) -> None:
        """Do nothing but answer pings for a while."""
        end = perf_counter() + seconds
        while (left := end - perf_counter()) > 0:
            self._serve(left)

    def _serve(self, seconds: float) -> None:
        for fd, _ in self._poll.poll(seconds, _AT_ONCE):
            if (handler := self._handlers.get(fd)) is not None:
                handler()


@dataclass(frozen=True, slots=True)
class Script:
    """All that one client says, ready to be sent, so that no time is lost on it while the clock runs."""

    upgrade: bytes
    introduction: bytes
    subscription: bytes


class Member:
    """One client with one subscription. After `closed_at` it has heard the server's close frame or the end."""

    __slots__ = ("_crowd", "_rest", "_script", "_sock", "_stage", "closed_at", "code", "heard", "reason")

    def __init__(self, crowd: "Crowd", script: Script) -> None:
        self._crowd = crowd
        self._script = script
        self._stage = 0
        self._rest = b""
        self.heard = 0
        self.closed_at = 0.0
        self.code = 0
        self.reason = ""
        self._sock = socket.create_connection(("127.0.0.1", crowd.port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.setblocking(False)
        crowd.loop.watch(self._sock, self._read)
        self._sock.send(script.upgrade)

    @property
    def port(self) -> int:
        """The client's own port."""
        return int(self._sock.getsockname()[1])

    def leave(self) -> None:
        """Begin to close."""
        self._send(wire.CLOSE, struct.pack("!H", 1000))

    def _send(self, opcode: int, payload: bytes) -> None:
        with suppress(OSError):  # the end is read next
            self._sock.send(wire.frame(opcode, payload))

    def _read(self) -> None:
        try:
            data = self._sock.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        data = self._rest + data
        if self._stage == 0:
            if (end := data.find(b"\r\n\r\n")) < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101 "):
                raise Failed(data.decode(errors="replace"))
            self._stage = 1
            self._sock.send(self._script.introduction)
            data = data[end + 4 :]
        frames, self._rest = wire.split(data)
        for opcode, payload in frames:
            if opcode == wire.TEXT:
                self._hear(payload)
            elif opcode == wire.PING:
                self._send(wire.PONG, payload)
            elif opcode == wire.CLOSE:
                self.closed_at = perf_counter()
                self.code, self.reason = int.from_bytes(payload[:2], "big"), payload[2:].decode()
                self._send(wire.CLOSE, payload[:2])

    def _hear(self, payload: bytes) -> None:
        if self._stage == 2 and b'"next"' in payload:
            self.heard += 1
            self._crowd.arrived(payload)
        elif self._stage == 1 and b'"connection_ack"' in payload:
            self._stage = 2
            self._sock.send(self._script.subscription)
            self._crowd.subscribing += 1
        elif b'"complete"' not in payload:
            raise Failed(payload.decode())

    def _gone(self) -> None:
        if self._stage < 2 or not self._crowd.may_end:
            raise Failed(f"The server ended a connection that should have stayed: {self.code} {self.reason}")
        self.closed_at = self.closed_at or perf_counter()
        self._crowd.loop.forget(self._sock)
        self._crowd.gone += 1


class Crowd:
    """Many clients of one server, each with one subscription. While it may not end, an end of one is a failure."""

    def __init__(self, loop: Loop, port: int, *, may_end: bool = False) -> None:
        self.loop = loop
        self.port = port
        self.may_end = may_end
        self.members: list[Member] = []
        self.subscribing = 0
        self.gone = 0
        self.arrivals = 0
        self.first = 0.0
        self.last = 0.0
        self.event_bytes = 0

    def join(self, scripts: Sequence[Script], limit: float) -> None:
        """Open a connection for each script, IN_FLIGHT at a time, until every subscribe has been sent."""
        goal = self.subscribing + len(scripts)
        waiting: Iterator[Script] = iter(scripts)

        def all_sent() -> bool:
            while len(self.members) - self.subscribing < IN_FLIGHT and (script := next(waiting, None)) is not None:
                self.members.append(Member(self, script))
            return self.subscribing == goal

        self.loop.run(all_sent, limit)

    def arrived(self, payload: bytes) -> None:
        """Count one event at one member."""
        self.last = perf_counter()
        if self.arrivals == 0:
            self.first = self.last
            self.event_bytes = len(payload)
        self.arrivals += 1

    def expect(self) -> None:
        """Begin to count anew."""
        self.arrivals = 0
        for member in self.members:
            member.heard = 0

    def all_heard(self) -> bool:
        """Every member has heard, once for each member, since expect()."""
        return self.arrivals >= len(self.members)

    def check_heard_once(self) -> None:
        """Raise Failed unless everybody has heard exactly one event since expect()."""
        if any(member.heard != 1 for member in self.members):
            raise Failed("An event did not come to everybody exactly once.")

    def leave(self, limit: float) -> None:
        """Close every connection, as clients do."""
        self.may_end = True
        for member in self.members:
            member.leave()
        self.wait_until_gone(limit)

    def wait_until_gone(self, limit: float) -> None:
        """Wait until the server has closed every connection."""
        self.loop.run(lambda: self.gone == len(self.members), limit)


class Caller:
    """One HTTP request at a time on a connection of its own, beside the crowd."""

    def __init__(self, loop: Loop, port: int) -> None:
        self._loop = loop
        self._port = port
        self._sock: socket.socket | None = None
        self._heard = b""
        self.answer: bytes | None = None

    def connect(self) -> None:
        """Connect now, so that the request finds the connection there."""
        self._sock = socket.create_connection(("127.0.0.1", self._port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.setblocking(False)
        self._loop.watch(self._sock, self._read)
        self._heard = b""
        self.answer = None

    def send(self, request: bytes) -> float:
        """Send a request; when that was."""
        if self._sock is None:
            self.connect()
        assert self._sock is not None
        sent = perf_counter()
        self._sock.send(request)
        return sent

    def wait(self, limit: float = 60) -> bytes:
        """The body of the answer; raises Failed unless it is 200."""
        self._loop.run(lambda: self.answer is not None, limit)
        assert self.answer is not None
        return self.answer

    def _read(self) -> None:
        assert self._sock is not None
        self._heard += self._sock.recv(65_536)
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found:
            return
        size = next(
            int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        if len(body) == size:
            if not head.startswith(b"HTTP/1.1 200 "):
                raise Failed(self._heard.decode(errors="replace"))
            self._loop.forget(self._sock)
            self._sock = None
            self.answer = body
