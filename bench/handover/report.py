"""The tables."""

import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.handover.dataset import Dataset
from bench.handover.operation import Alone, Noticed, p99
from bench.handover.pages import Timed

_RATIOS = ("ratio", "the one before: ratio", "last / first")
MOST_TIMES_RAW = {"sqlite": "2.0", "postgresql": "2.5"}


def pages(engine: str, datasets: tuple[Dataset, Dataset], found: Mapping[str, Timed], rounds: int) -> str:
    """Each page in the small and in the large workspace."""
    sizes = [f"{each.size:,}" for each in datasets]
    lines = [
        f"### {engine}: pages with `totalCount`, {sizes[0]} and {sizes[1]} rows of each kind",
        "",
        f"Milliseconds over HTTP, medians of {rounds} in turn. Each ratio must be at most 1.3: of the large workspace "
        "to the small one for the first page, the last, and the one before that; and of the last page to the first.",
        "",
        _row("", "rows", f"first page, {sizes[0]}", sizes[1], "ratio", f"last page, {sizes[1]}", *_RATIOS),
        "|---|" + "---|" * 8,
    ]
    for name, timed in found.items():
        first, last, before = timed.first, timed.last, timed.before_last
        cells = [f"{first[0]:.1f}", f"{first[1]:.1f}", f"{first[1] / first[0]:.2f}"]
        if last[1]:
            cells += [f"{last[1]:.1f}", f"{last[1] / last[0]:.2f}", f"{before[1] / before[0]:.2f}"]
            cells += [f"{last[1] / first[1]:.2f}"]
        lines.append(_row(name, str(timed.rows or "-"), *cells, *["-"] * (7 - len(cells))))
    return "\n".join(lines) + "\n"


def operation(engine: str, alone: Sequence[Alone], beside: Sequence[Mapping[str, Noticed]]) -> str:
    """The hand-over beside the bare statements, and what others noticed of it."""
    first = alone[0]
    lines = [
        f"### {engine}: {first.conversations:,} conversations and {first.follow_ups:,} follow-ups handed over, "
        f"medians of {len(alone)} runs (lowest - highest)",
        "",
        _row("", "measured", "must reach"),
        "|---|---|---|",
        _row("the whole operation, s", _cell(alone, lambda run: run.seconds), ""),
        _row("one raw UPDATE of the same rows, s", _cell(alone, lambda run: run.raw_seconds), ""),
        _row(
            "operation / UPDATE",
            _cell(alone, lambda run: run.seconds / run.raw_seconds, 2),
            f"at most {MOST_TIMES_RAW[engine]}",
        ),
        _row("chunks", _cell(alone, lambda run: run.chunks, 0), ""),
        _row("of them held the lock over 20 ms", _cell(alone, lambda run: run.held_long, 0), "none"),
        _row("resident memory grew by, MB", _cell(alone, lambda run: run.grown / 1e6), "at most 60"),
    ]
    whats: tuple[tuple[str, Callable[[Noticed], list[float]]], ...] = (
        ("inbox page", lambda noticed: noticed.page),
        ("assignRole", lambda noticed: noticed.assign_role),
    )
    for what, of in whats:
        quiet, during = ([p99(of(run[when])) for run in beside] for when in ("quiet", "during"))
        ratios = [busy / still for busy, still in zip(during, quiet, strict=True)]
        lines += [
            _row(f"{what}, p99 quiet, ms", _spread(quiet), ""),
            _row(f"{what}, p99 during the operation, ms", _spread(during), ""),
            _row(f"{what}, during / quiet", _spread(ratios, 2), "at most 3"),
        ]
    return "\n".join(lines) + "\n"


def _cell(runs: Sequence[Alone], value: Callable[[Alone], float], digits: int = 1) -> str:
    return _spread([value(run) for run in runs], digits)


def _spread(values: Sequence[float], digits: int = 1) -> str:
    lowest, middle, highest = (f"{each:.{digits}f}" for each in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({lowest} - {highest})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
