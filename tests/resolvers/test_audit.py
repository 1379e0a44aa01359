"""The audit log: writing it, reading it, and its sentences."""

from typing import Any
from uuid import UUID

import pytest

from models.database import Tx
from models.enums import AuditAction, DeactivationReason, Role, TokenScope
from models.log import AuditEntry
from models.people import Actor
from models.types import NOBODY, new_id, now
from resolvers import audit
from resolvers.audit import AuditFilter
from resolvers.errors import Forbidden
from resolvers.pages import Page, PageArgs
from resolvers.rows import AuditEntryRow
from resolvers.summaries import summary
from resolvers.viewer import Viewer
from tests import crowd
from tests.crowd import minute
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop


@pytest.fixture
async def other(workshop: Workshop) -> Workshop:
    """Another workspace in the same database."""
    return await Workshop.open(workshop.database, "other")


async def ask(shop: Workshop, read: Any, *args: Any, viewer: Viewer | None = None) -> Any:
    async with shop.database.read() as reader:
        return await read(reader, viewer or shop.olivia.viewer, *args)


async def read(shop: Workshop, viewer: Viewer | None = None, **wanted: Any) -> list[UUID]:
    """The ids on the first page, and a check that the count agrees."""
    page: Page[AuditEntryRow] = await ask(shop, audit.audit_page, AuditFilter(**wanted), PageArgs(), viewer=viewer)
    assert await ask(shop, audit.count_audit, AuditFilter(**wanted), viewer=viewer) == len(page.rows)
    return [row.id for row in page.rows]


async def record(shop: Workshop, action: AuditAction, actor: Person, target: Person | None = None, **more: Any) -> None:
    async def work(tx: Tx) -> None:
        target_id = target.actor_id if target else None
        await audit.record(tx, shop.workspace_id, action, actor_id=actor.actor_id, target_id=target_id, **more)

    await shop.database.transact(work)


async def test_what_is_recorded_is_read(workshop: Workshop) -> None:
    ana = await workshop.person("Ana", Role.AGENT)
    before = now()
    await record(workshop, AuditAction.USER_DEACTIVATED, workshop.olivia, ana, sessions=2, reason="OTHER")
    (row,) = (await ask(workshop, audit.audit_page, AuditFilter(), PageArgs())).rows
    assert (row.action, row.actor_id, row.target_id) == (
        AuditAction.USER_DEACTIVATED,
        workshop.olivia.actor_id,
        ana.actor_id,
    )
    assert row.details == {"sessions": 2, "reason": "OTHER"}
    assert before <= row.at <= now()
    assert await ask(workshop, audit.audit_entries_by_id, [row.id, NOBODY]) == {row.id: row}


async def test_entries_come_newest_first_in_pages(workshop: Workshop) -> None:
    made = await crowd.audit_entries(workshop, [1, 2, 2, 3], workshop.olivia)
    newest_first = made[::-1]
    assert await read(workshop) == newest_first
    collected: list[UUID] = []
    args, more = PageArgs(first=1), True
    while more:
        page = await ask(workshop, audit.audit_page, AuditFilter(), args)
        collected += [row.id for row in page.rows]
        assert len(collected) <= len(made)
        args, more = PageArgs(first=1, after=page.cursors[-1]), page.has_next_page
        await crowd.audit_entries(workshop, [9], workshop.olivia)
    assert collected == newest_first
    page = await ask(workshop, audit.audit_page, AuditFilter(), PageArgs(last=2))
    assert [row.id for row in page.rows] == newest_first[2:]


async def test_every_filter(workshop: Workshop, other: Workshop) -> None:
    ana, partner = await workshop.person("Ana", Role.AGENT), await workshop.partner(TokenScope.USERS_WRITE)
    gone, reference = await workshop.person("Gus", Role.AGENT), new_id()
    (signed_in,) = await crowd.audit_entries(workshop, [1], ana)
    (revoked,) = await crowd.audit_entries(workshop, [2], partner, AuditAction.TOKEN_REVOKED)
    (invited,) = await crowd.audit_entries(workshop, [3], gone, AuditAction.USER_INVITED)
    await workshop.change(AuditEntry, invited, target_id=ana.actor_id)
    await workshop.change(AuditEntry, revoked, target_id=gone.actor_id)
    await workshop.change(Actor, gone.actor_id, user_id=None, reference=reference)
    assert await read(workshop, action=[AuditAction.SIGNED_IN]) == [signed_in]
    assert await read(workshop, action=[AuditAction.SIGNED_IN, AuditAction.USER_INVITED]) == [invited, signed_in]
    assert await read(workshop, action=[]) == []
    assert await read(workshop, actor_id=ana.id) == [signed_in]
    assert await read(workshop, actor_id=partner.id) == [revoked]
    assert await read(workshop, actor_id=reference) == [invited]
    assert await read(workshop, target_id=ana.id) == [invited]
    assert await read(workshop, target_id=reference) == [revoked]
    for nobody in (NOBODY, gone.id, ana.actor_id, other.olivia.id):
        assert await read(workshop, actor_id=nobody) == []
        assert await read(workshop, target_id=nobody) == []
    assert await read(workshop, since=minute(2)) == [invited, revoked]
    assert await read(workshop, until=minute(2)) == [signed_in]
    assert await read(workshop, since=minute(2), until=minute(3)) == [revoked]
    assert await read(workshop, since=minute(1), actor_id=ana.id, action=[AuditAction.SIGNED_IN]) == [signed_in]
    assert await read(other) == []
    assert await ask(other, audit.audit_entries_by_id, [signed_in]) == {}


async def test_nobody_of_another_workspace_did_anything_in_this_one(workshop: Workshop, other: Workshop) -> None:
    """Such rows cannot come about; the walls hold even so."""
    (made,) = await crowd.audit_entries(workshop, [1], other.olivia)
    await workshop.change(AuditEntry, made, target_id=other.olivia.actor_id)
    assert await read(workshop, actor_id=other.olivia.id) == []
    assert await read(workshop, target_id=other.olivia.id) == []


async def test_administrators_and_tokens_with_the_scope_read_it(workshop: Workshop) -> None:
    made = await crowd.audit_entries(workshop, [1], workshop.olivia)
    viewers = {}
    for name, *roles in (("Adam", Role.ADMIN), ("Ana", Role.AGENT), ("Vic", Role.VIEWER), ("Nil",)):
        viewers[name] = await workshop.sign_in(await workshop.person(name, *roles))
    allowed = [viewers["Adam"], workshop.olivia.viewer, (await workshop.partner(TokenScope.AUDIT_READ)).viewer]
    other_scopes = [scope for scope in TokenScope if scope is not TokenScope.AUDIT_READ]
    refused = [viewers["Ana"], viewers["Vic"], viewers["Nil"], (await workshop.partner(*other_scopes)).viewer]
    for viewer in allowed:
        assert await read(workshop, viewer) == made
    for viewer in refused:
        with pytest.raises(Forbidden):
            await ask(workshop, audit.audit_page, AuditFilter(), PageArgs(), viewer=viewer)
        with pytest.raises(Forbidden):
            await ask(workshop, audit.count_audit, AuditFilter(), viewer=viewer)
        assert await ask(workshop, audit.audit_entries_by_id, made, viewer=viewer) == {}


@pytest.mark.parametrize("size", [1, 100])
async def test_each_read_is_one_statement_for_one_and_for_a_hundred(
    workshop: Workshop, plans: Plans, size: int
) -> None:
    made = await crowd.audit_entries(workshop, range(size), workshop.olivia)
    wanted = AuditFilter(
        [AuditAction.SIGNED_IN, AuditAction.USER_INVITED], workshop.olivia.id, NOBODY, minute(0), now()
    )
    reads: list[tuple[Any, Any]] = [
        (audit.audit_page, (AuditFilter(), PageArgs(first=size))),
        (audit.audit_page, (wanted, PageArgs(first=size))),
        (audit.count_audit, (wanted,)),
        (audit.audit_entries_by_id, (made,)),
    ]
    for each, args in reads:
        with watched(workshop.database) as statements:
            await ask(workshop, each, *args)
        assert len(statements) == 1
        assert await plans.scans(statements[0]) == []


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "audit_at"),
        ({"since": minute(0), "until": minute(9)}, "audit_at"),
        ({"action": [AuditAction.SESSION_REVOKED]}, "audit_action"),
        ({"actor_id": NOBODY}, "audit_actor"),
        ({"target_id": NOBODY}, "audit_target"),
        ({"actor_id": NOBODY, "action": [AuditAction.SIGNED_IN]}, "audit_actor_action"),
        ({"target_id": NOBODY, "action": [AuditAction.SIGNED_IN]}, "audit_target_action"),
    ],
)
async def test_a_page_walks_an_index_in_its_order(
    workshop: Workshop, plans: Plans, wanted: dict[str, Any], index: str
) -> None:
    await crowd.audit_entries(workshop, [1], workshop.olivia)
    page = await ask(workshop, audit.audit_page, AuditFilter(), PageArgs())
    for args in (PageArgs(), PageArgs(after=page.cursors[0]), PageArgs(last=1)):
        with watched(workshop.database) as statements:
            await ask(workshop, audit.audit_page, AuditFilter(**wanted), args)
        assert index in await plans.indexes(statements[0])
        assert not await plans.sorts(statements[0])


async def test_of_several_actions_each_is_walked_in_its_order(workshop: Workshop, plans: Plans) -> None:
    await crowd.audit_entries(workshop, [1, 3], workshop.olivia)
    made = await crowd.audit_entries(workshop, [2], workshop.olivia, AuditAction.USER_INVITED)
    wanted = AuditFilter([AuditAction.USER_INVITED, AuditAction.SIGNED_IN, AuditAction.USER_DELETED])
    with watched(workshop.database) as statements:
        page = await ask(workshop, audit.audit_page, wanted, PageArgs())
        await ask(workshop, audit.count_audit, wanted)
    assert [row.id for row in page.rows][1] == made[0]
    assert len(page.rows) == 3
    for each in statements:
        assert len([index for index in await plans.indexes(each) if index == "audit_action"]) >= 3


def entry(action: AuditAction, *, target: bool = True, itself: bool = False, **details: Any) -> AuditEntryRow:
    actor_id = new_id()
    target_id = actor_id if itself else new_id() if target else None
    return AuditEntryRow(new_id(), now(), action, actor_id, target_id, details)


A = AuditAction
SENTENCES: list[tuple[AuditEntryRow, str]] = [
    (entry(A.USER_INVITED, roles=["ADMIN", "AGENT", "VIEWER"]), "Olivia invited Ana as admin, agent and viewer."),
    (
        entry(A.USER_DEACTIVATED, reason=DeactivationReason.LEFT_COMPANY, sessions=3),
        "Olivia deactivated Ana (left company), which ended 3 sessions.",
    ),
    (entry(A.USER_DEACTIVATED, itself=True, sessions=0), "Olivia deactivated their own account."),
    (entry(A.USER_REACTIVATED), "Olivia reactivated Ana."),
    (
        entry(A.USER_DELETED, reason="PRIVACY_REQUEST", sessions=1),
        "Olivia deleted the account of Ana (privacy request), which ended 1 session.",
    ),
    (entry(A.USER_DELETED, itself=True), "Olivia deleted their own account."),
    (entry(A.ROLE_ASSIGNED, role="ADMIN"), "Olivia gave Ana the role admin."),
    (entry(A.ROLE_REMOVED, role="OWNER"), "Olivia took the role owner from Ana."),
    (entry(A.ROLE_REMOVED, itself=True, role="ADMIN"), "Olivia took the role admin from their own account."),
    (entry(A.SIGNED_IN, itself=True), "Olivia signed in."),
    (entry(A.SIGNED_OUT, itself=True), "Olivia signed out."),
    (entry(A.SIGN_IN_FAILED), "A sign-in as Ana failed."),
    (entry(A.SIGN_IN_FAILED, target=False), "A sign-in failed."),
    (entry(A.SESSION_REVOKED, sessions=1), "Olivia ended 1 session of Ana."),
    (entry(A.SESSION_REVOKED, target=False, sessions=1200), "Olivia ended 1,200 sessions."),
    (entry(A.PASSWORD_RESET_REQUESTED), "A password reset was requested for Ana."),
    (entry(A.PASSWORD_RESET_REQUESTED, target=False), "A password reset was requested for an unknown address."),
    (entry(A.PASSWORD_CHANGED, itself=True, sessions=2), "Olivia changed their password, which ended 2 sessions."),
    (
        entry(A.BULK_REASSIGNED, conversations=1, followUps=2),
        "Olivia handed over 1 conversation and 2 follow-ups of Ana.",
    ),
    (entry(A.BULK_REASSIGNED, target=False, conversations=0), "Olivia handed over 0 conversations."),
    (
        entry(A.BULK_REASSIGN_UNDONE, target=False, conversations=4, followUps=0),
        "Olivia undid a hand-over, which gave back 4 conversations and 0 follow-ups.",
    ),
    (
        entry(A.BULK_REASSIGN_STARTED, conversations=7000, followUps=1),
        "Olivia began to hand over 7,000 conversations and 1 follow-up of Ana.",
    ),
    (
        entry(A.BULK_REASSIGN_STARTED, target=False, undone="1", conversations=2, followUps=0),
        "Olivia began to undo a hand-over of 2 conversations and 0 follow-ups.",
    ),
    (
        entry(A.BULK_REASSIGN_CANCELLED, conversations=3, followUps=0),
        "Olivia stopped a hand-over of the work of Ana, after 3 conversations and 0 follow-ups.",
    ),
    (
        entry(A.BULK_REASSIGN_CANCELLED, target=False, undone="1", conversations=1, followUps=0),
        "Olivia stopped the undoing of a hand-over, after 1 conversation and 0 follow-ups.",
    ),
    (
        entry(A.BULK_REASSIGN_FAILED, conversations=3, followUps=0),
        "A hand-over of the work of Ana stopped, because somebody who was to get it is not active, after 3 "
        "conversations and 0 follow-ups.",
    ),
    (entry(A.CONVERSATION_ASSIGNED), "Olivia assigned a conversation to Ana."),
    (entry(A.CONVERSATION_ASSIGNED, itself=True), "Olivia assigned a conversation to themself."),
    (entry(A.CONVERSATION_ASSIGNED, target=False), "Olivia unassigned a conversation."),
    (
        entry(A.WORKSPACE_UPDATED, target=False, changed=["name", "retentionDays"]),
        "Olivia changed the workspace's name and retention period.",
    ),
    (
        entry(A.TOKEN_CREATED, target=False, scopes=["USERS_READ", "AUDIT_READ"]),
        "Olivia created an access token with USERS_READ, AUDIT_READ.",
    ),
    (entry(A.TOKEN_REVOKED, scopes=["USERS_READ"]), "Olivia revoked an access token that Ana had created."),
    (entry(A.TOKEN_REVOKED, itself=True), "Olivia revoked an access token."),
    (entry(A.NOTE_ADDED, target=False), "Olivia wrote a note."),
    (entry(A.INVITATION_ACCEPTED, itself=True), "Olivia accepted the invitation."),
    (
        entry(A.DEPARTURE_SCHEDULED, at="2026-03-01T09:00:00+00:00", returnAt="2026-04-01T09:00:00+00:00"),
        "Olivia scheduled the departure of Ana on 2026-03-01 09:00 UTC until 2026-04-01 09:00 UTC.",
    ),
    (
        entry(A.DEPARTURE_SCHEDULED, returnAt="2026-04-01T09:00:00+00:00"),
        "Olivia scheduled the return of Ana on 2026-04-01 09:00 UTC.",
    ),
    (
        entry(A.DEPARTURE_CANCELLED, itself=True, at="2026-03-01T09:00:00+00:00"),
        "Olivia called off the departure of themself on 2026-03-01 09:00 UTC.",
    ),
    (entry(A.DEPARTURE_FAILED, reason="SOLE_OWNER"), "Olivia could not deactivate Ana (sole owner)."),
    (
        entry(A.HAND_OVER_FAILED, reason="ASSIGNEE_INACTIVE"),
        "Olivia could not hand over the work of Ana (assignee inactive).",
    ),
    (entry(A.LEGAL_HOLD_PLACED), "Olivia placed a legal hold on Ana."),
    (entry(A.LEGAL_HOLD_LIFTED), "Olivia lifted the legal hold on Ana."),
    (
        entry(A.DELETION_ANNOUNCED, at="2026-03-01T09:00:00+00:00"),
        "Olivia announced to the owners that Ana will be deleted on 2026-03-01 09:00 UTC.",
    ),
]


@pytest.mark.parametrize(("row", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_each_entry_is_a_sentence(row: AuditEntryRow, sentence: str) -> None:
    assert summary(row, "Olivia", "Ana" if row.target_id else None) == sentence


def test_in_whose_name_the_system_acted_is_said() -> None:
    row = entry(A.USER_DEACTIVATED, reason="LEFT_COMPANY", onBehalfOf=str(new_id()))
    assert summary(row, "Offboard", "Ana", "Olivia") == (
        "Offboard deactivated Ana (left company), as Olivia had scheduled."
    )


def test_every_action_has_its_sentence_here() -> None:
    assert {row.action for row, _ in SENTENCES} == set(AuditAction)


@pytest.mark.parametrize("action", AuditAction)
@pytest.mark.parametrize("target", [None, "Deleted user"])
def test_a_sentence_does_without_details(action: AuditAction, target: str | None) -> None:
    sentence = summary(entry(action, target=target is not None), "Deleted user", target)
    assert sentence.endswith(".")
    assert sentence[0].isupper()
    assert "None" not in sentence
    assert "  " not in sentence
