"""What a document may ask for: just below each limit, just above it, and as much as an attacker likes."""

import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from offboard.documents import GRAPHQL, MOST_COMPARISONS, MOST_ERRORS, Documents, RequestErrors
from offboard.extent import Walk
from offboard.limits import DocumentLimits, LimitExceeded
from tests.api import Api
from tests.attacks import ATTACKS, bomb, each
from tests.workshop import Workshop

MOST_CALLS = 400_000
"""Calls of functions that a document may cost: they go by the work, and not by how busy the machine is.

The most that is counted here is 330,000, which took 36 ms. Without the limit of tokens, of comparisons or of errors,
some of these documents cost from 480,000 to 15 million.
"""


def refusal(documents: Documents, query: str, variables: dict[str, Any] | None = None) -> LimitExceeded | None:
    """What keeps a document from running, if it is a limit."""
    try:
        documents.prepare(query, None, variables)
    except RequestErrors as refused:
        if isinstance(cause := refused.errors[0].original_error, LimitExceeded):
            return cause
        raise
    return None


def depth(levels: int) -> str:
    steps = levels // 2 - 1
    last = "team { id }" if levels % 2 else "id"
    return f'{{ conversation(id: "x") {{ {"followUps { conversation { " * steps} {last} {"} }" * steps} }} }}'


AT_THE_LIMIT = {
    "characters": lambda n: "{ viewer { id } }".ljust(n),
    "tokens": lambda n: f"{{ viewer {{ {each('name', n - 5)} }} }}",
    "aliases": lambda n: f"{{ viewer {{ {each('a#: id', n)} }} }}",
    "directives": lambda n: f"{{ viewer {{ {each('... @include(if: true) { id }', n)} }} }}",
    "depth": depth,
    "root_fields": lambda n: f"{{ ...F }} fragment F on Query {{ {each('a#: __typename', n)} }}",
    "cost": lambda n: f"{{ users(first: {n - 1}) {{ totalCount }} }}",
}
LIMITS = DocumentLimits(
    characters=100_000, tokens=50_000, aliases=40, directives=40, depth=10, root_fields=30, cost=10_000, values=40
)


@pytest.mark.parametrize(
    ("limit", "maximum"),
    [
        ("characters", 60),
        ("tokens", 60),
        ("aliases", 7),
        ("directives", 7),
        ("depth", 4),
        ("depth", 7),
        ("root_fields", 6),
        ("cost", 20),
    ],
)
def test_a_limit_is_what_may_be_and_no_more(limit: str, maximum: int) -> None:
    documents = Documents(replace(LIMITS, **{limit: maximum}))
    assert refusal(documents, AT_THE_LIMIT[limit](maximum)) is None
    exceeded = refusal(documents, AT_THE_LIMIT[limit](maximum + 1))
    assert exceeded is not None
    assert (exceeded.limit, exceeded.maximum) == (limit, maximum)


def test_comments_count_as_tokens_do() -> None:
    documents = Documents(replace(LIMITS, tokens=6))
    assert refusal(documents, "{ viewer { id } }" + "\n#" * 6) is None
    exceeded = refusal(documents, "{ viewer { id } }" + "\n#" * 7)
    assert exceeded is not None
    assert (exceeded.limit, exceeded.maximum) == ("tokens", 6)


def test_values_of_variables_have_a_limit_wherever_they_are() -> None:
    documents = Documents(replace(LIMITS, values=5))
    query = "query($filter: InboxFilter) { inbox(filter: $filter) { totalCount } }"
    assert refusal(documents, query, {"filter": {"ids": ["a", "b", "c"]}}) is None
    exceeded = refusal(documents, query, {"filter": {"ids": ["a", "b", "c", "d"]}})
    assert exceeded is not None
    assert (exceeded.limit, exceeded.maximum) == ("values", 5)
    assert refusal(documents, "{ viewer { id } }", {"a": {"b": {"c": {"d": [1, 2]}}}}) is not None


@pytest.mark.parametrize(
    ("first", "variables", "size"),
    [
        ("$n", {}, 50),
        ("$n", {"n": None}, 50),
        ("$n", {"n": 7}, 7),
        ("$n", {"n": "many"}, 50),
        ("$d", {}, 9),
        ("$d", {"d": 3}, 3),
        ("-5", {}, 1),
        ("99999999999999999999", {}, 100),
        ("null", {}, 50),
    ],
)
def test_a_page_costs_what_its_rows_do_as_often_as_there_are_rows(
    first: str, variables: dict[str, Any], size: int
) -> None:
    query = f"query($n: Int, $d: Int = 9) {{ a: users(first: $n) {{ totalCount }} users(first: {first}) {{ ...F }} }}"
    query += " fragment F on UserConnection { edges { node { id teams { id } } } }"
    given = {"n": 1, **variables} if first != "$n" else variables
    of_the_first = size if first == "$n" else 1
    at_most = (1 + of_the_first) + 1 + size * (1 + 1 + 1 + (1 + 5))
    document = parse(query)
    assert Walk(GRAPHQL, document, document.definitions[0], given).extent.cost == at_most  # type: ignore[arg-type]


def test_larger_pages_are_refused_when_they_are_asked_for() -> None:
    documents = Documents(replace(LIMITS, cost=300))
    query = "query($n: Int) { users(first: $n) { edges { node { name } } } }"
    assert refusal(documents, query, {"n": 50}) is None
    exceeded = refusal(documents, query, {"n": 100})
    assert exceeded is not None
    assert exceeded.limit == "cost"
    assert refusal(documents, query, {"n": 1}) is None


def test_a_fragment_is_looked_into_once() -> None:
    document = parse(bomb(60))
    walk = Walk(GRAPHQL, document, document.definitions[0], {})  # type: ignore[arg-type]
    assert walk.extent == (2, 2**60, 2**61)


@pytest.mark.parametrize(
    "query",
    [
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...Missing }",
        "{ nothing { at { all } } }",
        "fragment A on Query { viewer { id } }",
        "query A { viewer { id } } query B { viewer { id } }",
        "mutation { nothing }",
        "{ ... on Nothing { id } }",
    ],
)
def test_what_is_not_valid_is_told_by_validation(query: str) -> None:
    with pytest.raises(RequestErrors) as refused:
        Documents().prepare(query, None)
    assert not isinstance(refused.value.errors[0].original_error, LimitExceeded)


def test_the_usual_introspection_is_within_the_limits() -> None:
    query = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    assert Documents().prepare(query, None).root_fields == {"__schema"}


def test_without_introspection_nothing_tells_of_the_schema() -> None:
    closed = Documents(introspection=False)
    for query in ("{ __schema { queryType { name } } }", '{ __type(name: "User") { name } }'):
        assert Documents().prepare(query, None)
        with pytest.raises(RequestErrors, match="introspection"):
            closed.prepare(query, None)
    assert closed.prepare("{ __typename viewer { __typename } }", None)
    with pytest.raises(RequestErrors, match="Did you mean"):
        Documents().prepare("{ viewr { id } }", None)
    with pytest.raises(RequestErrors) as refused:
        closed.prepare("{ viewr { id } }", None)
    assert "Did you mean" not in str(refused.value)


def test_few_errors_are_told() -> None:
    with pytest.raises(RequestErrors) as refused:
        Documents().prepare(f"{{ viewer {{ {each('x#', 100)} }} }}", None)
    assert len(refused.value.errors) == MOST_ERRORS + 1


@pytest.mark.parametrize("name", ["fields that repeat", "fragments side by side"])
def test_few_fields_of_one_name_are_compared(name: str) -> None:
    exceeded = refusal(Documents(replace(DocumentLimits(), depth=1_000, root_fields=1_000)), ATTACKS[name][0])
    assert exceeded is not None
    assert (exceeded.limit, exceeded.maximum) == ("comparisons", MOST_COMPARISONS)


@pytest.mark.long
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_holds_the_loop(name: str) -> None:
    documents = Documents()
    query, variables = ATTACKS[name]
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with suppress(RequestErrors):
            documents.prepare(query, None, variables)
    finally:
        sys.setprofile(None)
    assert calls < MOST_CALLS


async def test_a_client_is_told_which_limit_it_was(api: Api, workshop: Workshop) -> None:
    for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
        answer = await api.client.post(
            "/graphql",
            json={"query": f"{{ {each('a#: __typename', 51)} }}"},
            headers={"Authorization": f"Bearer {workshop.olivia.token}", "Accept": accept},
        )
        assert answer.status_code == status
        assert answer.json() == {
            "errors": [
                {
                    "message": "The document has 51 aliases, more than 50.",
                    "extensions": {"code": "LIMIT_EXCEEDED", "limit": "aliases", "maximum": 50},
                }
            ]
        }


async def test_few_errors_of_variables_are_told(api: Api, workshop: Workshop) -> None:
    query = "query($filter: UserFilter) { users(filter: $filter) { totalCount } }"
    answer = await api.post(query, workshop.olivia, filter={f"x{number}": 1 for number in range(100)})
    assert len(answer.json()["errors"]) == MOST_ERRORS + 1
