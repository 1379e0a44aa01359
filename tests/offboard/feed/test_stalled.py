"""Clients that do not read: bounded, cut, and nobody else's trouble; one that reads again gets everything in order."""

import asyncio
import json

import pytest

from offboard.feed import outbox, transport
from tests.offboard.feed.conftest import SHORT, Acme
from tests.offboard.feed.server import Running, connections_of, frames, masked
from tests.offboard.feed.stage import ending, revocation
from tests.waiting import until

pytestmark = pytest.mark.only_on("sqlite")  # what is said on a socket does not depend on the database


async def test_overflow_aborts_the_stuck_client_and_spares_the_other(running: Running, acme: Acme) -> None:
    """Red when what a client leaves unread is kept without limit, or holds up anybody else."""
    running.api.payload = "x" * 300_000
    person = await acme.admit(running, "stuck")
    raw = await running.stuck_client("stuck", "watch")
    stuck = running.connections[0]
    async with running.client("ana", max_size=None) as client:
        await client.subscribe("watch")
        position = 0
        while not stuck.lost.is_set():
            await acme.commit(ending())
            position += 1
            assert (await client.hear())["payload"]["data"]["position"] == position
            assert stuck.transport.get_write_buffer_size() <= transport.UNSENT_LIMIT
        assert not any(b"\x88" in write[:1] for write in stuck.writes)
        del stuck, running.connections[0]
        await until(lambda: connections_of(person) == 0)
    raw.close()


@pytest.mark.parametrize("query", ["flood", "watch"])
async def test_a_client_that_reads_nothing_for_long_is_cut(
    running: Running, acme: Acme, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """Red when only too much unread cuts: uvicorn alone would keep such a client for ever."""
    monkeypatch.setattr(transport, "STUCK_AFTER", SHORT)
    monkeypatch.setattr(outbox, "UNSENT_LIMIT", 10**9)
    running.api.payload = "x" * 300_000
    raw = await running.stuck_client("ana", query)
    stuck = running.connections[0]
    while not stuck.stuck.is_set():
        await acme.commit(ending())
    await stuck.lost.wait()
    assert not any(b"\x88" in write[:1] for write in stuck.writes)
    raw.close()


async def test_a_client_that_reads_again_gets_everything_in_order(running: Running, acme: Acme) -> None:
    """Red when what waited is passed by what comes later, or when the client's clock runs on."""
    running.api.payload = "x" * 50_000
    for _ in range(5):
        await acme.commit(ending())
    raw = await running.stuck_client("ana", "watch from the beginning")
    stuck, last = running.connections[0], 5
    while not stuck.stuck.is_set():
        await acme.commit(ending())
        last += 1
    for _ in range(5):
        await acme.commit(ending())
        last += 1
    loop = asyncio.get_running_loop()
    for number in range(20):
        await loop.sock_sendall(raw, masked({"type": "ping", "payload": {"number": number}}))
    await until(lambda: stuck.read_paused)  # whoever does not read is not listened to
    reading = frames(raw)
    heard = [json.loads(await anext(reading)) for _ in range(last + 20)]
    events = [message for message in heard if message["type"] == "next"]
    assert [message["payload"]["data"]["position"] for message in events] == list(range(1, last + 1))
    pongs = [message["payload"]["number"] for message in heard if message["type"] == "pong"]
    assert pongs == list(range(20))
    assert stuck._stuck is None
    await acme.commit(ending())
    assert json.loads(await anext(reading))["payload"]["data"]["position"] == last + 1
    raw.close()


async def test_signing_out_a_stuck_client_aborts_it(running: Running, acme: Acme) -> None:
    """Red when a blocked message is skipped and later ones are sent: the client's cursor would pass it."""
    ana = await acme.admit(running, "ana")
    raw = await running.stuck_client("ana", "flood")
    stuck = running.connections[0]
    await stuck.stuck.wait()
    stuck.writes.clear()
    await acme.commit(revocation(ana))
    await stuck.lost.wait()
    assert stuck.writes == []
    raw.close()


async def test_a_close_frame_that_nobody_reads_is_not_waited_for(
    running: Running, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "UNREAD_AFTER_CLOSE", SHORT)
    ana = await acme.admit(running, "ana")
    raw = await running.stuck_client("ana", "echo")
    await acme.commit(revocation(ana))
    await running.connections[0].lost.wait()
    assert running.connections[0].writes[-1].endswith(b"USER_DEACTIVATED")
    raw.close()


def ping_soon(running: Running) -> None:
    """Ping soon after a connection is made, and wait long enough for an answer that its client can come in."""
    running.server.config.ws_ping_interval, running.server.config.ws_ping_timeout = SHORT, 8 * SHORT


async def test_a_client_that_answers_no_ping_is_cut(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "UNREAD_AFTER_CLOSE", SHORT)
    ping_soon(running)
    raw = await running.stuck_client("ana", "flood")
    await running.connections[0].lost.wait()
    raw.close()


async def test_a_client_that_answers_no_ping_may_come_back(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red with uvicorn's own 1011, after which graphql-ws clients never connect again."""
    monkeypatch.setattr(transport, "UNREAD_AFTER_CLOSE", SHORT)
    ping_soon(running)
    raw = await running.stuck_client("ana", "echo")
    await running.connections[0].lost.wait()
    assert running.connections[0].writes[-1][2:4] == (1013).to_bytes(2, "big")
    raw.close()


async def test_shutting_down_closes_with_1012_and_does_not_wait_for_stuck_clients(
    running: Running, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "UNREAD_AFTER_SHUTDOWN", SHORT)
    raw = await running.stuck_client("ana", "flood")
    await running.connections[0].stuck.wait()
    async with running.client("ana") as client:
        await client.subscribe("watch")
        await client.say(type="ping")
        await client.hear()
        stopping = asyncio.create_task(running.server.shutdown())
        assert await client.closing() == (1012, "")
    await stopping
    raw.close()


async def test_a_client_that_says_goodbye_and_does_not_read_is_not_waited_for(
    running: Running, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red with uvicorn's own closing: a transport that has something to write yet would wait for ever."""
    monkeypatch.setattr(transport, "UNREAD_AFTER_CLOSE", SHORT)
    running.api.payload = "x" * 300_000
    raw = await running.stuck_client("ana", "watch")
    leaving = running.connections[0]
    leaving.transport.set_write_buffer_limits(10**9)
    while not leaving.transport.get_write_buffer_size():
        await acme.commit(ending())
        await until(lambda: leaving.writes[-1].startswith(b"\x81\x7f"))
    assert not leaving.stalled
    await asyncio.get_running_loop().sock_sendall(raw, b"\x88\x80" + bytes(4))
    await leaving.lost.wait()
    raw.close()
