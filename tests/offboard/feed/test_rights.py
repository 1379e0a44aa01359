"""What becomes of subscriptions when the rights of who holds them change: order kept, nothing lost, nothing leaked."""

import asyncio
from dataclasses import dataclass, field

import pytest
from sqlalchemy import delete

from models import events
from models.database import Database
from models.enums import RevocationReason
from models.events import Topic
from models.types import new_id
from offboard.feed import Audience, Connection, Following, OperationFailed, Unauthorized
from tests.offboard.feed.stage import (
    CHANGES,
    ENDINGS,
    EXPIRED_CURSOR,
    NOT_ALLOWED,
    Client,
    Positions,
    another_process,
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


@dataclass
class Rights:
    """What a renewal comes to: the next of `outcomes` (an audience, or what is raised), else the last one again.

    While `open` is not set, a renewal that has looked waits before it says what it has seen.
    """

    database: Database
    outcomes: list[Audience | Exception]
    topic: Topic = CHANGES
    asked: list[int] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def __call__(self, _answers: Positions, connection: Connection, after: int) -> Following:
        checked = (await state(self.database, connection.identity.workspace_id)).position
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        self.asked.append(after)
        self.called.set()
        await self.open.wait()
        if isinstance(outcome, Exception):
            raise outcome
        return Following(outcome, self.topic, after, checked)


def renewing(rights: Rights, name: str = "") -> Audience:
    return Audience(Positions(name, renewal=rights))


def told(client: Client, id: str = "1") -> list[str]:
    return [payload.decode().strip() for payload in client.told[id]]


async def settled(client: Client, how_many: int, id: str = "1") -> list[str]:
    """What an operation was told, once it was told so often and nothing more is owed."""
    await until(lambda: len(client.told[id]) >= how_many and not client.connection.owed)
    return told(client, id)


async def test_events_are_told_with_the_rights_of_their_time(database: Database, workshop: Workshop) -> None:
    """Red when the subscription stays in its audience."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client = await connect(feed, ana)
        rights = Rights(database, [Audience(Positions("new "))])
        client.follow(audience=renewing(rights, "old "))
        client.follow(id="2", audience=renewing(rights, "old "))
        await write(database, acme, change())
        assert await settled(client, 1) == await settled(client, 1, "2") == ["old 1"]
        await write(database, acme, roles_changed(ana), change())
        assert await settled(client, 3) == await settled(client, 3, "2") == ["old 1", "new 2", "new 3"]
        await write(database, acme, change())
        assert await settled(client, 4) == ["old 1", "new 2", "new 3", "new 4"]


async def test_the_roles_of_others_change_nothing(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        client = await connect(feed, await somebody(database, acme))
        partner = await connect(feed, await somebody(database, acme, access_token_id=new_id()))
        rights = Rights(database, [LookupError()])
        client.follow(audience=renewing(rights))
        partner.follow(audience=renewing(rights))
        await write(database, acme, roles_changed(await somebody(database, acme)), change())
        assert await client.hear(2) == await partner.hear(2) == [1, 2]
    assert rights.asked == []


async def test_events_on_their_way_are_told_again_with_the_new_rights_and_in_order(
    database: Database, workshop: Workshop
) -> None:
    """Red when what an audience has begun to answer is told after the rights have changed, or is lost."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client, witness = await connect(feed, ana), await connect(feed, await somebody(database, acme))
        witness.follow()
        rights = Rights(database, [Audience(Positions("new "))])
        slow = Positions("old ", renewal=rights)
        slow.hold = asyncio.Event()
        client.follow(audience=Audience(slow))
        await write(database, acme, change(), change(), roles_changed(ana), change())
        await witness.hear(4)
        await until(lambda: len(told(client)) == 4)
        assert told(client) == ["new 1", "new 2", "new 3", "new 4"]
        slow.hold.set()
        await write(database, acme, change())
        assert await settled(client, 5) == ["new 1", "new 2", "new 3", "new 4", "new 5"]
    assert rights.asked == [0]


async def test_a_lost_right_ends_the_subscription_that_needed_it(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client = await connect(feed, ana)
        client.follow(audience=renewing(Rights(database, [OperationFailed(NOT_ALLOWED)])))
        client.follow(ENDINGS, id="2", audience=renewing(Rights(database, [Audience(Positions())], ENDINGS)))
        await write(database, acme, change(), roles_changed(ana), change(), ending())
        assert await client.failure() == NOT_ALLOWED
        assert await client.hear(1, "2") == [4]
        assert client.heard() in ([], [1])
        client.follow(id="1", checked=4)
        await write(database, acme, change())
        await until(lambda: 5 in client.heard())
    assert list(client.failed) == ["1"]


async def test_who_has_been_signed_out_meanwhile_is_closed(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client = await connect(feed, ana)
        client.follow(audience=renewing(Rights(database, [Unauthorized(RevocationReason.SIGNED_OUT)])))
        await write(database, acme, roles_changed(ana))
        assert await client.end == (4401, RevocationReason.SIGNED_OUT)
        assert not client.failed


async def test_rights_that_cannot_be_checked_are_none(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client = await connect(feed, ana)
        client.follow(audience=renewing(Rights(database, [ConnectionError("no database")])))
        client.follow(ENDINGS, id="2")
        await write(database, acme, roles_changed(ana), change(), ending())
        assert await client.failure() is None
        assert client.heard() == []


async def test_rights_that_changed_between_check_and_following_are_checked_again(
    database: Database, workshop: Workshop
) -> None:
    """Red when only the events after the cursor that belong to the topic are read again."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        witness = await connect(feed, await somebody(database, acme))
        witness.follow()
        await write(database, acme, roles_changed(ana))
        await witness.hear(1)
        client = await connect(feed, ana)
        client.follow(ENDINGS, audience=renewing(Rights(database, [OperationFailed(NOT_ALLOWED)])))
        assert await client.failure() == NOT_ALLOWED


async def test_rights_that_changed_before_the_check_are_not_checked_again(
    database: Database, workshop: Workshop
) -> None:
    """Red when a client that resumes over its own role changes renews for each of them."""
    acme = workshop.workspace_id
    ana = await somebody(database, acme)
    await write(database, acme, change(), roles_changed(ana), change())
    async with running_feed(database) as feed:
        again = await somebody(database, acme, user_id=ana.user_id)
        client = await connect(feed, again)
        rights = Rights(database, [LookupError()])
        client.follow(after=0, audience=renewing(rights))
        assert await client.hear(3) == [1, 2, 3]
    assert rights.asked == []


@pytest.mark.parametrize("stuck", [False, True])
async def test_rights_that_change_while_catching_up(database: Database, workshop: Workshop, stuck: bool) -> None:
    """Red when a renewal forgets what was not told yet, or when the old catch-up goes on beside it."""
    acme = workshop.workspace_id
    await write(database, acme, change(), change(), change())
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client, witness = await connect(feed, ana), await connect(feed, await somebody(database, acme))
        witness.follow()
        rights = Rights(database, [Audience(Positions("new "))])
        slow = Positions("old ", renewal=rights)
        slow.hold = asyncio.Event()
        if stuck:
            client.reads.clear()
        client.follow(after=0, audience=Audience(slow))
        await write(database, acme, change(), roles_changed(ana), change())
        await witness.hear(3)
        slow.hold.set()
        client.reads.set()
        assert await settled(client, 6) == [f"new {position}" for position in range(1, 7)]
        await write(database, acme, change())
        assert (await settled(client, 7))[6:] == ["new 7"]


async def test_rights_that_change_again_while_they_are_checked(database: Database, workshop: Workshop) -> None:
    """Red when the first answer is trusted, or when each change tells the events once more."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client, witness = await connect(feed, ana), await connect(feed, await somebody(database, acme))
        witness.follow()
        rights = Rights(database, [])
        rights.outcomes = [Audience(Positions(name, renewal=rights)) for name in ("first ", "second ")]
        client.follow(audience=renewing(rights, "old "))
        rights.open.clear()
        await write(database, acme, change(), roles_changed(ana))
        await rights.called.wait()
        await write(database, acme, change(), roles_changed(ana), change())
        await witness.hear(5)
        rights.open.set()
        assert (await settled(client, 5))[1:] == ["first 2", "first 3", "second 4", "second 5"]


async def test_completing_while_the_rights_are_checked_frees_the_id(database: Database, workshop: Workshop) -> None:
    """Red when the renewal takes the place of a later operation with the same id."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client, witness = await connect(feed, ana), await connect(feed, await somebody(database, acme))
        witness.follow()
        for outcome in (Audience(Positions("9")), OperationFailed(NOT_ALLOWED), LookupError()):
            rights = Rights(database, [outcome])
            client.follow(audience=renewing(rights), checked=(await state(database, acme)).position)
            rights.open.clear()
            await write(database, acme, roles_changed(ana))
            await rights.called.wait()
            feed.unfollow(client.connection, "1")
            client.told.clear()
            position = (await state(database, acme)).position
            client.follow(ENDINGS, checked=position)
            rights.open.set()
            before = len(witness.heard())
            await write(database, acme, ending(), change())
            await witness.hear(before + 1)
            assert await client.hear(1) == [position + 1]
            assert not client.failed
            feed.unfollow(client.connection, "1")


async def test_ones_own_sessions_need_no_rights(database: Database, workshop: Workshop) -> None:
    """Red when they are renewed: who loses a role and is signed out at once would not be told the last event."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed, another_process(database) as elsewhere:
        ana = await somebody(database, acme)
        client = await connect(feed, ana)
        rights = Rights(database, [Unauthorized(RevocationReason.USER_DEACTIVATED)])
        client.follow(Topic(ENDINGS.kind, session_id=ana.session_id), audience=renewing(rights))
        client.follow(Topic(ENDINGS.kind, user_id=ana.user_id), id="2", audience=renewing(rights))
        tablet = await somebody(database, acme, user_id=ana.user_id)
        await write(elsewhere, acme, revocation(tablet), roles_changed(ana), revocation(ana))
        await write(database, acme, ending())
        assert await client.end == (4401, RevocationReason.USER_DEACTIVATED)
        assert (client.heard(), client.heard("2")) == ([3], [1, 3])
    assert rights.asked == []


async def test_what_has_been_pruned_since_the_last_event_of_a_topic_is_not_asked_for(
    database: Database, workshop: Workshop
) -> None:
    """Red when a subscription that was told nothing for a week is read for from where it began."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client, witness = await connect(feed, ana), await connect(feed, await somebody(database, acme))
        witness.follow()
        rights = Rights(database, [Audience(Positions())], ENDINGS)
        client.follow(ENDINGS, audience=renewing(rights))
        await write(database, acme, *(change() for _ in range(5)))
        await witness.hear(5)
        async with database.begin() as tx:
            await tx.run(delete(events.EVENT))
        await write(database, acme, roles_changed(ana), ending())
        assert await client.hear(1) == [7]
    assert rights.asked == [5]


async def test_a_cursor_that_expires_while_rights_are_checked_is_told(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        ana = await somebody(database, acme)
        client = await connect(feed, ana)
        rights = Rights(database, [Audience(Positions())])
        client.follow(audience=renewing(rights))
        rights.open.clear()
        await write(database, acme, roles_changed(ana))
        await rights.called.wait()
        async with database.begin() as tx:
            await tx.run(delete(events.EVENT))
        rights.open.set()
        assert await client.failure() == EXPIRED_CURSOR


async def test_leaving_while_the_rights_are_checked_leaves_nothing(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        idle = len(asyncio.all_tasks())
        ana = await somebody(database, acme)
        client = await connect(feed, ana)
        rights = Rights(database, [Audience(Positions())])
        client.follow(audience=renewing(rights))
        rights.open.clear()
        await write(database, acme, roles_changed(ana))
        await rights.called.wait()
        feed.detach(client.connection)
        rights.open.set()
        await until(lambda: len(asyncio.all_tasks()) <= idle)
        assert feed.workspaces == 0
        assert client.heard() == []
        assert not client.failed
