"""Secrets are never compared by ourselves: they are looked up by their digest, or judged by argon2.

Such a comparison would take the longer the more of a guess is right.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECRET = re.compile(r"secret|token|password|digest|hash|cookie", re.IGNORECASE)

HARMLESS = {
    "resolvers/resets.py: current != owner.password_hash",
    "resolvers/provisioning.py: account.password_hash not in (None, password_hash)",
}
"""Hashes that come from the database or the operator's command line: nobody who asks has either."""


def name_of(node: ast.expr) -> str:
    """What an expression is called; nothing for a column, which the database compares."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(ast.Attribute(attr="c")):
            return ""
        case ast.Attribute(attr=name):
            return name
        case ast.Call(func):
            return name_of(func)
    return ""


def comparisons() -> Iterator[str]:
    for path in (
        path for layer in ("schema", "resolvers", "models", "offboard") for path in ROOT.glob(f"{layer}/**/*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                sides = [node.left, *node.comparators]
                if any(map(SECRET.search, map(name_of, sides))) and not any(is_column(each) for each in sides):
                    yield f"{path.relative_to(ROOT)}: {ast.unparse(node)}"


def is_column(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "c"


def test_no_secret_is_compared() -> None:
    assert set(comparisons()) == HARMLESS
