"""Trusted documents on a running server: what is not in the manifest is run neither over HTTP nor on a socket."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.callers import DEACTIVATE, SIGN_IN, deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.office import Office
from tests.e2e.sockets import USER_CHANGED, Socket, socket_of

VIEWER = "{ viewer { id } }"
FEED_POSITION = "{ feedPosition }"
TRUSTED = (SIGN_IN, DEACTIVATE, FEED_POSITION, VIEWER, USER_CHANGED)
HASHES = {text: sha256(text.encode()).hexdigest() for text in TRUSTED}

STRANGE: list[dict[str, Any]] = [
    {"query": "{ __typename }"},
    {"query": VIEWER + " "},
    {"query": "subscription { userChanged { kind } }"},
    {"query": DEACTIVATE.replace("deactivateUser", "again: deactivateUser")},
    {"query": "{"},
    {"query": ""},
    {"documentId": "sha256:0000"},
    {"query": "{ __typename }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0000"}}},
]


def naming(text: str) -> list[dict[str, Any]]:
    """Every way in which a message names a document of the manifest."""
    key = HASHES[text]
    persisted = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": key}}}
    return [
        {"query": text},
        {"documentId": key},
        {"documentId": f"sha256:{key}"},
        persisted,
        {"query": "", **persisted},
    ]


@pytest.mark.only_on("sqlite")
async def test_a_socket_runs_trusted_documents_and_no_others(
    new_server: NewServer, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Red when a socket's documents do not go through the manifest."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({key: text for text, key in HASHES.items()}))
    server = new_server(TRUSTED_DOCUMENTS=str(manifest), ENVIRONMENT="production").start()
    office = await Office.open(server, http)
    ana = await office.hire("Ana")
    async with socket_of(office.olivia) as socket:
        await refuses(socket, ana.id)
        for payload in naming(VIEWER):
            await socket.say(id="1", type="subscribe", payload=payload)
            assert await socket.event() == {"id": office.olivia.id}
            assert await socket.hear() == {"id": "1", "type": "complete"}
        after = await office.olivia.feed_position()
        for number, payload in enumerate(naming(USER_CHANGED)):
            await socket.say(id=str(number), type="subscribe", payload={**payload, "variables": {"after": after}})
        await refuses(socket, ana.id)
        assert await ana.works()
        await deactivate(office.olivia, ana.id)
        heard = [await socket.hear() for _ in naming(USER_CHANGED)]
        assert {each["id"] for each in heard} == set("01234")
        assert {each["payload"]["data"]["userChanged"]["userId"] for each in heard} == {ana.id}


async def refuses(socket: Socket, user_id: str) -> None:
    """Whatever is not in the manifest ends with `error`, and the socket stays open."""
    for payload in STRANGE:
        await socket.say(id="strange", type="subscribe", payload={**payload, "variables": {"id": user_id}})
        assert await socket.refusal("strange") == "UNTRUSTED_DOCUMENT"
