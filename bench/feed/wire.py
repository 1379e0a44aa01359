"""What a lean client puts on the wire and takes from it: RFC 6455 frames, and the upgrade to `graphql-transport-ws`."""

import base64
import os

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA

_MASK = b"\xa5\x3c\x96\x0f"
"""Any mask but zero, for which some servers skip the work of unmasking (RFC 6455, section 5.3)."""

Frame = tuple[int, bytes]


def upgrade(port: int) -> bytes:
    """The opening handshake of one connection."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ).encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame, masked, of at most 65,535 bytes."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    mask = (_MASK * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + _MASK + masked.to_bytes(size, "big")


def split(data: bytes) -> tuple[list[Frame], bytes]:
    """The whole frames at the beginning of what a server sent, and the rest. Servers do not mask."""
    frames: list[Frame] = []
    at, end = 0, len(data)
    while end - at >= 2:
        size, body = data[at + 1], at + 2
        if size == 126:
            size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if body + size > end:
            break
        frames.append((data[at] & 0x0F, data[body : body + size]))
        at = body + size
    return frames, data[at:]
