"""What is noted down of a subscription that is over: once, how many events it was told, and why."""

import asyncio

import pytest

from models.database import Database
from models.enums import RevocationReason
from offboard.feed import Audience, Following
from offboard.feed.connection import Connection
from tests.offboard.feed.stage import (
    CHANGES,
    ENDINGS,
    Client,
    Positions,
    change,
    connect,
    ending,
    revocation,
    roles_changed,
    running_feed,
    somebody,
    state,
    write,
)
from tests.waiting import until
from tests.workshop import Workshop

pytestmark = pytest.mark.only_on("sqlite")


async def test_the_client_completes_it_goes_away_or_is_signed_out(database: Database, workshop: Workshop) -> None:
    """Red when an ending is not noted, is noted twice, or a reason is that of another way to end."""
    acme, answers = workshop.workspace_id, Positions()
    audience = Audience(answers)
    async with running_feed(database) as feed:
        completing, going, leaving, staying = [await connect(feed, await somebody(database, acme)) for _ in range(4)]
        for client in (completing, going, leaving, staying):
            client.follow(ENDINGS, audience=audience)
        await write(database, acme, ending())
        for client in (completing, going, leaving, staying):
            await client.hear(1)
        feed.unfollow(completing.connection, "1")
        feed.detach(going.connection)
        await write(database, acme, revocation(leaving.connection.identity))  # type: ignore[arg-type]
        await leaving.end
        feed.detach(leaving.connection)
        feed.unfollow(completing.connection, "1")
        for client in (completing, going, leaving):
            feed.detach(client.connection)
        await staying.hear(2)
    feed.detach(staying.connection)
    assert answers.endings == [
        (completing.connection.identity, 1, "COMPLETED"),
        (going.connection.identity, 1, "DISCONNECTED"),
        (leaving.connection.identity, 2, RevocationReason.USER_DEACTIVATED),
        (staying.connection.identity, 2, "CLOSED"),
    ]


async def test_one_that_is_not_served_in_time(database: Database, workshop: Workshop) -> None:
    answers = Positions()
    answers.hold = asyncio.Event()
    async with running_feed(database, queue_limit=2) as feed:
        client = await connect(feed, await somebody(database, workshop.workspace_id))
        client.follow(audience=Audience(answers))
        await write(database, workshop.workspace_id, *(change() for _ in range(4)))
        assert await client.end == "aborted"
        feed.detach(client.connection)
    assert answers.endings == [(client.connection.identity, 0, "TOO_SLOW")]


async def test_with_other_rights_it_is_still_the_same(database: Database, workshop: Workshop) -> None:
    """Red when new rights begin the count anew, or are noted as an end."""

    async def renew(of: Positions, connection: Connection, after: int) -> Following:
        checked = (await state(database, workshop.workspace_id)).position
        return Following(Audience(of), CHANGES, after, checked)

    answers = Positions(renewal=renew)
    async with running_feed(database) as feed:
        person = await somebody(database, workshop.workspace_id)
        client: Client = await connect(feed, person)
        client.follow(audience=Audience(answers))
        began = client.connection.subscriptions["1"].began
        first = client.connection.subscriptions["1"]
        await write(database, workshop.workspace_id, change(), roles_changed(person))
        await until(lambda: client.connection.subscriptions["1"] is not first)
        await write(database, workshop.workspace_id, change())
        await client.hear(3)
        assert client.connection.subscriptions["1"].began == began
        feed.unfollow(client.connection, "1")
    assert answers.endings == [(person, 3, "COMPLETED")]
