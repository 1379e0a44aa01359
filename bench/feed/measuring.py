"""One run of one server: connect everybody, look at memory, tell everybody, deactivate somebody, stop."""

import signal
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Self
from uuid import uuid4

import orjson

from bench.feed import wire
from bench.feed.crowd import Caller, Crowd, Failed, Loop, Member, Script
from bench.feed.peers import OFFBOARD, Peer, Server, graphql
from bench.feed.people import Office, Person
from bench.feed.stages import Stage, TwoNodes

LIMIT = 300.0
WARM_UP = 64
PROBES = 20
SETTLE = 3.0
QUIET = 0.15
"""Seconds without any arrival after which an event has come to everybody it will come to."""

SUBSCRIPTION = """subscription ($scope: RevocationScope!) {
  sessionRevoked(scope: $scope) { cursor sessionId userId reason occurredAt }
}"""
DEACTIVATION = """mutation ($id: ID!) {
  deactivateUser(input: {userId: $id}) { revokedSessions errors { code message } }
}"""


SCOPES = ("CURRENT_SESSION", "WORKSPACE")
"""What the others have subscribed to while somebody is deactivated: they hear nothing of it, or all do."""

Deactivations = dict[str, list[float]]
"""For each scope of the others, how many milliseconds each deactivation took."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    subscribers: int
    events: int
    deactivations: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds: on the clock, and of processor time by client and server."""

    clock: float = 0.0
    client: float = 0.0
    server: float = 0.0

    @classmethod
    def now(cls, server: Server) -> Self:
        """What was spent since some time in the past."""
        return cls(perf_counter(), time.process_time(), server.seconds())

    def __sub__(self, other: Self) -> "Spent":
        return Spent(self.clock - other.clock, self.client - other.client, self.server - other.server)

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.clock + other.clock, self.client + other.client, self.server + other.server)


@dataclass(slots=True)
class Run:
    """What one run of one server came to."""

    connects: float = 0.0
    kilobytes: float = 0.0
    fan_out: float = 0.0
    event_bytes: int = 0
    connecting: Spent = Spent()
    telling: Spent = Spent()
    probes: int = 0
    deactivations: Deactivations = field(default_factory=dict)
    stop: float = 0.0
    codes: Counter[int] = field(default_factory=Counter)


def measure(stage: Stage, peer: Peer, size: Size) -> Run:
    """One run; raises Failed if a server does not do what it should."""
    run = Run()
    with stage.serve(peer) as (server, office), Loop() as loop:
        _warm_up(loop, server, peer, office)
        before = _resident(loop, server, peer)
        crowd = Crowd(loop, server.port)
        _connect(run, crowd, server, peer, office, office.watchers[: size.subscribers])
        run.kilobytes = (_resident(loop, server, peer) - before) / size.subscribers / 1024
        _tell(run, crowd, server, peer, office, size.events)
        if peer is OFFBOARD:
            run.deactivations["WORKSPACE"] = _deactivate(crowd, server.port, office, size.deactivations)
            _stop(run, crowd, server)
    if peer is OFFBOARD:
        with stage.serve(peer) as (server, office):
            run.deactivations["CURRENT_SESSION"] = _deactivations(server, server, office, size, "CURRENT_SESSION")
    return run


def measure_two_nodes(nodes: TwoNodes, broker: str, size: Size) -> Deactivations:
    """Deactivate at one node; everybody's socket is on the other."""
    took: Deactivations = {}
    for scope in SCOPES:
        with nodes.serve(broker) as (a, b, office):
            took[scope] = _deactivations(a, b, office, size, scope)
    return took


def _deactivations(asked: Server, server: Server, office: Office, size: Size, scope: str) -> list[float]:
    with Loop() as loop:
        crowd = Crowd(loop, server.port)
        crowd.join(_scripts(server.port, office.watchers[: size.subscribers], scope), LIMIT)
        loop.rest(SETTLE)
        return _deactivate(crowd, asked.port, office, size.deactivations)


def _scripts(port: int, people: Sequence[Person], scope: str) -> list[Script]:
    return [
        Script(
            wire.upgrade(port),
            _text({"type": "connection_init", "payload": {"authorization": f"Bearer {person.token}"}}),
            _text(
                {
                    "id": str(uuid4()),
                    "type": "subscribe",
                    "payload": {"query": SUBSCRIPTION, "variables": {"scope": scope}},
                }
            ),
        )
        for person in people
    ]


def _text(message: dict[str, object]) -> bytes:
    return wire.frame(wire.TEXT, orjson.dumps(message))


def _warm_up(loop: Loop, server: Server, peer: Peer, office: Office) -> None:
    crowd = Crowd(loop, server.port)
    crowd.join(_scripts(server.port, office.watchers[-WARM_UP:], "WORKSPACE"), LIMIT)
    _probe(crowd, peer, office)
    crowd.leave(LIMIT)
    loop.rest(0.5)


def _resident(loop: Loop, server: Server, peer: Peer) -> int:
    loop.rest(SETTLE)
    peer.collect_garbage(loop, server.port)
    loop.rest(0.5)
    return server.resident()


def _connect(run: Run, crowd: Crowd, server: Server, peer: Peer, office: Office, people: Sequence[Person]) -> None:
    scripts = _scripts(server.port, people, "WORKSPACE")
    before = Spent.now(server)
    crowd.join(scripts, LIMIT)
    all_taken_up, run.probes = _probe(crowd, peer, office)
    run.connects = len(people) / (all_taken_up - before.clock)
    run.connecting = Spent.now(server) - before


def _probe(crowd: Crowd, peer: Peer, office: Office) -> tuple[float, int]:
    """Cause events until one comes to everybody; when that one came to the first, and how many it took.

    By then every subscribe had been taken up: an event is nobody's that subscribes later.
    """
    for number in range(1, PROBES + 1):
        crowd.expect()
        caller = Caller(crowd.loop, crowd.port)
        caller.send(peer.event(office))
        caller.wait(LIMIT)
        _wait_until_quiet(crowd)
        if crowd.all_heard():
            crowd.check_heard_once()
            return crowd.first, number
    raise Failed("No event came to everybody.")


def _wait_until_quiet(crowd: Crowd) -> None:
    """Wait until everybody has heard, or nobody hears any more."""
    asked = perf_counter()
    crowd.loop.run(
        lambda: crowd.all_heard() or perf_counter() - max(crowd.last, asked) > 10 * QUIET,
        LIMIT,
    )


def _tell(run: Run, crowd: Crowd, server: Server, peer: Peer, office: Office, times: int) -> None:
    took: list[float] = []
    for _ in range(times):
        crowd.expect()
        caller = Caller(crowd.loop, crowd.port)
        caller.connect()
        crowd.loop.rest(QUIET)
        before = Spent.now(server)
        sent = caller.send(peer.event(office))
        crowd.loop.run(crowd.all_heard, LIMIT)
        run.telling += Spent.now(server) - before
        took.append(crowd.last - sent)
        caller.wait(LIMIT)
        crowd.loop.rest(QUIET)
        crowd.check_heard_once()
    run.fan_out = statistics.median(took) * 1000
    run.event_bytes = crowd.event_bytes


def _deactivate(crowd: Crowd, port: int, office: Office, times: int) -> list[float]:
    """Milliseconds from sending deactivateUser to the close frame on that user's own socket."""
    admin = office.watchers[0].token
    leavers = Crowd(crowd.loop, crowd.port, may_end=True)
    leavers.join(_scripts(crowd.port, office.leavers[:times], "CURRENT_SESSION"), LIMIT)
    crowd.loop.rest(SETTLE)
    took: list[float] = []
    for person, member in zip(office.leavers[:times], list(leavers.members), strict=True):
        took.append(_deactivate_one(crowd, port, member, graphql(DEACTIVATION, admin, id=person.id)))
        _wait_for_others(crowd)
    return took


def _deactivate_one(crowd: Crowd, port: int, member: Member, request: bytes) -> float:
    caller = Caller(crowd.loop, port)
    caller.connect()
    crowd.loop.rest(0.02)
    crowd.expect()
    sent = caller.send(request)
    crowd.loop.run(lambda: bool(member.closed_at) and caller.answer is not None, LIMIT)
    if (member.code, member.reason, member.heard) != (4401, "USER_DEACTIVATED", 1):
        raise Failed(f"A deactivated user's socket was closed with {member.code} {member.reason!r}.")
    return (member.closed_at - sent) * 1000


def _wait_for_others(crowd: Crowd) -> None:
    crowd.loop.rest(0.02)
    if crowd.arrivals:
        crowd.loop.run(crowd.all_heard, LIMIT)
        crowd.loop.rest(0.02)


def _stop(run: Run, crowd: Crowd, server: Server) -> None:
    crowd.may_end = True
    asked = perf_counter()
    server.process.send_signal(signal.SIGTERM)
    crowd.loop.run(lambda: server.process.poll() is not None, LIMIT)
    run.stop = perf_counter() - asked
    crowd.wait_until_gone(LIMIT)
    run.codes = Counter(member.code for member in crowd.members)
