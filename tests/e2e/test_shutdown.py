"""SIGTERM with open sockets."""

import asyncio
import base64
import json
import os
import socket as sockets
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta

import httpx

from tests.e2e.conftest import NewServer
from tests.e2e.office import Office
from tests.e2e.sockets import socket_of

BOUND = timedelta(seconds=2)
"""How long the server may take from the signal to its end, by its own clock."""


async def test_every_socket_is_told_to_come_back_and_a_stuck_one_holds_nobody_up(
    new_server: NewServer, http: httpx.AsyncClient
) -> None:
    server = new_server().start()
    office = await Office.open(server, http)
    async with AsyncExitStack() as stack:
        open_sockets = [await stack.enter_async_context(socket_of(office.olivia)) for _ in range(20)]
        for socket in open_sockets:
            await socket.watch("WORKSPACE", await office.olivia.feed_position())
            await socket.settle()
        stack.enter_context(stuck_socket(server.port, str(office.olivia.token)))
        assert await office.olivia.works()
        server.begin_log()
        server.terminate()
        code = await asyncio.to_thread(server.wait)
        closings = await asyncio.gather(*(socket.closing() for socket in open_sockets))
    assert code == 0, server.log()
    assert {closing[0] for closing in closings} == {1012}
    said = [json.loads(line) for line in server.log().splitlines()]
    assert said[0]["event"] == "Shutting down"
    assert said[-1]["event"].startswith("Finished server process")
    assert datetime.fromisoformat(said[-1]["timestamp"]) - datetime.fromisoformat(said[0]["timestamp"]) < BOUND
    assert {line["level"] for line in said} <= {"info", "warning"}


def stuck_socket(port: int, token: str) -> sockets.socket:
    """A client that never reads: it sends pings, which the server answers, until the server can do neither any more."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    raw.sendall(
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
        b"Sec-WebSocket-Key: " + key.encode() + b"\r\n\r\n"
    )
    assert b"101" in raw.recv(1024)
    raw.sendall(masked({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    assert b"connection_ack" in raw.recv(1024)
    ping = masked({"type": "ping", "payload": {"fill": "x" * 60_000}})
    raw.settimeout(1)
    with suppress(TimeoutError):
        while True:
            raw.sendall(ping)
    return raw


def masked(message: dict[str, object]) -> bytes:
    """A text frame as a client sends it, with a mask of zeros (RFC 6455, 5.2 and 5.3)."""
    payload = json.dumps(message).encode()
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload
