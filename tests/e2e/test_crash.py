"""What survives a crash: everything that was answered, and everything that was due."""

import asyncio
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import update

from models.database import table
from models.enums import ConversationStatus
from models.leaving import ScheduledDeparture
from models.people import MailedLink
from models.types import now
from models.work import Conversation
from tests.e2e.callers import Caller, deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.mail import mailed_token
from tests.e2e.office import PASSWORD, Office
from tests.e2e.sockets import USER_CHANGED, closing_of, socket_of
from tests.waiting import eventually

ROUNDS = 3
CONVERSATION = table(Conversation)
DEPARTURE = table(ScheduledDeparture)
LINK = table(MailedLink)


async def test_a_deactivation_that_was_answered_is_true_after_a_crash(
    new_server: NewServer, http: httpx.AsyncClient
) -> None:
    server = new_server().start()
    office = await Office.open(server, http)
    for number in range(ROUNDS):
        ana = await office.hire(f"Ana{number}")
        after = await office.olivia.feed_position()
        assert (await deactivate(office.olivia, ana.id))["revokedSessions"] == 1
        server.crash()
        server.start()
        assert await ana.why_out() == "USER_DEACTIVATED"
        assert await closing_of(ana) == (4401, "USER_DEACTIVATED")
        async with socket_of(office.olivia) as socket:
            await socket.watch("WORKSPACE", after)
            event = await socket.event()
            assert (event["sessionId"], event["reason"]) == (ana.session_id, "USER_DEACTIVATED")
            await socket.watch("WORKSPACE", event["cursor"], id="later")
            await socket.subscribe(USER_CHANGED, "users", after=after)
            assert (await socket.event("users"))["kind"] == "DEACTIVATED"
            await socket.settle()
            # Nothing is told twice: the next event after that cursor is a new one.
            await (await office.sign_in("Olivia")).ask("mutation { signOut { signedOut } }")
            told = {message["id"]: message for message in [await socket.hear(), await socket.hear()]}
            assert {each["payload"]["data"]["sessionRevoked"]["reason"] for each in told.values()} == {"SIGNED_OUT"}
            assert set(told) == {"1", "later"}


async def test_a_snooze_that_fell_due_while_the_server_was_down_wakes(
    new_server: NewServer, http: httpx.AsyncClient
) -> None:
    server = new_server().start()
    olivia = await Caller(http, server.url).sign_in("demo", "olivia@demo.test", "demo-password")
    page = "{ inbox(filter: {status: [SNOOZED]}, first: 100) { edges { node { id assignee { status } } } } }"
    snoozed = [edge["node"] for edge in (await olivia.ask(page))["edges"]]
    of_somebody_gone = next(each["id"] for each in snoozed if each["assignee"] == {"status": "INACTIVE"})
    server.crash()
    snoozed_rows = update(CONVERSATION).where(CONVERSATION.c.status == ConversationStatus.SNOOZED)
    await server.change(snoozed_rows.values(snoozed_until=a_second_ago()))
    server.start()

    async def awake() -> Any:
        query = "query($id: ID!) { conversation(id: $id) { status snoozedUntil assignee { status } } }"
        found = await olivia.ask(query, id=of_somebody_gone)
        return None if found["status"] == "SNOOZED" else found

    assert await eventually(awake) == {"status": "OPEN", "snoozedUntil": None, "assignee": {"status": "INACTIVE"}}


async def test_a_departure_that_fell_due_while_the_server_was_down_is_done(
    new_server: NewServer, http: httpx.AsyncClient
) -> None:
    server = new_server().start()
    office = await Office.open(server, http)
    ana = await office.hire("Ana")
    planned = await office.olivia.do(
        """mutation($id: ID!, $at: DateTime!) { scheduleDeparture(input: {userId: $id, at: $at}) {
          errors { code } departure { state }
        } }""",
        id=ana.id,
        at=(now() + timedelta(days=1)).isoformat(),
    )
    assert planned["departure"] == {"state": "PLANNED"}
    server.crash()
    await server.change(update(DEPARTURE).values(at=a_second_ago(), due_at=a_second_ago()))
    server.start()

    async def is_out() -> Any:
        query = (
            "query($id: ID!) { user(id: $id) { status scheduledDeparture { id } deactivation { by { displayName } } } }"
        )
        found = await office.olivia.ask(query, id=ana.id)
        return found if found["status"] == "INACTIVE" else None

    assert await eventually(is_out) == {
        "status": "INACTIVE",
        "scheduledDeparture": None,
        "deactivation": {"by": {"displayName": "Offboard"}},
    }
    assert await ana.why_out() == "USER_DEACTIVATED"


async def test_a_mail_that_was_on_its_way_at_a_crash_is_delivered(
    new_server: NewServer, http: httpx.AsyncClient
) -> None:
    async with await asyncio.start_server(silence, "127.0.0.1") as post_office:
        port = post_office.sockets[0].getsockname()[1]
        server = new_server().start(MAIL_URL=f"smtp://127.0.0.1:{port}")
        office = await Office.open(server, http)
        invited = await office.olivia.do(
            """mutation($email: String!) { inviteUser(input: {email: $email, name: "Nia", roles: [AGENT]}) {
              errors { code } user { invitationPending }
            } }""",
            email=office.email("Nia"),
        )
        assert invited["user"] == {"invitationPending": True}
        server.crash()
    assert not list(server.folder.glob("mail/*"))
    await server.change(update(LINK).where(LINK.c.mail_due_at.is_not(None)).values(mail_due_at=a_second_ago()))
    server.start()
    token = await mailed_token(server.folder, office.email("Nia"))
    accepted = await office.visitor.do(
        """mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
          errors { code message } user { name invitationPending }
        } }""",
        input={"token": token, "password": PASSWORD},
    )
    assert accepted["user"] == {"name": "Nia", "invitationPending": False}


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A mail server that takes a connection and never says a word."""
    with closing(writer):
        await reader.read()


def a_second_ago() -> datetime:
    return now() - timedelta(seconds=1)
