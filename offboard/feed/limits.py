"""How many sockets and operations there may be at once, on each node."""

from dataclasses import dataclass

from offboard.feed.protocol import Json


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """The most operations on one socket; the most sockets and event streams of one credential, and of one workspace."""

    operations: int = 100
    sockets_per_session: int = 100
    sockets_per_workspace: int = 20_000


def too_many(limit: str, maximum: int) -> Json:
    """The error of whoever exceeds a limit."""
    return {
        "message": f"{_WHAT[limit]}: {maximum:,} may be open at once.",
        "extensions": {"code": "LIMIT_EXCEEDED", "limit": limit, "maximum": maximum},
    }


_WHAT = {
    "operations": "Too many operations on this socket",
    "sockets_per_session": "Too many sockets of this session",
    "sockets_per_workspace": "Too many sockets of this workspace",
}
