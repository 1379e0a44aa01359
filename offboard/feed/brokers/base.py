"""What every broker promises, and what a hint looks like on its way."""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol, Self
from uuid import UUID

OnHint = Callable[[UUID, int], None]
"""Called on the event loop with a workspace and the position that its feed has reached. Returns at once."""


class Broker(Protocol):
    """Carries hints to every process, this one included. It may lose, repeat and reorder them."""

    async def start(self, on_hint: OnHint) -> None:
        """Begin to listen. Nothing is hinted before. A server that cannot be reached is tried again until stop()."""

    async def publish(self, workspace_id: UUID, position: int) -> None:
        """Tell every process that a workspace's feed has reached a position. Returns at once; may fail unseen."""

    async def ping(self) -> None:
        """Raises ConnectionError while no hints get through."""

    async def stop(self) -> None:
        """Stop listening; no hint arrives afterwards."""


class Hint(NamedTuple):
    """A workspace's feed has reached a position. `published` is a wall clock in milliseconds."""

    workspace_id: UUID
    position: int
    published: int

    @classmethod
    def now(cls, workspace_id: UUID, position: int) -> Self:
        """A hint that is published now."""
        return cls(workspace_id, position, _milliseconds())

    @classmethod
    def decode(cls, text: str) -> Self:
        """The hint in a message; raises ValueError if there is none."""
        workspace_id, position, published = text.split()
        return cls(UUID(workspace_id), int(position), int(published))

    def encode(self) -> str:
        """The hint as a message."""
        return f"{self.workspace_id} {self.position} {self.published}"

    @property
    def age(self) -> float:
        """Seconds since it was published. Clocks of two machines may differ, but it is never below zero."""
        return max(0, _milliseconds() - self.published) / 1000


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000
