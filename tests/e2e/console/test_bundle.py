"""What the console's build leaves behind."""

import gzip
import re

import pytest

from offboard.settings import CONSOLE

BUDGET = 250 * 1024


def test_the_whole_console_is_small_and_its_assets_are_named_by_their_contents(built_console: None) -> None:
    files = [path for path in CONSOLE.rglob("*") if path.is_file() and CONSOLE / "graphiql" not in path.parents]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < BUDGET
    assets = {path.name for path in files if path.parent.name == "assets"}
    assert {path.name for path in files} - assets == {"index.html", "documents.json"}
    assert all(re.fullmatch(r"[\w.-]+-[\w-]{8}\.(js|css|svg)", name) for name in assets), assets


def test_it_is_one_script(built_console: None) -> None:
    assert len(list((CONSOLE / "assets").glob("*.js"))) == 1


@pytest.mark.parametrize(("page", "assets"), [("index.html", "/assets/"), ("graphiql/index.html", "/graphiql/assets/")])
def test_a_page_runs_nothing_inline_and_asks_no_other_host(built_console: None, page: str, assets: str) -> None:
    text = (CONSOLE / page).read_text()
    assert "<style" not in text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert all(path.startswith(assets) for path in re.findall(r'(?:src|href)="([^"]*)"', text))
