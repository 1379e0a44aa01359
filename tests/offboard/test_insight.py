"""What operations leave behind: in the log, in the metrics and in traces."""

import re
import threading
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from models.enums import Role
from offboard import insight, service, settings
from offboard.app import create_app
from offboard.feed.connection import Connection
from offboard.feed.protocol import Operation
from offboard.gateway import Gateway
from offboard.settings import InvalidSetting, Settings, load_settings
from offboard.tracing import OpenTelemetry, Trace
from resolvers import users
from schema import ids
from tests.api import Api
from tests.workshop import Workshop

pytestmark = pytest.mark.only_on("sqlite")  # what is counted and told does not depend on the database

COUNT = "query Count { users { totalCount } }"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def counted(label: str) -> float:
    return REGISTRY.get_sample_value("offboard_operation_seconds_count", {"operation": label}) or 0


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insight, "_names", set())


async def logged(api: Api, query: str, workshop: Workshop | None = None, **headers: str) -> tuple[Any, Any]:
    """What is logged of one request, and its answer."""
    with capture_logs(processors=[merge_contextvars]) as logs:
        if workshop is not None:
            headers["Authorization"] = f"Bearer {workshop.olivia.token}"
        answer = await api.client.post("/graphql", json={"query": query}, headers=headers)
    (line,) = (each for each in logs if each["event"] == "Operation")
    return line, answer


async def test_a_line_tells_of_an_operation(api: Api, workshop: Workshop) -> None:
    line, answer = await logged(api, COUNT, workshop, traceparent=TRACEPARENT)
    assert line["ms"] > 0
    assert {name: line[name] for name in line if name != "ms"} == {
        "event": "Operation",
        "log_level": "info",
        "operation": "Count",
        "kind": "query",
        "document": sha256(COUNT.encode()).hexdigest(),
        "statements": 3,
        "workspace_id": str(workshop.workspace_id),
        "request_id": answer.headers["x-request-id"],
        "trace_id": TRACE,
    }


async def test_a_line_tells_of_an_operation_on_a_socket(gateway: Gateway, workshop: Workshop) -> None:
    outlet: Any = None
    with capture_logs(processors=[merge_contextvars]) as logs:
        asked = Operation(COUNT, extensions={"traceparent": TRACEPARENT})
        await gateway.execute(Connection(workshop.olivia.viewer, outlet), asked, {"headers": []})
    (line,) = logs
    assert line["trace_id"] == TRACE
    assert (line["operation"], line["workspace_id"]) == ("Count", str(workshop.workspace_id))
    assert line["statements"] >= 2
    assert line["request_id"]


@pytest.mark.parametrize(
    "secret", ['"hunter2"', '"""hun\nter "2" """', '"# \\" hunter2"', '"""a \\""" hunter2"""', '"\\u0068unter2"', '""']
)
async def test_by_the_hash_no_text_of_the_document_can_be_guessed(api: Api, secret: str) -> None:
    document = """# it's "quoted
    mutation { signIn(input: {workspace: "acme", email: "ana@acme.test", password: %s}) { token } }"""
    line, _ = await logged(api, document % secret)
    harmless = document.replace('"acme"', '""').replace('"ana@acme.test"', '""') % '""'
    assert line["document"] == sha256(harmless.encode()).hexdigest()


async def test_what_is_not_run_is_not_told(api: Api) -> None:
    with capture_logs() as logs:
        await api.post(COUNT)
        await api.post("query Count { nothing }")
    assert not logs


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00-x",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        TRACEPARENT[:-3],
    ],
)
def test_what_is_no_traceparent_begins_a_trace(traceparent: str) -> None:
    assert Trace.begin(traceparent).trace_id not in (TRACE, "0" * 32)


async def test_a_trace_goes_on(api: Api) -> None:
    answer = await api.client.get("/healthz", headers={"traceparent": TRACEPARENT})
    version, trace_id, span_id, flags = answer.headers["traceresponse"].split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "01")
    assert span_id != PARENT
    assert re.fullmatch("[0-9a-f]{16}", span_id)


async def test_operations_are_timed_by_name_and_names_are_few(
    api: Api, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insight, "MOST_NAMES", 2)
    before = {label: counted(label) for label in ("First", "Second", "Third", "other", "users", "signIn", "Junk")}
    for query in ("query First", "query Second", "query Third", "query First", "query"):
        await api.data(f"{query} {{ users {{ totalCount }} }}", workshop.olivia)
    await api.data('mutation Junk { signIn(input: {workspace: "a", email: "b", password: "c"}) { token } }')
    grown = {label: counted(label) - was for label, was in before.items()}
    assert grown == {"First": 2, "Second": 1, "Third": 0, "other": 1, "users": 1, "signIn": 1, "Junk": 0}


async def test_failures_are_counted(api: Api, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(users, "count_users", fail)
    before = REGISTRY.get_sample_value("offboard_internal_errors_total") or 0
    assert await api.errors(COUNT, workshop.olivia) == ["INTERNAL"]
    assert REGISTRY.get_sample_value("offboard_internal_errors_total") == before + 1


class Traced:
    """A client of an application whose spans are kept."""

    def __init__(self, client: AsyncClient, exporter: InMemorySpanExporter) -> None:
        self.client = client
        self.exporter = exporter


@pytest.fixture
async def traced(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Traced]:
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(service, "open_spans", lambda url: OpenTelemetry(url, exporter))
    app = create_app(Settings(database_url=database_url, traces_url="http://collector:4318/v1/traces"))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield Traced(client, exporter)
    await app.state.service.database.close()


async def test_request_verb_statements_and_hint_are_spans(traced: Traced, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    query = f'mutation {{ deactivateUser(input: {{userId: "{ids.encode("User", ana.id)}"}}) {{ user {{ name }} }} }}'
    headers = {"Authorization": f"Bearer {workshop.olivia.token}", "traceparent": TRACEPARENT}
    answer = await traced.client.post("/graphql", json={"query": query}, headers=headers)
    spans = list((await flushed(traced)).values())
    request = next(each for each in spans if each.name == "POST")
    verb = next(each for each in spans if each.name == "deactivate_user")
    hint = next(each for each in spans if each.name == "publish hint")
    updates = [each for each in spans if each.name == "UPDATE"]
    assert request.parent is not None
    assert (f"{request.context.trace_id:032x}", f"{request.parent.span_id:016x}") == (TRACE, PARENT)
    assert answer.headers["traceresponse"] == f"00-{TRACE}-{request.context.span_id:016x}-01"
    assert parent_of(verb) == request.context.span_id
    assert parent_of(hint) == verb.context.span_id
    assert {parent_of(each) for each in updates} == {verb.context.span_id}
    assert ana.id.hex not in repr([each.attributes for each in spans])


@pytest.mark.parametrize(
    ("verb", "field"),
    [
        ("sign_in", 'signIn(input: {workspace: "acme", email: "nobody@acme.test", password: "x"}) { token }'),
        ("request_password_reset", 'requestPasswordReset(input: {workspace: "acme", email: "x"}) { accepted }'),
        ("reset_password", 'resetPassword(input: {token: "x", newPassword: "some long words"}) { done: __typename }'),
        ("accept_invitation", 'acceptInvitation(input: {token: "x", password: "some long words"}) { token }'),
        ("change_password", 'changePassword(input: {currentPassword: "x", newPassword: "long words"}) { __typename }'),
    ],
)
async def test_so_is_a_verb_with_several_transactions(
    traced: Traced, workshop: Workshop, verb: str, field: str
) -> None:
    headers = {"Authorization": f"Bearer {workshop.olivia.token}"}
    await traced.client.post("/graphql", json={"query": f"mutation {{ {field} }}"}, headers=headers)
    spans = await flushed(traced)
    (done,) = (each for each in spans.values() if each.name == verb)
    assert spans[parent_of(done) or 0].name == "POST"
    assert [each.name for each in spans.values() if parent_of(each) == done.context.span_id]


async def flushed(traced: Traced) -> dict[int, ReadableSpan]:
    app: Any = traced.client._transport.app  # type: ignore[attr-defined]
    app.state.service.spans.close()
    return {each.context.span_id: each for each in traced.exporter.get_finished_spans()}


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def test_a_collector_that_is_away_holds_nobody_up() -> None:
    class Away(InMemorySpanExporter):
        def export(self, spans: Any) -> Any:
            answers.wait(30)
            return super().export(spans)

    answers = threading.Event()
    spans = OpenTelemetry("http://collector", Away())
    with spans.span("something"):
        pass
    started = time.monotonic()
    spans.close()
    assert time.monotonic() - started < 10
    answers.set()


def test_traces_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_TRACES_URL", "http://collector:4318/v1/traces")
    assert load_settings().traces_url == "http://collector:4318/v1/traces"
    monkeypatch.setattr(settings, "find_spec", lambda _name: None)
    with pytest.raises(InvalidSetting, match=r"needs the extra offboard\[otel\]"):
        load_settings()
