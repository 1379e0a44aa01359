"""One suite for all brokers, against real servers, with the faults that those have."""

import asyncio
import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from models.types import new_id
from offboard.feed.brokers import open_broker, postgresql, reconnecting, redis
from tests.offboard.feed.brokers import Heard, Kind, Tries, away, line_to, listening, reachable, unreachable
from tests.services.postgresql import PostgreSQL
from tests.services.redis import Redis
from tests.services.service import Service
from tests.waiting import eventually, until

LOST = "The broker is lost: events reach other processes late"

ACME, GLOBEX, INITECH = new_id(), new_id(), new_id()


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Service]]:
    """Each started when it is first wanted; a test that stops one starts it again."""
    started: dict[str, Service] = {}
    yield started
    for server in started.values():
        server.close()


def _kind(name: str, servers: dict[str, Service]) -> Kind:
    if name == "memory":
        return Kind(None)
    if name not in servers:
        servers[name] = (PostgreSQL() if name == "postgresql" else Redis()).start()
    return Kind(servers[name])


@pytest.fixture(params=["memory", "postgresql", "redis"])
def kind(request: pytest.FixtureRequest, servers: dict[str, Service]) -> Kind:
    return _kind(request.param, servers)


@pytest.fixture(params=["postgresql", "redis"])
def served(request: pytest.FixtureRequest, servers: dict[str, Service]) -> Kind:
    """A kind with a server."""
    return _kind(request.param, servers)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed soon."""
    for module in (reconnecting, postgresql, redis):
        monkeypatch.setattr(module, "CHECK_EVERY", 0.1)
        monkeypatch.setattr(module, "PATIENCE", 0.5)


def counted(kind: str) -> float:
    return REGISTRY.get_sample_value("offboard_hints_total", {"kind": kind}) or 0


async def test_a_hint_reaches_every_process_the_own_one_too(kind: Kind) -> None:
    brokers = [kind.open() for _ in range(kind.processes)]
    async with listening(*brokers) as everybody:
        for position, broker in enumerate(brokers, start=1):
            await broker.ping()
            await broker.publish(ACME, position)
            for heard in everybody:
                await heard.wait_for(ACME, position)


async def test_nothing_is_hinted_before_start_and_after_stop(kind: Kind) -> None:
    broker, other = kind.open(), kind.open()
    await broker.publish(ACME, 1)
    async with listening(broker, other) as (heard, _):
        await broker.publish(ACME, 2)
        await heard.wait_for(ACME, 2)
        await broker.stop()
        await broker.publish(ACME, 3)
        await other.publish(ACME, 4)
    assert heard.hints == [(ACME, 2)]


async def test_many_at_once_become_one_for_each_workspace(served: Kind) -> None:
    """Red when every publish is sent."""
    async with listening(served.open(), broker := served.open()) as (heard, _):
        published = counted("published")
        for position in range(1, 1001):
            for workspace_id in (ACME, GLOBEX, INITECH):
                await broker.publish(workspace_id, 1001 - position if workspace_id == INITECH else position)
        for workspace_id in (ACME, GLOBEX, INITECH):
            await heard.wait_for(workspace_id, 1000)
        assert len(heard.hints) == 3
        await until(lambda: counted("published") - published == 3)


async def test_a_receiver_observes_how_old_a_hint_is(served: Kind) -> None:
    def observed() -> float:
        return REGISTRY.get_sample_value("offboard_broker_lag_seconds_count") or 0

    before = observed()
    async with listening(broker := served.open()) as (heard,):
        await broker.publish(ACME, 1)
        await heard.wait_for(ACME, 1)
    assert observed() - before == 1
    assert (REGISTRY.get_sample_value("offboard_broker_lag_seconds_bucket", {"le": "5.0"}) or 0) >= 1


async def test_what_is_no_hint_is_logged_and_does_no_harm(served: Kind) -> None:
    async with listening(broker := served.open()) as (heard,):
        with capture_logs() as logged:
            for message in ("", "hello", f"{ACME} x 1", "1 2 3"):
                await served.say(message)
            await broker.publish(ACME, 1)
            await heard.wait_for(ACME, 1)
    assert heard.hints == [(ACME, 1)]
    assert [line["event"] for line in logged] == ["A message of the broker is no hint"] * 4


async def test_a_server_that_is_killed_and_comes_back(served: Kind, tries: Tries) -> None:
    """Red when the broker does not connect again; also when every try is logged."""
    async with listening(broker := served.open(), other := served.open()) as (heard, _):
        with capture_logs() as logged:
            with away(served.server, served.server.crash):
                await eventually(lambda: unreachable(broker))
                lost = counted("lost")
                await broker.publish(ACME, 1)
                assert counted("lost") == lost + 1
                await tries.more(6)
            await eventually(lambda: reachable(broker))
            await eventually(lambda: reachable(other))
            await other.publish(ACME, 2)
            await heard.wait_for(ACME, 2)
    assert heard.hints == [(ACME, 2)]
    assert sorted(line["event"] for line in logged) == ["The broker is back"] * 2 + [LOST] * 2


async def test_a_server_that_is_not_there_at_the_start(served: Kind, tries: Tries) -> None:
    heard, broker = Heard(), served.open()
    with away(served.server, served.server.stop):
        await broker.start(heard)
        with pytest.raises(ConnectionError, match="is not connected"):
            await broker.ping()
        await tries.more(2)
    await eventually(lambda: reachable(broker))
    await broker.publish(ACME, 1)
    await heard.wait_for(ACME, 1)
    await broker.stop()


async def test_a_connection_that_falls_silent_is_noticed(served: Kind, hurry: None) -> None:
    """Red without the checks: no packet says that the peer is gone."""
    async with line_to(served.server) as line:
        async with listening(broker := served.open(through=line.port)) as (heard,):
            line.silence()
            await broker.publish(ACME, 1)
            await eventually(lambda: unreachable(broker))
            await eventually(lambda: reachable(broker))
            await broker.publish(ACME, 2)
            await heard.wait_for(ACME, 2)
        assert heard.hints == [(ACME, 2)]


@pytest.mark.parametrize("silent", [0, 1])
async def test_either_connection_is_checked(served: Kind, hurry: None, silent: int) -> None:
    """Red when only one of the two connections is asked for answers."""
    async with line_to(served.server) as line:
        async with listening(broker := served.open(through=line.port)):
            await eventually(lambda: reachable(broker))
            line.silence(silent)
            await eventually(lambda: unreachable(broker))


async def test_stop_leaves_no_task_and_no_connection(served: Kind) -> None:
    before = asyncio.all_tasks()
    async with listening(broker := served.open()) as (heard,):
        await broker.publish(ACME, 1)
        await heard.wait_for(ACME, 1)
        assert await served.connections() == 2
    assert asyncio.all_tasks() == before

    async def none_left() -> bool | None:
        return None if await served.connections() else True

    await eventually(none_left)


async def test_stop_while_hints_are_sent(served: Kind) -> None:
    """Red when a driver loses the cancellation: then stop would wait for ever."""
    for turns in range(40):
        async with listening(broker := served.open()):
            await broker.publish(ACME, 1)
            for _ in range(turns % 8):
                await asyncio.sleep(0)


async def test_stop_does_not_wait_for_a_silent_server(served: Kind, hurry: None) -> None:
    before = asyncio.all_tasks()
    async with line_to(served.server) as line:
        async with listening(broker := served.open(through=line.port)):
            line.silence()
            await broker.publish(ACME, 1)
            async with asyncio.timeout(5):
                await broker.stop()
    await until(lambda: asyncio.all_tasks() == before)


async def test_a_password_is_not_told(served: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """The server refuses it, or asks for none."""
    parts = urlsplit(served.server.url)
    url = parts._replace(netloc=f"somebody:hunter2@{parts.hostname}:{parts.port}").geturl()
    caplog.set_level(logging.DEBUG)
    broker = open_broker("postgresql:", url) if parts.scheme.startswith("postgresql") else open_broker(url, "")
    with capture_logs() as logged:
        async with listening(broker):
            with pytest.raises(ConnectionError) as refused:
                await broker.ping()
    assert [line["event"] for line in logged] == [LOST]
    assert "hunter2" not in f"{logged}{caplog.text}{refused.value}"


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> Tries:
    counting = Tries()
    for module in (postgresql, redis):
        monkeypatch.setattr(module, "connect", counting.note(module.connect))
    return counting
