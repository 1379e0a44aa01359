"""Mail to owners: what it says, to whom, and that none is lost."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from models.database import Database, Tx
from models.enums import DeletionReason, NoticeKind, Role
from models.leaving import Notice
from models.types import now
from resolvers.deletion import delete_user
from resolvers.notices import tell_owners
from resolvers.roles import remove_role
from tests.offboard.test_mail import Outbox, new_mailer, texts
from tests.records import call
from tests.workshop import Person, Workshop

AT = "2026-03-01T09:00:00+00:00"


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    return await workshop.person("Ana <b>Abel</b>", Role.AGENT)


async def tell(shop: Workshop, kind: NoticeKind, **details: Any) -> None:
    async def work(tx: Tx) -> None:
        await tell_owners(tx, shop.workspace_id, kind, **details)
        assert tx.mail_due

    await shop.database.transact(work)


async def departure_failed(shop: Workshop, ana: Person) -> None:
    words = {"code": "SOLE_OWNER", "whose": str(ana.actor_id), "scheduledBy": str(shop.olivia.actor_id)}
    await tell(shop, NoticeKind.DEPARTURE_FAILED, **words, at=AT, to=[])


async def hand_over_failed(shop: Workshop, ana: Person, code: str, *to: Person) -> None:
    words = {"code": code, "whose": str(ana.actor_id), "scheduledBy": str(shop.olivia.actor_id)}
    await tell(shop, NoticeKind.HAND_OVER_FAILED, **words, at=AT, to=[str(each.actor_id) for each in to])


async def hand_over_stopped(shop: Workshop, ana: Person, *to: Person) -> None:
    words = {"code": "ASSIGNEE_INACTIVE", "whose": str(ana.actor_id), "to": [str(each.actor_id) for each in to]}
    await tell(shop, NoticeKind.HAND_OVER_STOPPED, **words, conversations=6_000, followUps=1, left=2_500)


async def sent(database: Database) -> list[Any]:
    outbox = Outbox()
    await new_mailer(database, outbox).send_due()
    return outbox.mails


async def test_a_departure_that_could_not_be_done(workshop: Workshop, database: Database, ana: Person) -> None:
    await departure_failed(workshop, ana)
    (mail,) = await sent(database)
    assert (mail["To"], mail["Subject"]) == ("olivia@acme.test", "Ana <b>Abel</b> could not be deactivated")
    plain, html = texts(mail)
    assert "<b>" in plain
    assert "<b>" not in html
    for words in ("2026-03-01 09:00 UTC", "as Olivia Owens had scheduled", "only active owner", "every day"):
        assert words in plain
        assert words in html or "'" in words
    assert await workshop.count(Notice) == 0
    assert await sent(database) == []


async def test_a_hand_over_that_could_not_be_done(workshop: Workshop, database: Database, ana: Person) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    for code, words in (("ASSIGNEE_INACTIVE", "inactive by now"), ("NOT_FOUND", "deleted since")):
        await hand_over_failed(workshop, ana, code, bob)
        (mail,) = await sent(database)
        plain, _ = texts(mail)
        assert "still assigned to Ana" in plain
        assert "to Bob Burr" in plain
        assert words in plain


async def test_a_hand_over_that_could_not_be_finished(workshop: Workshop, database: Database, ana: Person) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    await hand_over_stopped(workshop, ana, bob, workshop.olivia)
    (mail,) = await sent(database)
    assert mail["Subject"] == "The work of Ana <b>Abel</b> was not handed over to the end"
    plain, html = texts(mail)
    assert "<b>" not in html
    for words in (
        "ana@acme.test",
        "to Bob Burr, Olivia Owens",
        "inactive or deleted by now",
        "6000 conversations and 1 follow-up.",
        "up to 2500 conversations",
        "Hand the rest over",
    ):
        assert words in plain
        assert words in html


async def test_who_will_be_deleted(workshop: Workshop, database: Database, ana: Person) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    later = AT.replace("03-01", "03-02")
    await tell(workshop, NoticeKind.DELETION_ANNOUNCED, people={str(bob.actor_id): later, str(ana.actor_id): AT})
    (mail,) = await sent(database)
    assert mail["Subject"] == "2 users of Acme will be deleted"
    plain, html = texts(mail)
    listed = [line for line in plain.splitlines() if line.startswith("- ")]
    assert listed == [
        "- Ana <b>Abel</b> (ana@acme.test), on 2026-03-01 09:00 UTC",
        "- Bob Burr (bob@acme.test), on 2026-03-02 09:00 UTC",
    ]
    assert "<li>Bob Burr (bob@acme.test), on 2026-03-02 09:00 UTC</li>" in html


async def delete(shop: Workshop, who: Person) -> None:
    words = {"user_id": who.id, "confirmation": who.email, "reason": DeletionReason.PRIVACY_REQUEST}
    await call(shop, delete_user, shop.olivia, **words)


async def test_of_somebody_deleted_meanwhile_nothing_is_said(
    workshop: Workshop, database: Database, ana: Person
) -> None:
    bob = await workshop.person("Bob Burr", Role.AGENT)
    await departure_failed(workshop, ana)
    await hand_over_failed(workshop, ana, "NOT_FOUND")
    await hand_over_stopped(workshop, ana, bob)
    await tell(workshop, NoticeKind.DELETION_ANNOUNCED, people={str(ana.actor_id): AT})
    await tell(workshop, NoticeKind.DELETION_ANNOUNCED, people={str(ana.actor_id): AT, str(bob.actor_id): AT})
    await delete(workshop, ana)
    (mail,) = await sent(database)
    assert mail["Subject"] == "1 user of Acme will be deleted"
    assert "Ana" not in mail.as_string()
    assert await workshop.count(Notice) == 0


async def test_every_owner_of_the_moment_is_told(workshop: Workshop, database: Database, ana: Person) -> None:
    omar, pat = await workshop.person("Omar", Role.OWNER), await workshop.person("Pat", Role.OWNER)
    await workshop.person("Ina", Role.OWNER, inactive=True)
    await workshop.person("Nel", Role.OWNER, pending=True)
    await workshop.person("Adam", Role.ADMIN)
    await departure_failed(workshop, ana)
    await call(workshop, remove_role, workshop.olivia, user_id=omar.id, role=Role.OWNER)
    await delete(workshop, pat)
    assert [mail["To"] for mail in await sent(database)] == ["olivia@acme.test"]
    assert await workshop.count(Notice) == 0


async def test_a_mail_that_was_not_taken_is_tried_again(workshop: Workshop, database: Database, ana: Person) -> None:
    await departure_failed(workshop, ana)
    failing = Outbox(OSError("550"))
    with capture_logs() as logs:
        assert await new_mailer(database, failing).send_due() == 1
    assert [entry["event"] for entry in logs] == ["mail_failed"]
    notice = await workshop.load(Notice)
    assert notice.mail_due_at > now()
    await workshop.change(Notice, notice.id, mail_due_at=now())
    assert len(await sent(database)) == 1


async def test_after_a_week_it_is_given_up(workshop: Workshop, database: Database, ana: Person) -> None:
    await departure_failed(workshop, ana)
    await workshop.change(Notice, (await workshop.load(Notice)).id, created_at=now() - timedelta(days=7))
    with capture_logs() as logs:
        assert await sent(database) == []
    assert [entry["event"] for entry in logs] == ["mail_given_up"]
    assert await workshop.count(Notice) == 0
