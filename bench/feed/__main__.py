"""Measure and print: `python -m bench.feed --help`."""

import argparse
import gc
import os
import signal
import sys
import tempfile
from pathlib import Path

from bench.feed import report
from bench.feed.crowd import Failed
from bench.feed.measuring import WARM_UP, Run, Size, measure
from bench.feed.peers import CLIENT_CORE, PEERS, Stage, allow_files


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description="The revocation feed beside its peers.")
    parser.add_argument("--sizes", default="5000,1000,15000", help="numbers of subscribers, the most important first")
    parser.add_argument("--runs", type=int, default=5, help="runs of each server at the first size")
    parser.add_argument("--growth-runs", type=int, default=3, help="runs of each server at the other sizes")
    parser.add_argument("--events", type=int, default=10, help="events in each run")
    parser.add_argument("--deactivations", type=int, default=200, help="deactivations in each run, 0 for none")
    parser.add_argument("--peers", default=",".join(peer.name for peer in PEERS), help="which servers, by name")
    parser.add_argument("--limit", type=int, default=90, help="minutes after which it gives up")
    return parser.parse_args()


def main() -> int:
    """Measure what was asked for; the exit code."""
    options = _options()
    sizes = [Size(int(each), options.events, options.deactivations) for each in options.sizes.split(",")]
    names = options.peers.split(",")
    peers = [peer for peer in PEERS if peer.name in names]
    signal.signal(signal.SIGALRM, _give_up)
    signal.signal(signal.SIGTERM, _give_up)
    signal.alarm(options.limit * 60)
    try:
        largest = max(size.subscribers for size in sizes)
        allow_files(largest + options.deactivations + 200)
        os.sched_setaffinity(0, {CLIENT_CORE})
        gc.disable()
        print(report.machine(), flush=True)
        with tempfile.TemporaryDirectory(prefix="bench-feed-") as folder:
            stage = Stage(
                Path(folder),
                watchers=max(largest, WARM_UP),
                leavers=options.deactivations,
                sign_outs=options.events + 100,
            )
            for size, count in zip(sizes, (options.runs, *[options.growth_runs] * (len(sizes) - 1)), strict=True):
                runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
                for number in range(count):
                    for peer in peers:
                        runs[peer.name].append(measure(stage, peer, size))
                        gc.collect()
                        _tell(f"{size.subscribers:,} subscribers, run {number + 1} of {count}: {peer.name}")
                print(f"\n{report.table(size, runs)}", flush=True)
    except Failed as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    return 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _give_up(number: int, _frame: object) -> None:
    raise Failed("It took too long." if number == signal.SIGALRM else "Stopped.")


if __name__ == "__main__":
    sys.exit(main())
