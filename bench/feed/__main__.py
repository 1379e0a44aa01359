"""Measure and print: `python -m bench.feed --help`."""

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.command import give_up_after, tell
from bench.feed import report
from bench.feed.crowd import Failed
from bench.feed.measuring import PROBES, WARM_UP, Deactivations, Run, Size, measure, measure_two_nodes
from bench.feed.peers import CLIENT_CORE, PEERS, allow_files
from bench.feed.stages import BROKERS, Stage, TwoNodes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description="The revocation feed beside its peers.")
    parser.add_argument("--sizes", default="5000,1000,15000", help="numbers of subscribers, the most important first")
    parser.add_argument("--runs", type=int, default=5, help="runs of each server at the first size")
    parser.add_argument("--growth-runs", type=int, default=3, help="runs of each server at the other sizes")
    parser.add_argument("--events", type=int, default=10, help="events in each run")
    parser.add_argument("--deactivations", type=int, default=200, help="deactivations in each run")
    parser.add_argument("--nodes", action=argparse.BooleanOptionalAction, default=True, help="measure two nodes too")
    parser.add_argument(
        "--peers", default=",".join(peer.name for peer in PEERS), help="which servers, by name; or none"
    )
    parser.add_argument("--limit", type=int, default=90, help="minutes after which it gives up")
    return parser.parse_args()


def main() -> int:
    """Measure what was asked for; the exit code."""
    options = _options()
    give_up_after(options.limit)
    sizes = [Size(int(each), options.events, options.deactivations) for each in options.sizes.split(",")]
    largest = max(size.subscribers for size in sizes)
    try:
        allow_files(largest + options.deactivations + 200)
        os.sched_setaffinity(0, {CLIENT_CORE})
        gc.disable()
        print(report.machine(), flush=True)
        with tempfile.TemporaryDirectory(prefix="bench-feed-") as folder:
            _measure_peers(options, sizes, Path(folder))
            if options.nodes:
                _measure_nodes(options, sizes[0], Path(folder))
    except Failed as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    return 0


def _measure_peers(options: argparse.Namespace, sizes: Sequence[Size], folder: Path) -> None:
    peers = [peer for peer in PEERS if peer.name in options.peers.split(",")]
    if not peers:
        return
    stage = Stage(
        folder,
        watchers=max(size.subscribers for size in sizes) + WARM_UP,
        leavers=options.deactivations,
        sign_outs=options.events + 2 * PROBES,
    )
    for size in sizes:
        count = options.runs if size is sizes[0] else options.growth_runs
        runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
        for number in range(count):
            for peer in peers:
                runs[peer.name].append(measure(stage, peer, size))
                gc.collect()
                tell(f"{size.subscribers:,} subscribers, run {number + 1} of {count}: {peer.name}")
        print(f"\n{report.table(size, runs)}", flush=True)


def _measure_nodes(options: argparse.Namespace, size: Size, folder: Path) -> None:
    runs: dict[str, list[Deactivations]] = {broker: [] for broker in BROKERS}
    with TwoNodes(folder, watchers=size.subscribers, leavers=options.deactivations) as nodes:
        for number in range(options.runs):
            for broker in BROKERS:
                runs[broker].append(measure_two_nodes(nodes, broker, size))
                gc.collect()
                tell(f"Two nodes, run {number + 1} of {options.runs}: {broker}")
    print(f"\n{report.table_of_nodes(size, runs)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
