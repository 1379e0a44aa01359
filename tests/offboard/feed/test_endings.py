"""How a connection ends by an event, and by expiry."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from models import events
from models.database import Database
from models.enums import RevocationReason
from models.events import Topic
from models.types import new_id, now
from offboard.feed import Audience, Following
from offboard.feed.hub import Hub
from tests.offboard.feed.conftest import SHORT
from tests.offboard.feed.stage import (
    ENDINGS,
    NEVER,
    Client,
    Positions,
    another_process,
    connect,
    ending,
    revocation,
    running_feed,
    somebody,
    watching,
    write,
)
from tests.waiting import until
from tests.workshop import Workshop

DEACTIVATED = (4401, RevocationReason.USER_DEACTIVATED)


async def test_a_revocation_is_the_last_thing_a_connection_hears(database: Database, workshop: Workshop) -> None:
    """Red when hub.deliver lets a connection stay until a later step."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        leaving = await somebody(database, acme)
        client, other = await watching(feed, leaving), await watching(feed, await somebody(database, acme))
        await write(database, acme, ending(), revocation(leaving), ending())
        await write(database, acme, ending())
        assert await client.end == DEACTIVATED
        assert await other.hear(4) == [1, 2, 3, 4]
        assert client.heard() == [1, 2]
        assert not other.end.done()


async def test_a_slow_answer_is_waited_for_and_nothing_later_gets_out(database: Database, workshop: Workshop) -> None:
    """Red when the connection ends without what its audience still owes it."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        leaving = await somebody(database, acme)
        client, witness = await connect(feed, leaving), await watching(feed, await somebody(database, acme))
        answers = Positions()
        answers.hold = asyncio.Event()
        client.follow(ENDINGS, audience=Audience(answers))
        client.follow(Topic(ENDINGS.kind, session_id=leaving.session_id), id="2")
        await write(database, acme, ending(), revocation(leaving), ending())
        assert await witness.hear(3) == [1, 2, 3]
        assert await client.hear(1, "2") == [2]
        assert not client.end.done()
        assert client.heard() == []
        answers.hold.set()
        assert await client.end == DEACTIVATED
        assert client.heard() == [1, 2]


async def test_a_history_ends_with_the_revocation(database: Database, workshop: Workshop) -> None:
    """Red when what is collected behind a catch-up is not owed, or goes on after the revocation."""
    acme = workshop.workspace_id
    await write(database, acme, ending(), ending())
    async with running_feed(database) as feed:
        leaving = await somebody(database, acme)
        client, witness = await connect(feed, leaving), await watching(feed, await somebody(database, acme))
        client.reads.clear()
        client.follow(ENDINGS, 0)
        await write(database, acme, ending(), revocation(leaving), ending())
        await witness.hear(3)
        assert not client.end.done()
        client.reads.set()
        assert await client.end == DEACTIVATED
        assert client.heard() == [1, 2, 3, 4]


async def test_who_is_signed_out_is_told_before_the_others(database: Database, workshop: Workshop) -> None:
    """Red when a thousand others are served first."""
    acme, order = workshop.workspace_id, list[str]()
    async with running_feed(database) as feed:
        leaving, audience = await somebody(database, acme), Audience(Positions())
        people = [leaving, *[await somebody(database, acme) for _ in range(5)]]
        clients = [await connect(feed, each) for each in reversed(people)]
        for number, client in enumerate(clients):
            client.follow(ENDINGS, audience=audience, id=str(number))
            client.next = lambda operation_id, _payload: order.append(operation_id)  # type: ignore[method-assign]
        await write(database, acme, revocation(leaving))
        assert await clients[-1].end == DEACTIVATED
    assert order[0] == "5"


async def test_who_is_signed_out_is_closed_before_anybody_else_is_told(database: Database, workshop: Workshop) -> None:
    """Red when one step of the event loop serves both."""
    acme, order = workshop.workspace_id, list[str]()
    async with running_feed(database) as feed:
        leaving, other = [await connect(feed, await somebody(database, acme)) for _ in range(2)]
        leaving.follow(ENDINGS)
        other.follow(ENDINGS)
        other.next = lambda *_: order.append("told")  # type: ignore[method-assign]
        leaving.end.add_done_callback(lambda _: order.append("closed"))
        await write(database, acme, revocation(leaving.connection.identity))  # type: ignore[arg-type]
        await until(lambda: len(order) == 2)
    assert order == ["closed", "told"]
    assert leaving.heard() == [1]


async def test_who_comes_while_somebody_is_closed_is_told_and_closed_like_the_others(
    database: Database, workshop: Workshop
) -> None:
    """Red when whoever is closed first is all who is closed."""
    ana = await somebody(database, workshop.workspace_id)
    event = replace(revocation(ana), workspace_id=ana.workspace_id, position=1)
    async with running_feed(database) as feed:
        hub = Hub(10, lambda _: None)
        hub.attach(Client(feed, await somebody(database, workshop.workspace_id)).connection)
        clients = [Client(feed, ana) for _ in range(3)]
        channel = hub.attach(clients[0].connection)
        assert hub.end_first(channel, event)
        assert not hub.end_first(channel, event)
        for client in clients[1:]:
            hub.attach(client.connection)
        audience = Audience(Positions())
        hub.subscribe(clients[1].connection, "1", Following(audience, ENDINGS, 0, 0))
        hub.deliver(channel, event)
        assert [await client.end for client in clients] == [DEACTIVATED] * 3
        assert [client.heard() for client in clients] == [[], [1], []]


async def test_one_session_ends_and_every_socket_of_it(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        phone = await somebody(database, acme)
        laptop = await somebody(database, acme, user_id=phone.user_id)
        clients = [await connect(feed, each) for each in (phone, phone, laptop)]
        await write(database, acme, revocation(phone, RevocationReason.SIGNED_OUT))
        assert await clients[0].end == await clients[1].end == (4401, RevocationReason.SIGNED_OUT)
        assert not clients[2].end.done()


async def test_a_revoked_access_token_closes_its_sockets(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        partner = await somebody(database, acme, access_token_id=new_id())
        client = await watching(feed, partner)
        assert partner.access_token_id is not None
        await write(database, acme, ending(), events.token_revoked(partner.access_token_id), ending())
        assert await client.end == (4401, RevocationReason.TOKEN_REVOKED)
        assert client.heard() == [1]


async def test_a_revocation_between_check_and_attach_closes_a_newcomer_to_a_passed_channel(
    database: Database, workshop: Workshop
) -> None:
    """Red without Relay.reread."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        first = await watching(feed, await somebody(database, acme))
        late = await somebody(database, acme)
        await write(database, acme, ending(), revocation(late), ending())
        await first.hear(3)
        client = await connect(feed, late)
        assert not client.connection.attached
        assert await client.end == DEACTIVATED


async def test_a_revocation_between_check_and_attach_closes_the_first_of_a_workspace(
    database: Database, workshop: Workshop
) -> None:
    """Red when a new channel starts at the last row, or waits for a hint."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        late = await somebody(database, acme)
        await write(database, acme, revocation(late))
        client = await connect(feed, late)
        assert await client.end == DEACTIVATED


async def test_a_newcomer_who_was_not_revoked_stays(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        early = await somebody(database, acme)
        first = await watching(feed, await somebody(database, acme))
        await write(database, acme, ending())
        await first.hear(1)
        client = await connect(feed, early)
        assert client.connection.attached


async def test_a_detached_connection_is_forgotten(database: Database, workshop: Workshop) -> None:
    acme = workshop.workspace_id
    async with running_feed(database) as feed:
        guest = await somebody(database, acme, expires_at=now())
        client = await watching(feed, guest)
        feed.detach(client.connection)
        feed.detach(client.connection)
        assert feed.workspaces == 0
        witness = await watching(feed, await somebody(database, acme))
        await write(database, acme, revocation(guest))
        await witness.hear(1)
        assert client.heard() == []
        assert not client.end.done()


async def test_a_channel_that_everybody_has_left_ends_nobody_in_its_successor(
    database: Database, workshop: Workshop
) -> None:
    """Red when it ends who holds the credential today: the new channel has yet to tell them the last event."""
    hub = Hub(10, lambda _subscription: None)
    ana = await somebody(database, workshop.workspace_id)
    async with running_feed(database) as feed:
        before, after = Client(feed, ana), Client(feed, ana)
        left = hub.attach(before.connection)
        hub.detach(before.connection)
        hub.attach(after.connection)
        hub.deliver(left, replace(revocation(ana), workspace_id=ana.workspace_id, position=1))
        assert after.connection.attached


# ---------------------------------------------------------------- expiry


async def test_expiry_closes_at_its_time(database: Database, workshop: Workshop) -> None:
    async with running_feed(database) as feed:
        expires_at = now() + timedelta(seconds=SHORT)
        client = await connect(feed, await somebody(database, workshop.workspace_id, expires_at=expires_at))
        assert await client.end == (4401, RevocationReason.EXPIRED)
        assert now() >= expires_at


async def test_the_event_of_an_expired_session_comes_before_the_close(database: Database, workshop: Workshop) -> None:
    """Red when a connection expires without reading on."""
    acme = workshop.workspace_id
    async with running_feed(database) as feed, another_process(database) as elsewhere:
        await connect(feed, await somebody(database, acme))
        guest = await somebody(database, acme, expires_at=now())
        await write(elsewhere, acme, revocation(guest, RevocationReason.EXPIRED))
        client = await watching(feed, guest)
        assert await client.end == (4401, RevocationReason.EXPIRED)
        assert client.heard() == [1]


async def test_an_access_token_has_no_event_to_wait_for(database: Database, workshop: Workshop) -> None:
    async with running_feed(database, expiry=NEVER) as feed:
        partner = await somebody(database, workshop.workspace_id, access_token_id=new_id(), expires_at=now())
        client = await connect(feed, partner)
        assert await client.end == (4401, RevocationReason.EXPIRED)


async def test_only_who_expires_before_the_next_checks_has_a_timer(database: Database, workshop: Workshop) -> None:
    """Red when each of thousands of connections has one, or when nobody gets one later."""
    acme = workshop.workspace_id

    async def guest(expires_in: float | None) -> tuple[Client, bool]:
        expires_at = None if expires_in is None else now() + timedelta(seconds=expires_in)
        client = await connect(feed, await somebody(database, acme, expires_at=expires_at))
        return client, client.connection.expiry is not None

    async with running_feed(database, check_every=SHORT) as feed:
        clients, timed = zip(*[await guest(each) for each in (NEVER, None, 8 * SHORT, SHORT)], strict=True)
        assert timed == (False, False, False, True)
        for client in clients[2:]:
            assert await client.end == (4401, RevocationReason.EXPIRED)
        assert [client.connection.expiry for client in clients[:2]] == [None, None]
