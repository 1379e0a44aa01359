"""The regular check: every open connection is asked about, and nobody stays whom nobody can ask about."""

import asyncio

import pytest

from models.database import Database
from models.enums import RevocationReason
from models.types import new_id
from offboard.feed import Credential, relay
from tests.offboard.feed.conftest import SHORT
from tests.offboard.feed.stage import (
    Check,
    another_process,
    connect,
    ending,
    revocation,
    running_feed,
    somebody,
    watching,
    write,
)
from tests.workshop import Workshop


async def test_the_check_ends_a_dead_session_without_any_event(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    check = Check()
    async with running_feed(database, check=check, check_every=SHORT) as feed:
        dead, alive = await somebody(database, acme), await somebody(database, acme)
        assert dead.session_id is not None
        client, other = await connect(feed, dead), await connect(feed, alive)
        check.dead[dead.session_id] = RevocationReason.SESSION_REVOKED
        assert await client.end == (4401, RevocationReason.SESSION_REVOKED)
        assert not other.end.done()


async def test_the_check_lets_the_missed_event_come_first(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    check = Check()
    async with running_feed(database, check=check, check_every=SHORT) as feed, another_process(database) as elsewhere:
        leaving = await somebody(database, acme)
        assert leaving.session_id is not None
        client = await watching(feed, leaving)
        await write(elsewhere, acme, revocation(leaving, RevocationReason.PASSWORD_CHANGED), ending())
        check.dead[leaving.session_id] = RevocationReason.PASSWORD_CHANGED
        assert await client.end == (4401, RevocationReason.PASSWORD_CHANGED)
        assert client.heard() == [1]


async def test_who_the_database_says_has_ended_is_retired_after_the_event(
    database: Database, workshop: Workshop
) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed, another_process(database) as elsewhere:
        leaving, token = await somebody(database, acme), await somebody(database, acme, access_token_id=new_id())
        client, other = await watching(feed, leaving), await watching(feed, token)
        await write(elsewhere, acme, ending(), revocation(leaving))
        await feed.retire(client.connection, None)
        await feed.retire(other.connection, None)
        assert await client.end == (4401, RevocationReason.USER_DEACTIVATED)
        assert await other.end == (4401, None)
        assert client.heard() == other.heard() == [1, 2]


async def test_the_check_asks_in_pages_of_one_workspace_and_one_kind(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CHECK_PAGE", 2)
    globex = await Workshop.open(database, "globex")
    check = Check()
    async with running_feed(database, check=check, check_every=SHORT) as feed:
        for workspace_id in (workshop.workspace_id, globex.workspace_id):
            for identity in ({}, {}, {}, {"access_token_id": new_id()}):
                await connect(feed, await somebody(database, workspace_id, **identity))
        check.pages.clear()
        while len(check.pages) < 3 * 6:
            check.called.clear()
            await check.called.wait()
    last = check.pages[-6:]
    assert sorted(len(page) for page in last) == [1, 1, 1, 1, 2, 2]
    assert all(len({_kind(credential) for credential in page}) == 1 for page in last)


def _kind(credential: Credential) -> tuple[object, bool]:
    return credential.workspace_id, credential.session_id is None


async def test_a_process_that_cannot_check_closes_with_1013(database: Database, workshop: Workshop) -> None:
    async with running_feed(database, check=Check(failing=True), check_every=SHORT, blind=3 * SHORT) as feed:
        client = await connect(feed, await somebody(database, workshop.workspace_id))
        assert await client.end == (1013, "Try again later")


async def test_a_check_that_hangs_is_a_check_that_fails(database: Database, workshop: Workshop) -> None:
    class Hanging(Check):
        async def __call__(self, *_: object) -> dict[Credential, RevocationReason]:
            await asyncio.Event().wait()
            return {}

    async with running_feed(database, check=Hanging(), check_every=SHORT, blind=SHORT) as feed:
        for _ in range(2):
            client = await connect(feed, await somebody(database, workshop.workspace_id))
            assert await client.end == (1013, "Try again later")


async def test_checks_that_succeed_keep_connections_open(database: Database, workshop: Workshop) -> None:
    """Red when a successful check does not count."""
    check = Check()
    async with running_feed(database, check=check, check_every=SHORT, blind=4 * SHORT) as feed:
        client = await connect(feed, await somebody(database, workshop.workspace_id))
        while len(check.pages) < 8:
            check.called.clear()
            await check.called.wait()
        assert not client.end.done()
