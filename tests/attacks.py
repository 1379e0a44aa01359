"""Requests that are small and ask for much."""

from typing import Any

Attack = tuple[str, dict[str, Any]]


def each(text: str, count: int) -> str:
    """A text so many times, with its number for each `#`."""
    return " ".join(text.replace("#", str(number)) for number in range(count))


def bomb(levels: int) -> str:
    """Fragments that each spread the next one twice."""
    last = f"fragment F{levels} on Query {{ viewer {{ id }} }}"
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {chain} {last}"


def nested_bomb(levels: int) -> str:
    """Likewise, under two names each: the answer would be twice as long with each level."""
    last = f"fragment F{levels} on Conversation {{ id }}"
    chain = " ".join(
        f"fragment F{n} on Conversation {{ a: followUps {{ conversation {{ ...F{n + 1} }} }} "
        f"b: followUps {{ conversation {{ ...F{n + 1} }} }} }}"
        for n in range(levels)
    )
    return f"{{ inbox(first: 1) {{ edges {{ node {{ ...F0 }} }} }} }} {chain} {last}"


def deep(levels: int) -> dict[str, Any]:
    """An object in an object in an object."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


FILTERED = "query($filter: InboxFilter) { inbox(filter: $filter) { totalCount } }"

ATTACKS: dict[str, Attack] = {
    "a fragment bomb": (bomb(30), {}),
    "a long fragment bomb": (bomb(400), {}),
    "a bomb of fields": (nested_bomb(12), {}),
    "conflicting fields": (f"{{ viewer {{ {each('a: id a: name', 1_500)} }} }}", {}),
    "fields that repeat": (f"{{ viewer {{ {each('name', 1_490)} }} }}", {}),
    "short fields": (f"{{ viewer {{ {each('a', 16_000)} }} }}", {}),
    "fields that repeat with arguments": (f"{{ {each('node(id: 1) { id }', 160)} }}", {}),
    "fragments side by side": (f"{{ {each('...F#', 160)} }} {each('fragment F# on Query { a }', 160)}", {}),
    "aliases": (f"{{ {each('a#: __typename', 10_000)} }}", {}),
    "directives": (f"{{ viewer {{ id {each('@include(if: true)', 1_000)} }} }}", {}),
    "nested lists": (f"{{ users(filter: {'[' * 5_000}{']' * 5_000}) {{ totalCount }} }}", {}),
    "nested fields": ("{ viewer " * 5_000 + "}" * 5_000, {}),
    "unknown fields": (f"{{ viewer {{ {each('emai#', 1_490)} }} }}", {}),
    "unknown fields of an input": (f"{{ users(filter: {{ {each('statu#: ACTIVE', 490)} }}) {{ totalCount }} }}", {}),
    "variables": (f"query({each('$v#: ID', 2_000)}) {{ viewer {{ id }} }}", {}),
    "variables that are used": (
        f"query({each('$v#: ID!', 200)}) {{ {each('node(id: $v#) { id }', 80)} }}",
        {f"v{number}": "x" for number in range(200)},
    ),
    "comments": ("{ viewer { id } } " + "#\n" * 16_000, {}),
    "a long name": (f"{{ {'a' * 60_000} }}", {}),
    "a long string": ('{ node(id: "' + "x" * 60_000 + '") { id } }', {}),
    "operations": (f"{each('query A# { ...F }', 120)} fragment F on Query {{ {each('a', 300)} }}", {}),
    "wrong values of a variable": (FILTERED, {"filter": {"ids": [1.5] * 12_000}}),
    "values of a variable": (FILTERED, {"filter": {"ids": ["x"] * 12_000}}),
    "unknown fields of a variable": (FILTERED, {"filter": {f"k{number}": 1 for number in range(4_000)}}),
    "a deep variable": (FILTERED, {"filter": deep(400)}),
    "pages of pages": (
        "{ inbox(first: 100) { edges { node { notes(first: 100) { edges { node { author { displayName } } } } } } } }",
        {},
    ),
}
"""Each fits into a request of 256 KB."""
