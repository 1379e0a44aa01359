"""The libraries that apps use, against the real schema: reading, a refusal, and hearing that a session has ended."""

import pytest

from tests.e2e.callers import deactivate
from tests.e2e.node import running
from tests.e2e.office import Office


@pytest.mark.parametrize("library", ["apollo", "urql", "graphql-request"])
async def test_a_library_reads_is_refused_and_hears_of_its_end(office: Office, node: str, library: str) -> None:
    ana = await office.hire("Ana")
    async with running(node, "libraries.js", library, ana.url, str(ana.token)) as script:
        read = await script.next("read")
        assert (read["viewer"]["id"], read["viewer"]["name"]) == (ana.id, "Ana")
        assert read["users"]["totalCount"] > 0
        assert (await script.next("refused"))["code"] == "INVALID_INPUT"
        if library == "graphql-request":
            await script.end()
            return
        await script.next("following")
        assert await deactivate(office.olivia, ana.id) == {"revokedSessions": 1, "errors": []}
        heard = await script.next("heard")
        assert (heard["sessionId"], heard["reason"]) == (ana.session_id, "USER_DEACTIVATED")
        await script.next("ended")


async def test_relay_pages_refetches_deactivates_and_hears_of_it(office: Office, node: str) -> None:
    ana = await office.hire("Ana")
    await office.hire("Ben")
    async with running(node, "relay/run.js", office.olivia.url, str(office.olivia.token), ana.id) as script:
        await script.end()
    person = {"id": ana.id, "name": "Ana"}
    assert script.lines == [
        {"event": "page", "names": ["Ana", "Ben"], "total": 3},
        {"event": "page", "names": ["Ana", "Ben", "Olivia"], "total": 3},
        {"event": "refetched", **person, "status": "ACTIVE"},
        {"event": "deactivated", "revokedSessions": 1, "errors": [], **person, "status": "INACTIVE"},
        {"event": "heard", "userId": ana.id, "reason": "USER_DEACTIVATED"},
    ]
