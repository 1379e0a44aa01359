"""Measure and print: `python -m bench.handover --help`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.command import give_up_after, tell
from bench.feed.crowd import Failed
from bench.feed.peers import CLIENT_CORE
from bench.handover import report
from bench.handover.databases import Databases, open_databases
from bench.handover.operation import measure_alone, measure_beside
from bench.handover.pages import measure_pages
from bench.machine import machine

ENGINES = ("sqlite", "postgresql")
PARTS = ("pages", "operation")
PEOPLE = 1_000
"""How many users the workspace has in which work is handed over."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.handover", description="A departure at full size.")
    parser.add_argument("--size", type=int, default=1_000_000, help="conversations (and users, and audit entries)")
    parser.add_argument("--small", type=int, default=10_000, help="how many of them in the workspace to compare with")
    parser.add_argument("--runs", type=int, default=3, help="runs of the operation")
    parser.add_argument("--rounds", type=int, default=40, help="how often each page is asked for")
    parser.add_argument("--lists", default="", help="only the pages whose names begin with this, such as users")
    parser.add_argument("--quiet", type=float, default=15, help="seconds of nothing else, to compare with")
    parser.add_argument("--engines", default=",".join(ENGINES), help="which databases")
    parser.add_argument("--parts", default=",".join(PARTS), help="what is measured")
    parser.add_argument("--folder", help="where databases are put while it runs (default: the system's)")
    parser.add_argument("--postgresql", help="the URL of a server to use (default: one is started)")
    parser.add_argument("--keep", action="store_true", help="use databases again, and leave them where they are")
    parser.add_argument("--limit", type=int, default=90, help="minutes after which it gives up")
    return parser.parse_args()


def main() -> int:
    """Measure what was asked for; the exit code."""
    options = _options()
    if problem := _problem(options):
        print(f"Error: {problem}", file=sys.stderr)
        return 2
    give_up_after(options.limit)
    try:
        os.sched_setaffinity(0, {CLIENT_CORE})
        print(machine("uvicorn", "strawberry-graphql", "sqlalchemy", "aiosqlite", "asyncpg"), flush=True)
        for engine in options.engines.split(","):
            with _folder(options) as folder, open_databases(engine, folder, options.postgresql) as databases:
                _measure(options, engine, databases)
    except Failed as failure:
        print(f"Error: {failure}", file=sys.stderr)
        return 1
    return 0


def _problem(options: argparse.Namespace) -> str | None:
    if options.size % 5 or options.small % 5:
        return "sizes must be multiples of 5."
    if options.keep and (options.folder is None or ("postgresql" in options.engines and options.postgresql is None)):
        return "--keep needs --folder, and for PostgreSQL --postgresql."
    return None


@contextmanager
def _folder(options: argparse.Namespace) -> Iterator[Path]:
    if options.folder is not None:
        Path(options.folder).mkdir(parents=True, exist_ok=True)
    if options.keep:
        yield Path(options.folder)
        return
    with tempfile.TemporaryDirectory(prefix="bench-handover-", dir=options.folder) as folder:
        yield Path(folder)


def _measure(options: argparse.Namespace, engine: str, databases: Databases) -> None:
    if "pages" in options.parts.split(","):
        sizes = (min(options.small, options.size), options.size)
        names = (f"pages_{sizes[0]}", f"pages_{sizes[1]}")
        small, large = (databases.make(name, size, size) for name, size in zip(names, sizes, strict=True))
        tell(f"{engine}: the databases are there")
        found = measure_pages(databases, names, (small, large), options.rounds, options.lists)
        print(f"\n{report.pages(engine, (small, large), found, options.rounds)}", flush=True)
        for name in names if not options.keep else ():
            databases.drop(name)
    if "operation" in options.parts.split(","):
        work = f"work_{options.size}"
        dataset = databases.make(work, options.size, min(PEOPLE, options.size))
        tell(f"{engine}: the database is there")
        alone, beside = [], []
        for number in range(options.runs):
            alone.append(measure_alone(databases, work, dataset))
            beside.append(measure_beside(databases, work, dataset, options.quiet))
            tell(f"{engine}: run {number + 1} of {options.runs}")
        print(f"\n{report.operation(engine, alone, beside)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
