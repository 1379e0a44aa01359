"""Pages of a small and of a large workspace, asked for in turn."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.handover.client import Client
from bench.handover.databases import Databases
from bench.handover.dataset import AGENT, LEAVER, TEAM, Dataset, team_id, user_id
from schema import ids

_BOUNDS = "$first: Int, $after: String, $last: Int, $before: String"
_PAGE = "first: $first, after: $after, last: $last, before: $before"
_INFO = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
_USERS = (
    f"query ($filter: UserFilter, $order: UserOrder, {_BOUNDS}) "
    f"{{ page: users(filter: $filter, orderBy: $order, {_PAGE}) {{ {_INFO} "
    "edges { node { id name email status roles teams { name } lastSignedInAt } } } }"
)
_INBOX = (
    f"query ($filter: InboxFilter, $order: InboxOrder, {_BOUNDS}) "
    f"{{ page: inbox(filter: $filter, orderBy: $order, {_PAGE}) {{ {_INFO} "
    "edges { node { id subject status updatedAt customer { name } assignee { name } team { name } } } } }"
)
_AUDIT = (
    f"query ($filter: AuditFilter, {_BOUNDS}) {{ page: auditLog(filter: $filter, {_PAGE}) {{ {_INFO} "
    "edges { node { id at action summary } } } }"
)
DEPARTURE = """query ($id: ID!) {
  user(id: $id) { departure {
    allowed blockers { code message } liveSessions accessTokens { name }
    workload { open snoozed callbacks followUps }
  } }
}"""

_LEAVER, _AGENT = ids.encode("User", user_id(LEAVER)), ids.encode("User", user_id(AGENT))
_TEAM = ids.encode("Team", team_id(TEAM))
_BY_CREATION = {"order": {"field": "CREATED_AT", "direction": "ASC"}}

LISTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "users": (_USERS, {}),
    "users, inactive": (_USERS, {"filter": {"status": "INACTIVE"}}),
    "users, a common role": (_USERS, {"filter": {"role": "AGENT"}}),
    "users, a common role, active": (_USERS, {"filter": {"role": "AGENT", "status": "ACTIVE"}}),
    "users, by last sign-in": (_USERS, {"order": {"field": "LAST_SIGNED_IN_AT", "direction": "DESC"}}),
    "users, administrators": (_USERS, {"filter": {"role": "ADMIN"}}),
    "users, a team's, by last sign-in": (
        _USERS,
        {"filter": {"teamId": _TEAM}, "order": {"field": "LAST_SIGNED_IN_AT", "direction": "DESC"}},
    ),
    "users, a search that one fits": (_USERS, {"filter": {"search": "777@"}}),
    "users, a search of two words that a ninth fits each, active": (
        _USERS,
        {"filter": {"search": "person1 family9", "status": "ACTIVE"}},
    ),
    "inbox": (_INBOX, {}),
    "inbox, by creation": (_INBOX, _BY_CREATION),
    "inbox, open": (_INBOX, {"filter": {"status": ["OPEN"]}}),
    "inbox, open and snoozed, by creation": (_INBOX, {"filter": {"status": ["OPEN", "SNOOZED"]}, **_BY_CREATION}),
    "inbox, the leaver's": (_INBOX, {"filter": {"assignedTo": {"userId": _LEAVER}}}),
    "inbox, an agent's": (_INBOX, {"filter": {"assignedTo": {"userId": _AGENT}}}),
    "inbox, unassigned": (_INBOX, {"filter": {"assignedTo": {"unassigned": True}}}),
    "inbox, assigned": (_INBOX, {"filter": {"assignedTo": {"unassigned": False}}}),
    "inbox, a team's": (_INBOX, {"filter": {"teamId": _TEAM}}),
    "inbox, a team's, unassigned, open": (
        _INBOX,
        {"filter": {"teamId": _TEAM, "assignedTo": {"unassigned": True}, "status": ["OPEN"]}},
    ),
    "inbox, a search that a fifth fits": (_INBOX, {"filter": {"search": "refund"}}),
    "inbox, a search that all fit": (_INBOX, {"filter": {"search": "customer"}}),
    "inbox, a search of two words that a fifth fits each, and none both": (
        _INBOX,
        {"filter": {"search": "refund invoice"}},
    ),
    "auditLog": (_AUDIT, {}),
    "auditLog, a rare action": (_AUDIT, {"filter": {"action": ["USER_DEACTIVATED"]}}),
    "auditLog, several actions": (_AUDIT, {"filter": {"action": ["SESSION_REVOKED", "SIGNED_IN", "USER_DEACTIVATED"]}}),
    "auditLog, an actor's": (_AUDIT, {"filter": {"actorId": _LEAVER}}),
    "auditLog, an actor's rare action": (_AUDIT, {"filter": {"actorId": _LEAVER, "action": ["USER_DEACTIVATED"]}}),
}
SIZE = 50


@dataclass(slots=True)
class Timed:
    """Medians in milliseconds, for the small and the large workspace: of the first page, and of pages at the end.

    `rows` is the size of the pages; None for what is no list.
    """

    rows: int | None
    first: tuple[float, float]
    last: tuple[float, float] = field(default=(0.0, 0.0))
    before_last: tuple[float, float] = field(default=(0.0, 0.0))


def measure_pages(
    databases: Databases, names: tuple[str, str], datasets: tuple[Dataset, Dataset], rounds: int, wanted: str
) -> dict[str, Timed]:
    """Ask for each page in the small and in the large workspace, turn by turn; `names` are those of the databases.

    Only what begins with `wanted` is asked for.
    """
    found: dict[str, Timed] = {}
    small, large = datasets
    one_url, other_url = map(databases.url, names)
    with databases.serve(one_url) as one, databases.serve(other_url) as other:
        with Client(one.port, small.token) as of_small, Client(other.port, large.token) as of_large:
            clients = (of_small, of_large)
            for name, (query, variables) in LISTS.items():
                if not name.startswith(wanted):
                    continue
                size = _size(of_small, query, variables)
                found[name] = Timed(
                    size,
                    _turns(clients, query, [{**variables, "first": size}] * 2, rounds),
                    _turns(clients, query, [{**variables, "last": size}] * 2, rounds),
                    _turns(clients, query, [_before_last(each, query, variables, size) for each in clients], rounds),
                )
            for name, user in (("departure, of the leaver", _LEAVER), ("departure, of an agent", _AGENT)):
                if name.startswith(wanted):
                    found[name] = Timed(None, _turns(clients, DEPARTURE, [{"id": user}] * 2, rounds))
    return found


def _size(of_small: Client, query: str, variables: dict[str, Any]) -> int:
    """Of how many rows the pages are: so many that the small workspace has two, otherwise less would be compared."""
    answer, _ = of_small.ask(query, **variables, first=SIZE)
    total: int = answer["page"]["totalCount"]
    return max(1, min(SIZE, total // 2))


def _before_last(client: Client, query: str, variables: dict[str, Any], size: int) -> dict[str, Any]:
    last, _ = client.ask(query, **variables, last=size)
    return {**variables, "last": size, "before": last["page"]["pageInfo"]["startCursor"]}


def _turns(
    clients: tuple[Client, Client], query: str, variables: list[dict[str, Any]], rounds: int
) -> tuple[float, float]:
    took: tuple[list[float], list[float]] = ([], [])
    unmeasured = min(_WARM_UP, rounds)
    for number in range(unmeasured + rounds):
        for client, asked, times in zip(clients, variables, took, strict=True):
            _, millis = client.ask(query, **asked)
            if number >= unmeasured:
                times.append(millis)
    of_small, of_large = map(statistics.median, took)
    return of_small, of_large


_WARM_UP = 8
"""So often PostgreSQL plans a statement anew before it settles, and a little more."""
