"""The measurement of a departure runs, and says what it found. Its figures mean nothing at this size."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.handover.pages import LISTS

ROOT = Path(__file__).parents[2]
TINY = "--size 500 --small 100 --rounds 1 --runs 1 --quiet 0.5"


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_it_prints_its_tables(kind: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.handover", *TINY.split(), "--engines", kind, "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in (*LISTS, "departure, of the leaver"):
        assert f"| {name} |" in done.stdout
    assert f"### {kind}: 200 conversations and" in done.stdout
    for row in ("operation / UPDATE", "resident memory grew by, MB", "inbox page, during / quiet"):
        assert f"| {row} |" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_says_so_when_it_cannot_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.handover", "--size", "7"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "Error: sizes must be multiples of 5.\n")
