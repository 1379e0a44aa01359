"""Mail: what it says, how it goes out, and that a crash never loses one."""

import asyncio
import email
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP
from structlog.testing import capture_logs

from models.database import Database
from models.enums import ActorKind, LinkKind, Role
from models.people import Actor, MailedLink, User
from models.types import now
from offboard.mail import Mailer, mailer, open_transport
from offboard.mail.templates import Letter, compose, in_words
from offboard.mail.transports import ConsoleTransport, FileTransport, SmtpTransport
from resolvers.invitations import invite_user
from resolvers.resets import request_password_reset
from resolvers.viewer import digest
from tests.workshop import Workshop

SENDER = "Offboard <offboard@acme.test>"


class Outbox:
    """A transport that keeps what it gets; `failures` are raised first, one a mail."""

    def __init__(self, *failures: BaseException) -> None:
        self.mails: list[EmailMessage] = []
        self.failures = list(failures)
        self.sent = asyncio.Event()

    async def send(self, message: EmailMessage) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(message)
        self.sent.set()


def texts(message: Any) -> tuple[str, str]:
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


def token_in(message: EmailMessage, page: str = "invitation") -> str:
    plain, html = texts(message)
    link = next(line for line in plain.splitlines() if line.startswith("https://"))
    assert f'href="{link}"' in html
    start = f"https://inbox.acme.test/{page}?token="
    assert link.startswith(start)
    return link.removeprefix(start)


def letter(**changed: Any) -> Letter:
    words: dict[str, Any] = {
        "kind": LinkKind.INVITATION,
        "email": "nel@acme.test",
        "name": "Nel New",
        "workspace": "Acme",
        "url": "https://inbox.acme.test/invitation?token=obl_x",
        "lifetime": timedelta(days=7),
        "invited_by": "Olivia Owens",
    }
    return Letter(**(words | changed))


def new_mailer(database: Database, transport: Any) -> Mailer:
    return Mailer(database, transport, public_url="https://inbox.acme.test/", sender=SENDER)


async def invite(workshop: Workshop, address: str = "nel@acme.test") -> UUID:
    invited = await workshop.database.transact(
        lambda tx: invite_user(
            tx,
            workshop.olivia.viewer,
            email=address,
            name="Nel New",
            roles=[Role.AGENT],
            team_ids=[],
            lifetime=timedelta(days=7),
        )
    )
    return invited.user_id


async def make_due(workshop: Workshop) -> MailedLink:
    """Let the time until the next attempt pass."""
    link: MailedLink = await workshop.load(MailedLink)
    assert link.mail_due_at is not None
    assert link.mail_due_at > now()
    await workshop.change(MailedLink, link.id, mail_due_at=now())
    return link


def test_an_invitation_says_who_where_and_how_long() -> None:
    mail = compose(letter(), SENDER)
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "nel@acme.test", "Your invitation to Acme")
    assert mail["Message-ID"].endswith("@acme.test>")
    assert mail["Date"]
    for text in texts(mail):
        assert "Hello Nel New" in text
        assert "Olivia Owens invites you to the workspace Acme." in text
        assert "works once, for 7 days." in text
    assert b"\nhttps://inbox.acme.test/invitation?token=obl_x\n" in mail.as_bytes()
    assert "you are invited to the workspace Acme." in texts(compose(letter(invited_by=None), SENDER))[0]


def test_a_reset_says_what_it_does() -> None:
    mail = compose(letter(kind=LinkKind.PASSWORD_RESET, lifetime=timedelta(hours=1), invited_by=None), SENDER)
    assert mail["Subject"] == "Reset your password for Acme"
    assert all("for 1 hour." in text and "every device" in text for text in texts(mail))


def test_names_can_do_no_harm() -> None:
    mail = compose(letter(name="<b>Nel</b>", workspace="Caf\u00e9\r\nBcc: all@acme.test", invited_by='"&'), SENDER)
    plain, html = texts(mail)
    assert mail["Subject"] == "Your invitation to Caf\u00e9 Bcc: all@acme.test"
    assert mail["Bcc"] is None
    assert "<b>Nel</b>" in plain
    assert "<b>" not in html
    assert "&lt;b&gt;Nel" in html
    assert "&quot;&amp; invites" in html
    assert texts(email.message_from_bytes(mail.as_bytes(), policy=default)) == (plain, html)


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=1), "1 minute"),
    ],
)
def test_lifetimes_are_said_in_words(lifetime: timedelta, words: str) -> None:
    assert in_words(lifetime) == words


async def test_the_console_shows_the_link(capsys: pytest.CaptureFixture[str]) -> None:
    transport = open_transport("console:")
    assert isinstance(transport, ConsoleTransport)
    await transport.send(compose(letter(), SENDER))
    shown = capsys.readouterr().out
    assert "mail to nel@acme.test: Your invitation to Acme" in shown
    assert "https://inbox.acme.test/invitation?token=obl_x\n" in shown


@pytest.mark.parametrize("form", ["file:{}", "file://{}"])
async def test_files_hold_one_mail_each(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "out" / "mail"
    transport = open_transport(form.format(folder))
    addresses = ["nel@acme.test", "n\u00e9l@acme.test"]
    for address in addresses:
        await transport.send(compose(letter(email=address, workspace="Caf\u00e9"), SENDER))
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    mails = [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]
    assert mails[0]["To"] == addresses[0]
    assert mails[0]["Subject"] == "Your invitation to Caf\u00e9"
    assert addresses[1].encode() in files[1].read_bytes()


def test_a_relative_folder_is_meant_from_here() -> None:
    transport = open_transport("file:out/mail")
    assert isinstance(transport, FileTransport)
    assert transport.folder == Path("out/mail")


def test_an_smtp_url_names_server_port_and_login() -> None:
    transport = open_transport("smtp://nel%40acme.test:p%3Aw@mail.acme.test:2525")
    assert isinstance(transport, SmtpTransport)
    assert vars(transport) == {"host": "mail.acme.test", "port": 2525, "_user": "nel@acme.test", "_password": "p:w"}
    bare = open_transport("smtp://mail.acme.test")
    assert vars(bare) == {"host": "mail.acme.test", "port": 25, "_user": None, "_password": None}


@pytest.mark.parametrize("url", ["", "console:x", "file:", "file://", "smtp:", "smtp://", "imap://host", "nonsense"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="MAIL_URL must be"):
        open_transport(url)


class Inbox(Message):
    """What a real SMTP server received."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.received.append(message)


async def test_an_smtp_server_receives_the_mail(database: Database, workshop: Workshop) -> None:
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await invite(workshop)
        await new_mailer(database, open_transport(f"smtp://127.0.0.1:{port}")).send_due()
    [received] = inbox.received
    mail = email.message_from_bytes(received.as_bytes(), policy=default)
    assert (mail["X-RcptTo"], mail["X-MailFrom"]) == ("nel@acme.test", "offboard@acme.test")
    link = await workshop.load(MailedLink)
    assert link.token_hash == digest(token_in(mail))
    assert link.mail_due_at is None


async def test_each_link_is_mailed_once_with_its_own_token(database: Database, workshop: Workshop) -> None:
    nel, max_ = await invite(workshop), await invite(workshop, "max@acme.test")
    await request_password_reset(database, workspace="acme", email="olivia@acme.test", lifetime=timedelta(hours=1))
    outbox = Outbox()
    sending = new_mailer(database, outbox)
    assert await sending.send_due() == 3
    assert await sending.send_due() == 0
    assert [mail["To"] for mail in outbox.mails] == ["nel@acme.test", "max@acme.test", "olivia@acme.test"]
    pages = ["invitation", "invitation", "reset-password"]
    tokens = [token_in(mail, page) for mail, page in zip(outbox.mails, pages, strict=True)]
    for user_id, token in zip((nel, max_, workshop.olivia.id), tokens, strict=True):
        link = await workshop.load(MailedLink, user_id=user_id)
        assert (link.token_hash, link.mail_due_at) == (digest(token), None)
    assert "Olivia Owens invites you" in texts(outbox.mails[0])[0]


async def test_what_a_partner_or_a_deleted_user_sent_names_nobody(database: Database, workshop: Workshop) -> None:
    await invite(workshop)
    service = Actor(workspace_id=workshop.workspace_id, kind=ActorKind.USER)
    async with database.begin() as tx:
        await tx.add(service)
    link = await workshop.load(MailedLink)
    await workshop.change(MailedLink, link.id, sent_by_id=service.id)
    outbox = Outbox()
    await new_mailer(database, outbox).send_due()
    assert "you are invited to the workspace Acme." in texts(outbox.mails[0])[0]


async def test_a_crash_between_commit_and_mail_loses_nothing(database: Database, workshop: Workshop) -> None:
    await invite(workshop)
    dying = Outbox(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await new_mailer(database, dying).send_due()
    claimed = await make_due(workshop)
    assert claimed.token_hash is not None
    outbox = Outbox()
    await new_mailer(database, outbox).send_due()
    link = await workshop.load(MailedLink)
    assert link.mail_due_at is None
    assert link.token_hash == digest(token_in(outbox.mails[0])) != claimed.token_hash


async def test_a_refused_mail_is_tried_again_later_and_later(database: Database, workshop: Workshop) -> None:
    await invite(workshop)
    outbox = Outbox(*(OSError("550 nel@acme.test unknown") for _ in range(9)))
    sending = new_mailer(database, outbox)
    waits = []
    with capture_logs() as logs:
        for _ in range(9):
            started = now()
            await sending.send_due()
            assert await sending.send_due() == 0
            link = await workshop.load(MailedLink)
            waits.append(round((link.mail_due_at - started) / timedelta(seconds=10)))
            await make_due(workshop)
    assert waits == [3, 6, 12, 24, 48, 96, 192, 360, 360]
    assert [entry["attempts"] for entry in logs] == list(range(1, 10))
    assert {(entry["event"], entry["error"]) for entry in logs} == {("mail_failed", "OSError")}
    assert "acme.test" not in repr(logs)
    assert "obl_" not in repr(logs)
    await sending.send_due()
    assert (await workshop.load(MailedLink)).token_hash == digest(token_in(outbox.mails[0]))


async def test_an_expired_link_is_given_up(database: Database, workshop: Workshop) -> None:
    await invite(workshop)
    link = await workshop.load(MailedLink)
    await workshop.change(MailedLink, link.id, expires_at=now())
    outbox = Outbox()
    with capture_logs() as logs:
        await new_mailer(database, outbox).send_due()
    assert [entry["event"] for entry in logs] == ["mail_given_up"]
    assert outbox.mails == []
    assert (await workshop.load(MailedLink)).mail_due_at is None


async def test_two_mailers_do_not_send_the_same_mail(database: Database, workshop: Workshop) -> None:
    for number in range(5):
        await invite(workshop, f"nel{number}@acme.test")
    outbox = Outbox()
    await asyncio.gather(*(new_mailer(database, outbox).send_due() for _ in range(2)))
    assert sorted(mail["To"] for mail in outbox.mails) == [f"nel{number}@acme.test" for number in range(5)]


async def test_a_link_that_was_replaced_while_its_mail_went_out_stays_due(
    database: Database, workshop: Workshop
) -> None:
    await invite(workshop)

    class Slow(Outbox):
        async def send(self, message: EmailMessage) -> None:
            if not self.mails:
                await invite(workshop)
            await super().send(message)

    outbox = Slow()
    sending = new_mailer(database, outbox)
    await sending.send_due()
    assert await sending.send_due() == 1
    assert (await workshop.load(MailedLink)).token_hash == digest(token_in(outbox.mails[1]))


async def test_the_loop_sends_what_waits_and_wakes_for_what_comes(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "POLL_S", 3600)
    await invite(workshop)
    outbox = Outbox()
    sending = new_mailer(database, outbox)
    database.after_commit.append(sending.committed)
    running = asyncio.create_task(sending.run())
    await outbox.sent.wait()
    outbox.sent.clear()
    await invite(workshop, "max@acme.test")
    await outbox.sent.wait()
    running.cancel()
    await asyncio.wait([running])
    assert [mail["To"] for mail in outbox.mails] == ["nel@acme.test", "max@acme.test"]


async def test_the_loop_looks_again_by_itself_and_survives_a_failure(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "POLL_S", 0.001)
    await invite(workshop)
    outbox = Outbox()
    sending = new_mailer(database, outbox)
    send_due, broken = sending.send_due, [RuntimeError("the database is away")]

    async def first_failing() -> int:
        if broken:
            raise broken.pop()
        return await send_due()

    monkeypatch.setattr(sending, "send_due", first_failing)
    with capture_logs() as logs:
        running = asyncio.create_task(sending.run())
        await outbox.sent.wait()
        running.cancel()
        await asyncio.wait([running])
    assert [entry["event"] for entry in logs] == ["mailer_failed"]


async def test_a_full_batch_is_followed_by_the_next(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "POLL_S", 3600)
    monkeypatch.setattr(mailer, "BATCH", 2)
    for number in range(5):
        await invite(workshop, f"nel{number}@acme.test")
    outbox = Outbox()
    running = asyncio.create_task(new_mailer(database, outbox).run())
    while len(outbox.mails) < 5:
        outbox.sent.clear()
        await outbox.sent.wait()
    running.cancel()
    await asyncio.wait([running])
    assert await workshop.count(User, pending=True) == 5
