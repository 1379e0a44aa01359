"""The query root over HTTP: what each field answers, to whom, and with how many statements."""

from datetime import timedelta
from typing import Any

import pytest

from models.enums import ConversationStatus, FollowUpKind, Role, TokenScope
from models.types import now
from models.work import CsatResponse
from schema import ids
from tests.api import Api
from tests.statements import watched
from tests.workshop import Workshop

USERS = """query ($first: Int!) { users(first: $first) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor
  endCursor } edges { cursor node { id displayName name email status createdAt lastSignedInAt invitationPending
  isSoleOwner roles teams { id name } workload { open snoozed callbacks followUps } sessions { id current client }
  deactivation { at reason note by { __typename displayName } } departure { allowed liveSessions
  blockers { code message } workload { open } accessTokens { id name createdBy { displayName } } } } } } }"""

INBOX = """query ($first: Int!) { inbox(first: $first) { totalCount pageInfo { hasNextPage } edges { node { id subject
  status snoozedUntil createdAt updatedAt customer { name email } assignee { name roles } team { name }
  notes(first: 2) { totalCount edges { node { id body createdAt author { __typename displayName } } } }
  followUps { id kind dueAt assignee { name } conversation { subject } }
  csat { rating comment respondedAt handledBy { displayName } } } } } }"""

AUDIT = """query ($first: Int!) { auditLog(first: $first) { totalCount edges { node { id at action summary
  actor { __typename displayName } target { displayName ... on User { email roles } } } } } }"""


async def furnish(shop: Workshop, size: int) -> None:
    """Some people with everything that can be selected, and work of every kind."""
    team_id = await shop.team("Billing")
    for number in range(size):
        person = await shop.person(f"User{number} Un", Role.AGENT, teams=(team_id,), inactive=number % 7 == 3)
        if number % 7 != 3:
            await shop.sign_in(person)
        conversation_id = await shop.conversation(
            f"Case {number}",
            person,
            ConversationStatus.SNOOZED if number % 3 else ConversationStatus.OPEN,
            team_id=team_id,
        )
        await shop.note(conversation_id, person)
        await shop.follow_up(conversation_id, person, FollowUpKind.CALLBACK)
        async with shop.database.begin() as tx:
            await tx.add(
                CsatResponse(
                    conversation_id=conversation_id,
                    workspace_id=shop.workspace_id,
                    rating=4,
                    responded_at=now(),
                    handled_by_id=person.actor_id,
                )
            )


@pytest.mark.parametrize(
    ("query", "field", "most"), [(USERS, "users", 11), (INBOX, "inbox", 11), (AUDIT, "auditLog", 5)]
)
async def test_statements_do_not_grow_with_the_page(
    api: Api, workshop: Workshop, query: str, field: str, most: int
) -> None:
    """One for the sign-in check, one for the page, at most one for each kind of relation and for the count."""
    await furnish(workshop, 20)
    for _ in range(3):
        await api.post('mutation { signIn(input: {workspace: "acme", email: "x", password: "y"}) { token } }')
    counts = []
    for first in (1, 20):
        with watched(api.database) as seen:
            answer = await api.data(query, workshop.olivia, first=first)
        assert len(answer[field]["edges"]) == (first if field != "auditLog" or first == 1 else 3)
        counts.append(len(seen))
    assert counts[0] <= counts[1] <= most
    assert counts[1] - counts[0] <= 2


async def test_a_page_alone_takes_two_statements(api: Api, workshop: Workshop) -> None:
    with watched(api.database) as seen:
        await api.data("{ users { edges { node { id name email status } } } }", workshop.olivia)
    assert len(seen) == 2


async def test_the_viewer_reads_itself(api: Api, workshop: Workshop) -> None:
    answer = await api.data(
        "{ viewer { id name isSoleOwner sessions { current } } workspace { slug } }", workshop.olivia
    )
    assert answer == {
        "viewer": {
            "id": ids.encode("User", workshop.olivia.id),
            "name": "Olivia Owens",
            "isSoleOwner": True,
            "sessions": [{"current": True}],
        },
        "workspace": {"slug": "acme"},
    }


async def test_an_access_token_is_no_user(api: Api, workshop: Workshop) -> None:
    partner = await workshop.partner(TokenScope.USERS_READ)
    assert await api.data("{ viewer { id } users { totalCount } }", partner) == {
        "viewer": None,
        "users": {"totalCount": 1},
    }


READS = {
    "users { totalCount }": TokenScope.USERS_READ,
    "teams { id }": TokenScope.USERS_READ,
    "inbox { totalCount }": TokenScope.INBOX_READ,
    "auditLog { totalCount }": TokenScope.AUDIT_READ,
}
ALLOWED = {
    "users { totalCount }": set(Role),
    "teams { id }": set(Role),
    "inbox { totalCount }": set(Role),
    "auditLog { totalCount }": {Role.OWNER, Role.ADMIN},
    "accessTokens { id }": {Role.OWNER},
    "workspace { name }": set(Role),
}


@pytest.mark.parametrize("role", [*Role, None])
async def test_roles_decide_what_is_read(api: Api, workshop: Workshop, role: Role | None) -> None:
    person = await workshop.person("Pat Poe", *([role] if role else []))
    await workshop.sign_in(person)
    for field, roles in ALLOWED.items():
        expected = [] if role in roles else ["FORBIDDEN"]
        assert await api.errors(f"{{ {field} }}", person) == expected, field
    assert await api.errors("{ feedPosition viewer { id email roles teams { name } sessions { id } } }", person) == []


@pytest.mark.parametrize("scope", list(TokenScope))
async def test_scopes_decide_what_is_read(api: Api, workshop: Workshop, scope: TokenScope) -> None:
    partner = await workshop.partner(scope)
    for field, needed in READS.items():
        assert await api.errors(f"{{ {field} }}", partner) == ([] if needed is scope else ["FORBIDDEN"]), field
    assert await api.errors("{ accessTokens { id } }", partner) == ["FORBIDDEN"]


async def test_sessions_and_departures_of_others_are_for_administrators(api: Api, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    await workshop.sign_in(ana)
    query = "query ($id: ID!) { user(id: $id) { name sessions { id } departure { allowed } } }"
    other = ids.encode("User", workshop.olivia.id)
    assert await api.errors(query, ana, id=other) == ["FORBIDDEN", "FORBIDDEN"]
    answer = (await api.post(query, ana, id=other)).json()
    assert answer["data"]["user"] == {"name": "Olivia Owens", "sessions": None, "departure": None}


async def test_departure_shows_what_the_mutation_would_answer(api: Api, workshop: Workshop) -> None:
    answer = await api.data(
        "query ($id: ID!) { user(id: $id) { departure { allowed liveSessions blockers { code message field } } } }",
        workshop.olivia,
        id=ids.encode("User", workshop.olivia.id),
    )
    refused = await api.data(
        "mutation ($id: ID!) { deactivateUser(input: {userId: $id}) { user { id } errors { code message field } } }",
        workshop.olivia,
        id=ids.encode("User", workshop.olivia.id),
    )
    departure = answer["user"]["departure"]
    assert departure["allowed"] is False
    assert departure["liveSessions"] == 1
    assert departure["blockers"] == refused["deactivateUser"]["errors"]
    assert [blocker["code"] for blocker in departure["blockers"]] == ["SOLE_OWNER"]


async def test_an_administrator_sees_tokens_of_whom_it_may_deactivate(api: Api, workshop: Workshop) -> None:
    ada = await workshop.person("Ada Adams", Role.ADMIN)
    await workshop.sign_in(ada)
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    await workshop.partner(TokenScope.USERS_READ, creator=ana)
    query = "query ($id: ID!) { user(id: $id) { departure { blockers { code } accessTokens { name } } } }"
    seen = await api.data(query, ada, id=ids.encode("User", ana.id))
    assert seen["user"]["departure"] == {"blockers": [], "accessTokens": [{"name": "Partner"}]}
    hidden = await api.data(query, ada, id=ids.encode("User", workshop.olivia.id))
    assert hidden["user"]["departure"] == {
        "blockers": [{"code": "OWNER_REQUIRED"}, {"code": "SOLE_OWNER"}],
        "accessTokens": None,
    }


async def test_node_reads_every_kind(api: Api, workshop: Workshop) -> None:
    conversation_id = await workshop.conversation("Refund", workshop.olivia)
    kinds = {
        "Workspace": workshop.workspace_id,
        "User": workshop.olivia.id,
        "Team": await workshop.team("Billing"),
        "Session": workshop.olivia.viewer.session_id,
        "Conversation": conversation_id,
        "Note": await workshop.note(conversation_id, workshop.olivia),
        "FollowUp": await workshop.follow_up(conversation_id, workshop.olivia),
        "AccessToken": (await workshop.partner(TokenScope.USERS_READ)).id,
    }
    for kind, row_id in kinds.items():
        assert row_id is not None
        node = {"__typename": kind, "id": ids.encode(kind, row_id)}
        answer = await api.data("query ($id: ID!) { node(id: $id) { __typename id } }", workshop.olivia, id=node["id"])
        assert answer == {"node": node}


@pytest.mark.parametrize("text", ["", "x", "VXNlcjp4", ids.encode("User", ids.NOBODY), ids.encode("Actor", ids.NOBODY)])
async def test_a_node_that_is_not_there_is_null(api: Api, workshop: Workshop, text: str) -> None:
    assert await api.data("query ($id: ID!) { node(id: $id) { id } }", workshop.olivia, id=text) == {"node": None}


async def test_another_workspace_is_not_there(api: Api, workshop: Workshop) -> None:
    other = await Workshop.open(api.database, "other")
    foreign_id = await other.conversation("Secret", other.olivia)
    team_id = await other.team("Theirs")
    answer = await api.data(
        """query ($user: ID!, $conversation: ID!, $team: ID!) { user(id: $user) { id }
        conversation(id: $conversation) { id } node(id: $conversation) { id }
        users(filter: {teamId: $team}) { totalCount }
        inbox(filter: {assignedTo: {userId: $user}}) { totalCount } all: inbox { totalCount }
        people: users { totalCount }
        auditLog(filter: {actorId: $user}) { totalCount } bulkOperation(id: $conversation) { id } }""",
        workshop.olivia,
        user=ids.encode("User", other.olivia.id),
        conversation=ids.encode("Conversation", foreign_id),
        team=ids.encode("Team", team_id),
    )
    nothing = {"totalCount": 0}
    assert answer == {
        "user": None,
        "conversation": None,
        "node": None,
        "users": nothing,
        "inbox": nothing,
        "all": nothing,
        "people": {"totalCount": 1},
        "auditLog": nothing,
        "bulkOperation": None,
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 0", "INVALID_INPUT"),
        ("first: 101", "INVALID_INPUT"),
        ("first: 1, last: 1", "INVALID_INPUT"),
        ('after: "nonsense"', "INVALID_CURSOR"),
    ],
)
@pytest.mark.parametrize("field", ["users", "inbox", "auditLog"])
async def test_bad_pages_are_refused(api: Api, workshop: Workshop, field: str, arguments: str, code: str) -> None:
    assert await api.errors(f"{{ {field}({arguments}) {{ totalCount }} }}", workshop.olivia) == [code]


async def test_a_filter_has_its_limits(api: Api, workshop: Workshop) -> None:
    for field in ("users", "inbox"):
        query = f"query ($search: String) {{ {field}(filter: {{search: $search}}) {{ totalCount }} }}"
        assert await api.errors(query, workshop.olivia, search="a " * 100) == []
        assert await api.errors(query, workshop.olivia, search="a" * 201) == ["INVALID_INPUT"]
    query = "query ($ids: [ID!]) { inbox(filter: {ids: $ids}) { totalCount } }"
    assert await api.errors(query, workshop.olivia, ids=["x"] * 5_000) == []
    assert await api.errors(query, workshop.olivia, ids=["x"] * 5_001) == ["INVALID_INPUT"]


async def test_pages_lead_through_a_list_and_back(api: Api, workshop: Workshop) -> None:
    for number in range(5):
        await workshop.conversation(f"Case {number}", updated_at=now() - timedelta(minutes=number))
    query = """query ($first: Int, $after: String, $last: Int, $before: String) {
      inbox(first: $first, after: $after, last: $last, before: $before) {
        pageInfo { hasNextPage hasPreviousPage endCursor startCursor } edges { node { subject } } } }"""

    async def page(**arguments: Any) -> tuple[list[str], dict[str, Any]]:
        inbox = (await api.data(query, workshop.olivia, **arguments))["inbox"]
        return [edge["node"]["subject"] for edge in inbox["edges"]], inbox["pageInfo"]

    first, info = await page(first=3)
    assert (first, info["hasNextPage"], info["hasPreviousPage"]) == (["Case 0", "Case 1", "Case 2"], True, False)
    rest, end = await page(first=3, after=info["endCursor"])
    assert (rest, end["hasNextPage"], end["hasPreviousPage"]) == (["Case 3", "Case 4"], False, True)
    back, _ = await page(last=2, before=end["startCursor"])
    assert back == ["Case 1", "Case 2"]


async def test_the_feed_position_belongs_to_the_answer(api: Api, workshop: Workshop) -> None:
    before = await api.data("{ feedPosition }", workshop.olivia)
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    query = "mutation ($id: ID!) { deactivateUser(input: {userId: $id}) { errors { code } } }"
    await api.data(query, workshop.olivia, id=ids.encode("User", ana.id))
    assert await api.data("{ feedPosition }", workshop.olivia) != before
