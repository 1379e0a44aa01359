"""Requests that nobody would think of: whatever they ask for, nothing goes wrong on our side.

Operations are made up by schemathesis from the schema, bodies and addresses by hypothesis from one that works.
"""

import orjson
import pytest
import schemathesis
from httpx import ASGITransport, AsyncClient
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

from offboard.http import Endpoint
from schema.root import schema
from tests.fuzzing import drawn
from tests.schema.worlds import World

pytestmark = pytest.mark.long

EACH = 8


@pytest.fixture(scope="module")
def documents() -> list[str]:
    scalar("DateTime", st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")))
    made = schemathesis.graphql.from_file(schema.as_str())
    return [
        case.body
        for operation in made.get_all_operations()
        for case in drawn(operation.ok().as_strategy(), EACH)  # type: ignore[union-attr]
    ]


WORKS = (
    b'{"query": "query A($a: Int) { users(first: $a) { totalCount } }", "variables": {"a": 1}, "operationName": "A"}'
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A body that works, with some bytes of it replaced."""
    body = bytearray(WORKS)
    for start in draw(st.lists(st.integers(0, len(WORKS) - 1), max_size=3)):
        body[start : start + draw(st.integers(0, 9))] = draw(st.binary(max_size=6) | st.sampled_from(PIECES))
    return bytes(body)


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=9)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=5
)
bodies = values | st.fixed_dictionaries({"query": values | st.just("{ __typename }"), "variables": values})
anything = bodies.map(orjson.dumps)
PIECES = [b"[" * 2_000, b'{"a":' * 2_000, b"1e999", b"-0", b"\\ud800", b"\xff\xfe", b"null", b'"', b"\0", b"9" * 400]


async def test_no_body_ends_in_an_internal_error(world: World) -> None:
    app = Endpoint(world.service, world.gateway)
    headers = {"Authorization": f"Bearer {world.estates[0].people['olivia'].token}", "Content-Type": "application/json"}
    seen = set()
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers) as client:
        for body in drawn(spoiled() | anything | st.binary(max_size=80), 120):
            answers = [await client.post("/graphql", content=body)]
            text = body.decode("latin-1")
            answers.append(await client.get("/graphql", params={"query": "{ __typename }", "variables": text[:4_000]}))
            for answer in answers:
                assert answer.status_code in (200, 400), body
                assert "INTERNAL" not in answer.text, body
                assert answer.json().keys() & {"data", "errors"}
                seen.add(answer.status_code)
    assert seen == {200, 400}


async def test_no_operation_ends_in_an_internal_error(world: World, documents: list[str]) -> None:
    (estate,) = world.estates
    headers = {"Authorization": f"Bearer {estate.people['olivia'].token}"}
    app = Endpoint(world.service, world.gateway)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers) as client:
        for document in documents:
            answer = await client.post("/graphql", json={"query": document})
            assert answer.status_code in (200, 400), document
            assert "INTERNAL" not in answer.text, (document, answer.text)
            if world.has_changed():
                world.put_back()
    assert len(documents) > 200
