"""Brokers carry hints from the process that committed to the processes that hold sockets."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

OnHint = Callable[[UUID, int], None]
"""Called on the event loop with a workspace and the position that its feed has reached. Returns at once."""


class Broker(Protocol):
    """Carries hints to every process, this one included. It may lose, repeat and reorder them."""

    async def start(self, on_hint: OnHint) -> None:
        """Begin to listen. Nothing is hinted before."""

    async def publish(self, workspace_id: UUID, position: int) -> None:
        """Tell every process that a workspace's feed has reached a position. May raise: the rows are the truth."""

    async def stop(self) -> None:
        """Stop listening; no hint arrives afterwards."""


class MemoryBroker:
    """The embedded default: hints stay within this process."""

    def __init__(self) -> None:
        self._on_hint: OnHint | None = None

    async def start(self, on_hint: OnHint) -> None:
        """Begin to pass hints on."""
        self._on_hint = on_hint

    async def publish(self, workspace_id: UUID, position: int) -> None:
        """Pass a hint on, at once."""
        if self._on_hint is not None:
            self._on_hint(workspace_id, position)

    async def stop(self) -> None:
        """Drop hints from now on."""
        self._on_hint = None
