"""Trace context (https://www.w3.org/TR/trace-context/), and spans for who wants them: the extra `offboard[otel]`."""

import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from threading import Thread
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import event

from models.database import Database
from offboard.feed.brokers import Broker
from offboard.feed.brokers.base import OnHint

LONGEST_CLOSE_S = 0.5

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Trace(NamedTuple):
    """Where a request stands in a trace: the trace, the span of it that this is, and whether it is recorded."""

    trace_id: str
    span_id: str
    flags: str

    @classmethod
    def begin(cls, traceparent: str | None) -> "Trace":
        """A span of our own, in the trace that a client named, or else in a new one."""
        found = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
        trace_id, flags = (found[1], found[3]) if found else (secrets.token_hex(16), "00")
        return cls(trace_id, secrets.token_hex(8), flags)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


class Spans(Protocol):
    """Where spans go."""

    def span(self, name: str, **attributes: Any) -> AbstractContextManager[object]:
        """What the block does, within whatever is under way."""

    def request(self, name: str, traceparent: str | None) -> AbstractContextManager[Trace]:
        """A request with the traceparent that came with it."""

    def watch(self, database: Database) -> None:
        """Make every statement of a database a span, without its values."""

    def around(self, broker: Broker) -> Broker:
        """A broker whose hints are spans."""

    def close(self) -> None:
        """Hand on what is left; for LONGEST_CLOSE_S at most, lest a collector that is away hold up the end."""


class NoSpans:
    """Spans go nowhere."""

    def span(self, name: str, **attributes: Any) -> AbstractContextManager[object]:
        """See Spans."""
        return nullcontext()

    def request(self, name: str, traceparent: str | None) -> AbstractContextManager[Trace]:
        """See Spans."""
        return nullcontext(Trace.begin(traceparent))

    def watch(self, database: Database) -> None:
        """See Spans."""

    def around(self, broker: Broker) -> Broker:
        """See Spans."""
        return broker

    def close(self) -> None:
        """See Spans."""


def open_spans(url: str | None) -> Spans:
    """Where spans go, by the URL of a collector; None: nowhere."""
    return NoSpans() if url is None else OpenTelemetry(url)


class OpenTelemetry:
    """Spans go to a collector, over OTLP and HTTP, or to whatever exporter is given."""

    def __init__(self, url: str, exporter: Any = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = TracerProvider(resource=Resource.create({"service.name": "offboard"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(url)))
        self._tracer = self._provider.get_tracer("offboard")
        self._propagator = TraceContextTextMapPropagator()

    def span(self, name: str, **attributes: Any) -> AbstractContextManager[object]:
        """See Spans."""
        return self._tracer.start_as_current_span(name, attributes=attributes)

    @contextmanager
    def request(self, name: str, traceparent: str | None) -> Iterator[Trace]:
        """See Spans."""
        parent = self._propagator.extract({"traceparent": traceparent} if traceparent else {})
        with self._tracer.start_as_current_span(name, context=parent) as span:
            context = span.get_span_context()
            yield Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{int(context.trace_flags):02x}")

    def watch(self, database: Database) -> None:
        """See Spans."""

        def begin(connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
            name = sql.partition(" ")[0]
            span = self._tracer.start_span(name, attributes={"db.query.text": sql})
            connection.info.setdefault("offboard_spans", []).append(span)

        def end(connection: Any, *_: Any) -> None:
            connection.info["offboard_spans"].pop().end()

        def fail(context: Any) -> None:
            for span in context.connection.info.pop("offboard_spans", ()) if context.connection is not None else ():
                span.record_exception(context.original_exception)
                span.end()

        engine = database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", begin)
        event.listen(engine, "after_cursor_execute", end)
        event.listen(engine, "handle_error", fail)

    def around(self, broker: Broker) -> Broker:
        """See Spans."""
        return TracedBroker(broker, self)

    def close(self) -> None:
        """See Spans."""
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(LONGEST_CLOSE_S)


@dataclass(frozen=True)
class TracedBroker:
    """A broker whose publishing is a span. Implements Broker."""

    _broker: Broker
    _spans: Spans

    async def start(self, on_hint: OnHint) -> None:
        """See Broker."""
        await self._broker.start(on_hint)

    async def stop(self) -> None:
        """See Broker."""
        await self._broker.stop()

    async def ping(self) -> None:
        """See Broker."""
        await self._broker.ping()

    async def publish(self, workspace_id: UUID, position: int) -> None:
        """See Broker."""
        with self._spans.span("publish hint", position=position):
            await self._broker.publish(workspace_id, position)
