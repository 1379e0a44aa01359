"""Documents: which variable of a subscription says nothing but where it resumes."""

import pytest

from offboard.documents import Documents

CURSOR = [
    "subscription($after: String) { userChanged(after: $after) { cursor } }",
    "subscription($x: String) { u: userChanged(after: $x) { cursor } }",
    "subscription($x: String!) { userChanged(after: $x) { cursor } }",
    "subscription($x: String, $s: RevocationScope!) { sessionRevoked(scope: $s, after: $x) { cursor } }",
    "query Q { viewer { id } } subscription S($x: String) { userChanged(after: $x) { ...F } } "
    "fragment F on UserChange { cursor }",
]
NO_CURSOR = {
    "none is given": "subscription { userChanged { cursor } }",
    "it is in the document": 'subscription { userChanged(after: "abc") { cursor } }',
    "it is null in the document": "subscription { userChanged(after: null) { cursor } }",
    "it has a default": 'subscription($x: String = "abc") { userChanged(after: $x) { cursor } }',
    "another place uses it": "query Q($x: String) { users(after: $x) { totalCount } } "
    "subscription S($x: String) { userChanged(after: $x) { cursor } }",
    "it is another argument's": "subscription($x: RevocationScope!) { sessionRevoked(scope: $x) { cursor } }",
    "it is within a fragment": "subscription($x: String) { ...F } "
    "fragment F on Subscription { userChanged(after: $x) { cursor } }",
    "it is a query": "query($x: String) { users(after: $x) { totalCount } }",
}


@pytest.mark.parametrize("query", CURSOR)
def test_the_variable_of_the_cursor(query: str) -> None:
    name = "S" if "Q" in query else None
    assert Documents().prepare(query, name).cursor_variable == ("after" if "$after" in query else "x")


@pytest.mark.parametrize("why", NO_CURSOR)
def test_no_variable_is_the_cursor_if(why: str) -> None:
    """Red when subscribers share answers that depend on the variable."""
    query = NO_CURSOR[why]
    assert Documents().prepare(query, "S" if "Q(" in query else None).cursor_variable is None
