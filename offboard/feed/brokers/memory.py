"""The embedded broker: hints stay within this process."""

from uuid import UUID

from offboard.feed.brokers.base import OnHint
from offboard.feed.metrics import HINTS


class MemoryBroker:
    """For one process on one database."""

    def __init__(self) -> None:
        self._on_hint: OnHint | None = None

    async def start(self, on_hint: OnHint) -> None:
        """Begin to pass hints on."""
        self._on_hint = on_hint

    async def publish(self, workspace_id: UUID, position: int) -> None:
        """Pass a hint on, at once."""
        if self._on_hint is not None:
            HINTS.labels("published").inc()
            HINTS.labels("received").inc()
            self._on_hint(workspace_id, position)

    async def ping(self) -> None:
        """Nothing can fail."""

    async def stop(self) -> None:
        """Drop hints from now on."""
        self._on_hint = None
