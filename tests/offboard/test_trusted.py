"""Trusted documents: by hash, or to the letter, and nothing else."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from offboard.app import create_app
from offboard.feed import Following, Operation, OperationFailed, protocol
from offboard.gateway import Gateway
from offboard.service import Service
from offboard.settings import Environment, InvalidSetting, Settings, load_settings
from tests.api import Api
from tests.offboard.watchers import connect
from tests.workshop import Workshop

pytestmark = pytest.mark.only_on("sqlite")  # what is trusted does not depend on the database

VIEWER = "query Viewer { viewer { name } }"
CHANGES = "subscription Changes { userChanged { cursor } }"
HASHES = {text: sha256(text.encode()).hexdigest() for text in (VIEWER, CHANGES)}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({key: text for text, key in HASHES.items()}))
    return Settings(database_url=database_url, trusted_documents=manifest, environment=Environment.PRODUCTION)


@pytest.fixture
async def trusting(settings: Settings, workshop: Workshop) -> AsyncIterator[AsyncClient]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        headers = {"Authorization": f"Bearer {workshop.olivia.token}"}
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers) as client:
            yield client


def naming(text: str) -> list[dict[str, Any]]:
    key = HASHES[text]
    apollo = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": key}}}
    return [
        {"documentId": key},
        {"documentId": f"sha256:{key}"},
        apollo,
        {**apollo, "query": ""},
        {**apollo, "query": "{ never }"},
        {"query": text},
    ]


STRANGE = [
    {"query": "{ viewer { id } }"},
    {"query": VIEWER + " "},
    {"query": "{ __typename }"},
    {"documentId": "sha256:0000"},
    {"documentId": ""},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0000"}}},
    {"query": "{ viewer { id } }", "extensions": {"persistedQuery": {"sha256Hash": "0000"}}},
    {"query": "{"},
]


@pytest.mark.parametrize("number", range(6))
async def test_a_document_of_the_manifest_runs(trusting: AsyncClient, number: int) -> None:
    asked = naming(VIEWER)[number]
    assert (await trusting.post("/graphql", json=asked)).json() == {"data": {"viewer": {"name": "Olivia Owens"}}}
    parameters = {key: json.dumps(value) if key == "extensions" else value for key, value in asked.items()}
    assert (await trusting.get("/graphql", params=parameters)).json() == {"data": {"viewer": {"name": "Olivia Owens"}}}


@pytest.mark.parametrize("asked", STRANGE)
async def test_nothing_else_does(trusting: AsyncClient, asked: dict[str, Any]) -> None:
    assert code(await trusting.post("/graphql", json=asked)) == "UNTRUSTED_DOCUMENT"
    answer = await trusting.post("/graphql", json=asked, headers={"Accept": "application/graphql-response+json"})
    assert answer.status_code == 400


async def test_nothing_else_does_by_a_get(trusting: AsyncClient) -> None:
    """graphql-cop, which takes queries by GET for a hole, asks this."""
    answer = await trusting.get("/graphql", params={"query": "query cop { __typename }"})
    assert code(answer) == "UNTRUSTED_DOCUMENT"


async def test_what_names_no_document_is_no_request(trusting: AsyncClient) -> None:
    for asked in ({}, {"documentId": 5}, {"extensions": {"persistedQuery": 5}}):
        answer = await trusting.post("/graphql", json=asked)
        assert (answer.status_code, code(answer)) == (400, "INVALID_INPUT")


async def test_sockets_likewise(settings: Settings, workshop: Workshop) -> None:
    service = Service(settings)
    gateway = Gateway(service)
    await service.feed.start()
    client = await connect(gateway, workshop.olivia)
    key = HASHES[CHANGES]
    for operation in (
        Operation(None, document_id=key),
        Operation(None, extensions={"persistedQuery": {"sha256Hash": key}}),
        Operation(CHANGES),
    ):
        following = await gateway.execute(client.connection, operation, {"headers": []})
        assert isinstance(following, Following)
    for operation in (Operation("subscription { userChanged { kind } }"), Operation(None, document_id="0000")):
        with pytest.raises(OperationFailed) as refused:
            await gateway.execute(client.connection, operation, {"headers": []})
        assert refused.value.errors[0]["extensions"] == {"code": "UNTRUSTED_DOCUMENT"}
    await service.feed.stop()
    await service.database.close()


@pytest.mark.parametrize(
    ("payload", "valid"),
    [
        ({"documentId": "abc"}, True),
        ({"query": None, "extensions": {"persistedQuery": {"sha256Hash": "abc"}}}, True),
        ({"documentId": 5}, False),
        ({"query": "{ a }", "documentId": 5}, False),
        ({"query": 5, "documentId": "abc"}, False),
        ({"extensions": {}}, False),
    ],
)
def test_a_message_may_name_its_document(payload: dict[str, Any], valid: bool) -> None:
    message = json.dumps({"id": "1", "type": "subscribe", "payload": payload})
    if valid:
        assert isinstance(protocol.read(message), protocol.Subscribe)
    else:
        with pytest.raises(protocol.InvalidMessage):
            protocol.read(message)


async def test_in_production_the_schema_is_not_told(database_url: str, workshop: Workshop) -> None:
    query = "query($filter: UserFilter) { users(filter: $filter) { totalCount } }"
    asked = [
        {"query": "{ __schema { queryType { name } } }"},
        {"query": "{ viewr { id } }"},
        {"query": query, "variables": {"filter": {"statu": "ACTIVE"}}},
    ]
    said = {}
    for environment in Environment:
        app = create_app(Settings(database_url=database_url, environment=environment))
        headers = {"Authorization": f"Bearer {workshop.olivia.token}"}
        async with app.router.lifespan_context(app):
            async with AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers) as client:
                said[environment] = [(await client.post("/graphql", json=each)).text for each in asked]
    told, hidden = said[Environment.DEVELOPMENT], said[Environment.PRODUCTION]
    assert "queryType" in told[0]
    assert "introspection" in hidden[0]
    assert ["Did you mean" in text for text in told] == [False, True, True]
    assert ["Did you mean" in text for text in hidden] == [False, False, False]


async def test_without_a_manifest_clients_are_asked_for_the_document(api: Api) -> None:
    for asked in (naming(VIEWER)[0], naming(VIEWER)[2]):
        answer = await api.client.post("/graphql", json=asked)
        assert code(answer) == "PERSISTED_QUERY_NOT_SUPPORTED"
        assert answer.json()["errors"][0]["message"] == "PersistedQueryNotSupported"
    answer = await api.client.post("/graphql", json={**naming(VIEWER)[2], "query": "{ __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("content", ["", "[]", '{"a": 5}', None])
def test_a_manifest_that_is_none_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "documents.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("OFFBOARD_TRUSTED_DOCUMENTS", str(file))
    with pytest.raises(InvalidSetting, match="OFFBOARD_TRUSTED_DOCUMENTS must name a file"):
        load_settings()


def code(answer: Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])
