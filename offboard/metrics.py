"""`GET /metrics` for Prometheus, and what is counted of requests. What the feed counts is in offboard.feed.metrics."""

import asyncio
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder in which several workers count. prometheus_client reads it too."""

ANSWERS = Counter("offboard_http_requests", "HTTP requests that were answered, by status.", ["status"])

disable_created_metrics()  # type: ignore[no-untyped-call]


async def metrics(request: Request) -> Response:
    """Everything that is counted, of all workers."""
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    text = await asyncio.to_thread(lambda: encode(_registry()))
    return Response(text, headers={"Content-Type": media_type, "Cache-Control": "no-store"})


def _registry() -> CollectorRegistry:
    folder = os.environ.get(FOLDER)
    if folder is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    registry.register(_Workers(Path(folder)))
    return registry


class _Workers(Collector):
    """Memory, processor time and open files of each worker, told apart by their pids."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for pid in sorted(path.stem.rpartition("_")[2] for path in self._folder.glob("gauge_livesum_*.db")):
            for family in ProcessCollector(pid=partial(str, pid), registry=None).collect():
                collected = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    collected.add_sample(sample.name, {"pid": pid}, sample.value)
        return families.values()


class CountAnswers:
    """Counts the answers to HTTP requests, for ANSWERS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                ANSWERS.labels(message["status"]).inc()
            await send(message)

        await self._app(scope, receive, count if scope["type"] == "http" else send)
