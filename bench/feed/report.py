"""The tables, and the machine they were made on."""

import statistics
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import bench.machine
from bench.feed.measuring import SCOPES, Deactivations, Run, Size, Spent

Runs = Mapping[str, Sequence[Run]]

ROWS: tuple[tuple[str, Callable[[Run], float], str], ...] = (
    ("connect + init + subscribe per second", lambda run: run.connects, "at least 1.00"),
    ("resident KB per idle subscriber", lambda run: run.kilobytes, "at most 0.90"),
    ("one event to all, last arrival, ms", lambda run: run.fan_out, "at most 0.50"),
)
BASE = "graphql-ws"


def machine() -> str:
    """One line about the machine and one about the programs."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{bench.machine.machine('uvicorn', 'uvloop', 'websockets', 'strawberry-graphql')}; Node {node}"


def table(size: Size, runs: Runs) -> str:
    """What was measured at one size: medians, and the median of the ratios within each round."""
    count = len(next(iter(runs.values())))
    lines = [
        f"### {size.subscribers:,} subscribers, medians of {count} runs (lowest - highest)",
        "",
        _row("", *runs, f"Offboard / {BASE}", "must reach"),
        "|---|" + "---|" * (len(runs) + 2),
    ]
    for label, value, goal in ROWS:
        cells = [_cell([value(run) for run in each]) for each in runs.values()]
        lines.append(_row(label, *cells, _ratio(runs, value), goal))
    lines += [*_deactivations(runs), "", *_conditions(size, runs), *_stopping(size, runs)]
    return "\n".join(lines) + "\n"


def _cell(values: Sequence[float]) -> str:
    return f"{_short(statistics.median(values))} ({_short(min(values))} - {_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _ratio(runs: Runs, value: Callable[[Run], float]) -> str:
    if BASE not in runs or "Offboard" not in runs:
        return "-"
    ratios = [value(own) / value(base) for own, base in zip(runs["Offboard"], runs[BASE], strict=True)]
    return f"{statistics.median(ratios):.2f}"


def _deactivations(runs: Runs) -> list[str]:
    own = [run.deactivations for run in runs.get("Offboard", ())]
    if not own:
        return []
    rows = [(f"deactivateUser to closed, ms, others on {scope}", _quantiles(own, scope)) for scope in SCOPES]
    return [_row(label, *["-"] * (len(runs) - 1), cell, "-", "p99 at most 25") for label, cell in rows]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _quantiles(runs: Sequence[Deactivations], scope: str) -> str:
    took = [run[scope] for run in runs]
    p50 = _cell([statistics.median(each) for each in took])
    p99 = _cell([statistics.quantiles(each, n=100)[98] for each in took])
    return f"p50 {p50}, p99 {p99}"


def table_of_nodes(size: Size, runs: Mapping[str, Sequence[Deactivations]]) -> str:
    """What was measured across two nodes."""
    count = len(next(iter(runs.values())))
    lines = [
        f"### Two nodes on PostgreSQL, {size.subscribers:,} others, medians of {count} runs (lowest - highest)",
        "",
        "| deactivateUser at one node to closed at the other, ms | "
        + " | ".join(f"{name}:" for name in runs)
        + " | must reach |",
        "|---|" + "---|" * (len(runs) + 1),
    ]
    for scope in SCOPES:
        cells = [_quantiles(each, scope) for each in runs.values()]
        lines.append(_row(f"others on {scope}", *cells, "p99 at most 60"))
    return "\n".join(lines) + "\n"


def _conditions(size: Size, runs: Runs) -> list[str]:
    lines = []
    for name, each in runs.items():
        connecting, telling = [run.connecting for run in each], [run.telling for run in each]
        told = size.subscribers * size.events
        probes = ", ".join(str(run.probes) for run in each)
        lines += [
            f"{name}: connecting took {_shares(connecting)}, {_processor(connecting, size.subscribers)} a connection; "
            f"telling {_shares(telling)}, {_processor(telling, told)} an event and subscriber. "
            f"An event is {each[0].event_bytes} bytes. Probes: {probes}.",
            "",
        ]
    return lines


def _shares(spent: Sequence[Spent]) -> str:
    client, server = (
        statistics.median(each) for each in zip(*((s.client / s.clock, s.server / s.clock) for s in spent), strict=True)
    )
    return f"{client:.0%} of the client's core and {server:.0%} of the server's"


def _processor(spent: Sequence[Spent], times: int) -> str:
    return f"{statistics.median(each.server for each in spent) / times * 1e6:,.0f} µs of the server's time"


def _stopping(size: Size, runs: Runs) -> list[str]:
    each = [run for run in runs.get("Offboard", ()) if run.stop]
    if not each:
        return []
    codes: Counter[int] = sum((run.codes for run in each), Counter())
    told = ", ".join(f"{count:,} got {code or 'no close frame'}" for code, count in sorted(codes.items()))
    return [
        f"SIGTERM with {size.subscribers:,} sockets open: exit after {_cell([run.stop for run in each])} s; {told}."
    ]
