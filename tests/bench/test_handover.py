"""The measurement of a departure runs, and says what it found. Its figures mean nothing at this size."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from graphql.execution.values import get_variable_values

from bench.handover.__main__ import main
from bench.handover.pages import DEPARTURE, LISTS
from offboard.documents import GRAPHQL, Documents

ROOT = Path(__file__).parents[2]
TINY = "--size 500 --small 100 --rounds 1 --runs 1 --quiet 0.1"


def run(*options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.handover", *map(str, options)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.long
@pytest.mark.parametrize(
    ("part", "kind", "rows"),
    [
        ("pages", "postgresql", [name for name in LISTS if name.startswith("users")]),
        ("operation", "sqlite", ["operation / UPDATE", "resident memory grew by, MB", "inbox page, during / quiet"]),
    ],
)
def test_it_prints_its_tables(part: str, kind: str, rows: list[str], tmp_path: Path) -> None:
    done = run(*TINY.split(), "--engines", kind, "--parts", part, "--lists", "users", "--folder", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"### {kind}: " in done.stdout
    for row in rows:
        assert f"| {row} |" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("query", "variables"), [*LISTS.values(), (DEPARTURE, {"id": "x"})])
def test_what_it_asks_for_is_of_the_schema(query: str, variables: dict[str, Any]) -> None:
    asked = Documents().prepare(query, None, variables).operation.variable_definitions
    assert not isinstance(get_variable_values(GRAPHQL, asked, variables), list)


def test_it_says_so_when_it_cannot_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["handover", "--size", "7"])
    assert main() == 2
    assert capsys.readouterr().err == "Error: sizes must be multiples of 5.\n"
