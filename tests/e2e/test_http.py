"""GraphQL over HTTP, as a client sees it from outside."""

from pathlib import Path

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    get_named_type,
    is_leaf_type,
)

from tests.e2e.callers import Caller, deactivate
from tests.e2e.office import PASSWORD, Office
from tests.e2e.server import Server

SCHEMA = build_schema((Path(__file__).parents[2] / "schema" / "schema.graphql").read_text())
PUBLIC = {"signIn", "acceptInvitation", "requestPasswordReset", "resetPassword"}
JSON = {"content-type": "application/json"}
CHECKED_AT_ONCE = {"content-type": "application/json", "accept": "application/graphql-response+json"}


def literal(kind: GraphQLInputType) -> str:
    """Any value of an input type, as it is written in a document."""
    if isinstance(kind, GraphQLNonNull):
        return literal(kind.of_type)
    if isinstance(kind, GraphQLList):
        return f"[{literal(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        if kind.is_one_of:
            name, field = next(iter(kind.fields.items()))
            return f"{{{name}: {literal(field.type)}}}"
        needed = {name: field for name, field in kind.fields.items() if isinstance(field.type, GraphQLNonNull)}
        return "{" + ", ".join(f"{name}: {literal(field.type)}" for name, field in needed.items()) + "}"
    return {"Boolean": "true", "DateTime": '"2026-03-01T09:30:00Z"'}.get(kind.name, '"x"')


def document(operation: str, name: str, field: GraphQLField) -> str:
    """The smallest document that asks for a root field."""
    needed = {name: arg for name, arg in field.args.items() if isinstance(arg.type, GraphQLNonNull)}
    arguments = ", ".join(f"{name}: {literal(arg.type)}" for name, arg in needed.items())
    selection = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    return f"{operation} {{ {name}{f'({arguments})' if arguments else ''} {selection} }}"


assert SCHEMA.query_type is not None
assert SCHEMA.mutation_type is not None
DOCUMENTS = {
    name: document(operation, name, field)
    for operation, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type))
    for name, field in root.fields.items()
}


@pytest.fixture
def visitor(server: Server, http: httpx.AsyncClient) -> Caller:
    return Caller(http, server.url)


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - PUBLIC))
async def test_every_field_but_the_public_ones_needs_a_token(visitor: Caller, name: str) -> None:
    response = await visitor.post(DOCUMENTS[name])
    assert response.status_code == 401, response.text
    assert response.headers["www-authenticate"] == "Bearer"
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("token", [None, "obs_of-nobody"])
@pytest.mark.parametrize("name", sorted(PUBLIC))
async def test_public_mutations_ignore_credentials(visitor: Caller, name: str, token: str | None) -> None:
    response = await Caller(visitor.http, visitor.url, token).post(DOCUMENTS[name])
    assert response.status_code == 200, response.text
    assert response.json()["data"][name] == {"__typename": f"{name[0].upper()}{name[1:]}Payload"} or (
        name == "acceptInvitation" and response.json()["data"][name] == {"__typename": "SignInPayload"}
    )


async def test_without_a_token_introspection_answers(visitor: Caller) -> None:
    assert await visitor.ask("{ __typename }") == "Query"
    assert (await visitor.ask("{ __schema { queryType { name } } }"))["queryType"] == {"name": "Query"}


@pytest.mark.parametrize(
    "header", ["Bearer obs_of-nobody", "Bearer oba_of-nobody", "Bearer", "Basic b2xpdmlh", "obs_of-nobody"]
)
async def test_a_bad_token_is_401_whatever_is_asked(visitor: Caller, header: str) -> None:
    for query in ("{ __typename }", "{ __schema { queryType { name } } }", "mutation { signOut { signedOut } }"):
        response = await visitor.http.post(visitor.url, json={"query": query}, headers={"Authorization": header})
        assert response.status_code == 401, response.text
        assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_revoked_token_is_401_with_the_reason(office: Office) -> None:
    ana = await office.hire("Ana")
    await deactivate(office.olivia, ana.id)
    response = await ana.post("{ __typename }")
    assert response.status_code == 401
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "reason": "USER_DEACTIVATED"}
    signed_in = await ana.post(
        "mutation($input: SignInInput!) { signIn(input: $input) { errors { code } } }",
        input={"workspace": office.slug, "email": ana.email, "password": PASSWORD},
    )
    assert signed_in.json()["data"]["signIn"]["errors"] == [{"code": "USER_DEACTIVATED"}]


async def test_get_is_for_queries(office: Office) -> None:
    headers = {"Authorization": f"Bearer {office.olivia.token}"}
    query = {"query": "query($id: ID!) { user(id: $id) { name } }", "variables": f'{{"id": "{office.olivia.id}"}}'}
    response = await office.http.get(office.server.url, params=query, headers=headers)
    assert (response.status_code, response.json()) == (200, {"data": {"user": {"name": "Olivia"}}})
    mutation = {"query": "mutation { signOut { signedOut } }"}
    response = await office.http.get(office.server.url, params=mutation, headers=headers)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert await office.olivia.works()


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"query": "{ __typename }"}', {"content-type": "text/plain"}, 415),
        (b'{"query": "{ __typename }"}', {}, 415),
        (b"query={__typename}", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b"{", JSON, 400),
        (b"\xff", JSON, 400),
        (b"[]", JSON, 400),
        (b"{}", JSON, 400),
        (b'{"query": 7}', JSON, 400),
        (b'{"query": "{ __typename }", "variables": []}', JSON, 400),
        (b'{"query": "{"}', CHECKED_AT_ONCE, 400),
        (b'{"query": "{ nothing }"}', CHECKED_AT_ONCE, 400),
        (b'{"query": "subscription { userChanged { cursor } }"}', CHECKED_AT_ONCE, 400),
    ],
)
async def test_what_is_no_request_is_refused(
    visitor: Caller, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = await visitor.http.post(visitor.url, content=content, headers=headers)
    assert response.status_code == status, response.text
    assert response.json()["errors"][0]["message"]
    assert "data" not in response.json()


async def test_graphql_is_never_redirected(visitor: Caller) -> None:
    response = await visitor.http.post(visitor.url, json={"query": "{ __typename }"})
    assert (response.status_code, response.history) == (200, [])
    assert (await visitor.http.post(f"{visitor.url}/", json={"query": "{ __typename }"})).status_code == 404


async def test_health_and_readiness(visitor: Caller) -> None:
    base = visitor.url.removesuffix("/graphql")
    assert (await visitor.http.get(f"{base}/healthz")).json() == {"status": "ok"}
    ready = await visitor.http.get(f"{base}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "broker": "ok"})


async def test_every_answer_has_an_id_of_its_own(visitor: Caller) -> None:
    base = visitor.url.removesuffix("/graphql")
    answers = [await visitor.http.get(f"{base}/healthz"), await visitor.http.get(f"{base}/nowhere")]
    answers += [await visitor.post("{ __typename }"), await visitor.post("{ viewer { id } }")]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
