"""GraphQL over HTTP: what is let in, what is refused, and how."""

import json
from datetime import timedelta
from typing import Any

import pytest
from graphql import GraphQLField
from httpx import ASGITransport, AsyncClient

from models.enums import RevocationReason, Role
from models.people import UserSession
from models.types import now
from offboard import http
from offboard.app import create_app
from offboard.settings import Settings
from resolvers import users
from resolvers.sessions import revoke_all_sessions
from schema.root import schema
from tests.api import Api
from tests.workshop import Workshop

pytestmark = pytest.mark.only_on("sqlite")  # what HTTP asks for does not depend on the database


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def code_of(answer: Any) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"query": "{ __typename }"}', "application/json", 200),
        (b'{"query": "{ __typename }"}', "application/json; charset=utf-8", 200),
        (b'{"query": "{ __typename }"}', "text/plain", 415),
        (b'{"query": "{ __typename }"}', "", 415),
        (b"not json", "application/json", 400),
        (b"5", "application/json", 400),
        (b"null", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"query": ""}', "application/json", 400),
        (b'{"query": 5}', "application/json", 400),
        (b'{"query": "{ __typename }", "variables": []}', "application/json", 400),
        (b'{"query": "{ __typename }", "operationName": 5}', "application/json", 400),
        (b'{"query": "{ __typename }", "extensions": 5}', "application/json", 400),
        (b'{"query": "{ __typename }", "extensions": "{}"}', "application/json", 400),
        (b'{"query": "subscription { userChanged { kind } }"}', "application/json", 400),
    ],
)
async def test_bodies(api: Api, body: bytes, content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await api.client.post("/graphql", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json")
    if status != 200:
        assert await code_of(answer) == "INVALID_INPUT"


async def test_get_is_for_queries(api: Api, workshop: Workshop) -> None:
    read = await api.client.get(
        "/graphql",
        params={"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": '{"id": "x"}'},
        headers=bearer(workshop.olivia.token),
    )
    assert read.json() == {"data": {"node": None}}
    refused = await api.client.get("/graphql", params={"query": "mutation { signOut { signedOut } }"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (await api.client.get("/graphql", params={"query": "{ __typename }", "variables": "{"})).status_code == 400
    answer = await api.client.get("/graphql", params={"query": "{ __typename }", "extensions": '{"any": "thing"}'})
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert (await api.client.get("/graphql")).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_a_refused_method_is_answered_in_json_too(api: Api, method: str) -> None:
    answer = await api.client.request(method, "/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert await code_of(answer) == "INVALID_INPUT"


async def test_head_is_get_without_its_body(api: Api) -> None:
    answer = await api.client.head("/graphql", params={"query": "{ __typename }"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")


RESPONSE, PLAIN = "application/graphql-response+json", "application/json"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("application/*", PLAIN),
        (PLAIN, PLAIN),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}; charset=utf-8, {PLAIN}", RESPONSE),
        (f"{PLAIN};q=0.9, {RESPONSE.upper()};q=0.8", PLAIN),
        (f"{PLAIN}, {RESPONSE};q=0.000", PLAIN),
        (f"{RESPONSE};q=0.5, */*;q=0.1", RESPONSE),
        (f"text/html, {PLAIN};q=nonsense, */*", None),
        ("text/html", None),
        (f"{PLAIN};q=0", None),
        ("application/xml, text/*", None),
    ],
)
async def test_the_form_that_is_asked_for(api: Api, accept: str, form: str | None) -> None:
    answer = await api.client.post("/graphql", json={"query": "{ __typename }"}, headers={"Accept": accept})
    assert answer.status_code == (200 if form else 406)
    assert answer.headers["content-type"] == f"{form or PLAIN}; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}} or await code_of(answer) == "INVALID_INPUT"


async def test_nothing_runs_for_an_answer_that_is_not_taken(api: Api, workshop: Workshop) -> None:
    headers = {**bearer(workshop.olivia.token), "Accept": "text/html"}
    answer = await api.client.post("/graphql", json={"query": "mutation { signOut { signedOut } }"}, headers=headers)
    assert answer.status_code == 406
    assert (await api.post("{ viewer { id } }", workshop.olivia)).status_code == 200


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ("{", None),
        ("{ nope }", None),
        ("query A { __typename } query B { __typename }", None),
        ("query A { __typename } query B { __typename }", "C"),
        ("{ node(id: 5.5) { id } }", None),
        ("{ " * 5_000 + "}" * 5_000, None),
        ("query ($id: ID!) { node(id: $id) { id } }", None),
    ],
)
@pytest.mark.parametrize(("accept", "status"), [("*/*", 200), ("application/graphql-response+json", 400)])
async def test_documents_that_cannot_run(
    api: Api,
    workshop: Workshop,
    document: str,
    operation: str | None,
    accept: str,
    status: int,
) -> None:
    answer = await api.client.post(
        "/graphql",
        json={"query": document, "operationName": operation},
        headers={**bearer(workshop.olivia.token), "Accept": accept},
    )
    assert answer.status_code == status
    assert "data" not in answer.json()
    assert await code_of(answer) == "INVALID_INPUT"


async def test_the_named_operation_runs(api: Api) -> None:
    document = (
        "query A { a: __typename } query B { ...F } fragment F on Query { ... { b: __typename } ...F2 } "
        "fragment F2 on Query { c: __typename }"
    )
    answer = await api.client.post("/graphql", json={"query": document, "operationName": "B"})
    assert answer.json() == {"data": {"b": "Query", "c": "Query"}}


OPEN = ["{ __typename }", "{ __schema { queryType { name } } }", '{ __type(name: "User") { name } }']
PUBLIC = [
    'mutation { signIn(input: {workspace: "x", email: "x", password: "x"}) { errors { code } } }',
    'mutation { acceptInvitation(input: {token: "x", password: "x"}) { errors { code } } }',
    'mutation { requestPasswordReset(input: {workspace: "x", email: "x"}) { accepted } }',
    'mutation { resetPassword(input: {token: "x", newPassword: "x"}) { errors { code } } }',
]


async def test_what_answers_without_a_token(api: Api) -> None:
    for document in [*OPEN, *PUBLIC]:
        answer = await api.post(document)
        assert (answer.status_code, "errors" in answer.json()) == (200, False), document


def selecting(kind: str, name: str, field: GraphQLField) -> str:
    """A valid document that asks for one root field, whatever its arguments are."""
    needed = {key: str(each.type) for key, each in field.args.items() if str(each.type).endswith("!")}
    declared = ", ".join(f"${key}: {type_name}" for key, type_name in needed.items())
    given = ", ".join(f"{key}: ${key}" for key in needed)
    leaf = str(field.type).strip("!") == "String"
    return (
        f"{kind} {f'({declared})' if needed else ''} "
        f"{{ {name} {f'({given})' if needed else ''} {'' if leaf else '{ __typename }'} }}"
    )


async def test_everything_else_needs_a_token(api: Api) -> None:
    public = {"signIn", "acceptInvitation", "requestPasswordReset", "resetPassword"}
    for kind, root in (("query", schema._schema.query_type), ("mutation", schema._schema.mutation_type)):
        assert root is not None
        for name in root.fields.keys() - public:
            answer = await api.post(selecting(kind, name, root.fields[name]))
            assert answer.status_code == 401, name
            assert await code_of(answer) == "UNAUTHENTICATED"
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer obs_unknown", "Bearer oba_unknown", "Bearer ", "Basic eDp5", "nonsense"])
async def test_bad_credentials_are_refused_whatever_is_asked(api: Api, header: str) -> None:
    for document in [*OPEN, "{ nope }", "{", "subscription { userChanged { kind } }"]:
        answer = await api.client.post("/graphql", json={"query": document}, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    for document in PUBLIC:
        answer = await api.client.post("/graphql", json={"query": document}, headers={"Authorization": header})
        assert answer.status_code == 200


async def test_an_ended_session_says_why(api: Api, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    await workshop.sign_in(ana)
    await api.database.transact(lambda tx: revoke_all_sessions(tx, workshop.olivia.viewer, user_id=ana.id))
    answer = await api.post("{ __typename }", ana)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["reason"] == RevocationReason.SESSION_REVOKED


async def test_an_expired_session_says_why(api: Api, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    await workshop.sign_in(ana)
    await workshop.change(UserSession, ana.viewer.session_id, expires_at=now() - timedelta(seconds=1))  # type: ignore[arg-type]
    answer = await api.post("{ viewer { id } }", ana)
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "EXPIRED"}


async def test_what_was_not_foreseen_is_masked(
    api: Api,
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(users, "users_page", fail)
    answer = await api.post("{ users { totalCount } viewer { name } }", workshop.olivia)
    error = answer.json()["errors"][0]
    assert answer.json()["data"] == {"users": None, "viewer": {"name": "Olivia Owens"}}
    assert error["extensions"] == {"code": "INTERNAL", "requestId": answer.headers["x-request-id"]}
    assert "secret" not in answer.text
    assert error["extensions"]["requestId"] in error["message"]


async def test_what_fails_before_the_operation_is_masked_too(
    api: Api, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(http, "authenticate", fail)
    answer = await api.post("{ viewer { name } }", workshop.olivia)
    assert answer.status_code == 500
    assert "data" not in answer.json()
    error = answer.json()["errors"][0]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": answer.headers["x-request-id"]}
    assert "secret" not in answer.text


async def test_nothing_redirects(api: Api) -> None:
    assert (await api.client.post("/graphql/")).status_code == 404


async def test_other_origins_are_let_in_only_by_name(database_url: str) -> None:
    asking = {"Origin": "https://console.test", "Access-Control-Request-Method": "POST"}
    for allowed, status in (("https://console.test", 200), ("", 405)):
        settings = Settings(database_url=database_url, allowed_origins=allowed)  # type: ignore[arg-type]
        async with AsyncClient(transport=ASGITransport(create_app(settings)), base_url="http://test") as client:
            answer = await client.options("/graphql", headers=asking)
        assert answer.status_code == status
        assert answer.headers.get("access-control-allow-origin") == (allowed or None)


ONLY_STREAMS = "text/event-stream"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)


@pytest.mark.parametrize("accept", [URQL, ONLY_STREAMS])
async def test_a_query_is_json_whatever_streams_the_client_takes(api: Api, workshop: Workshop, accept: str) -> None:
    headers = {"Authorization": f"Bearer {workshop.olivia.token}", "Accept": accept}
    answer = await api.client.post("/graphql", json={"query": "{ viewer { name } }"}, headers=headers)
    assert "json" in answer.headers["content-type"]
    assert answer.json() == {"data": {"viewer": {"name": "Olivia Owens"}}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing }", "INVALID_INPUT"),
        ("subscription {", "INVALID_INPUT"),
        ('subscription { userChanged(after: "x") { kind } }', "INVALID_CURSOR"),
        ("subscription { sessionRevoked(scope: NOBODY) { reason } }", "INVALID_INPUT"),
    ],
)
async def test_a_subscription_that_cannot_begin_says_why_in_the_form_that_is_taken(
    api: Api, workshop: Workshop, query: str, code: str
) -> None:
    token = {"Authorization": f"Bearer {workshop.olivia.token}"}
    stream = await api.client.post("/graphql", json={"query": query}, headers={**token, "Accept": ONLY_STREAMS})
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    result, complete, rest = stream.text.split("\n\n")
    assert [
        error["extensions"]["code"] for error in json.loads(result.removeprefix("event: next\ndata: "))["errors"]
    ] == [code]
    assert (complete, rest) == ("event: complete\ndata:", "")
    answer = await api.client.post("/graphql", json={"query": query}, headers={**token, "Accept": URQL})
    assert answer.status_code == 400
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [code]


async def test_a_stream_for_nobody_is_401(api: Api) -> None:
    query = {"query": "subscription { userChanged { kind } }"}
    answer = await api.client.post("/graphql", json=query, headers={"Accept": ONLY_STREAMS})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
