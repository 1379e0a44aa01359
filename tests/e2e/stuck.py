"""Clients that do not read, with sockets whose buffers are small, so that a node is soon stuck with them."""

import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.e2e.lean import handshake, said
from tests.waiting import LIMIT


@contextmanager
def stuck(port: int, token: str | None) -> Iterator[sockets.socket]:
    """A socket that has introduced itself."""
    with sockets.socket() as raw:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.settimeout(LIMIT)
        raw.connect(("127.0.0.1", port))
        raw.sendall(handshake())
        assert b"101" in raw.recv(1024)
        raw.sendall(said({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        assert b"connection_ack" in raw.recv(1024)
        yield raw


def clog(raw: sockets.socket) -> None:
    """Send pings, which the node answers, until it can neither answer nor read on."""
    ping = said({"type": "ping", "payload": {"fill": "x" * 60_000}})
    raw.settimeout(1)
    with suppress(TimeoutError):
        while True:
            raw.sendall(ping)


def drain(raw: sockets.socket) -> bytes:
    """Everything that was sent, up to the end of the connection."""
    raw.settimeout(LIMIT)
    parts = []
    with suppress(ConnectionResetError):
        while part := raw.recv(65_536):
            parts.append(part)
    return b"".join(parts)
