"""No verb and nothing that the clock does all the time reads a whole table. Reads are tested where they are."""

from datetime import timedelta
from typing import Any

import pytest

from models.enums import DeletionReason, Role, TokenScope
from models.leaving import ScheduledDeparture
from models.people import Account, User
from offboard.mail.notices import Notices
from resolvers import plans as reading
from resolvers import retention, upkeep
from resolvers.deletion import delete_user
from resolvers.departures import cancel_departure
from resolvers.handover import bulk_reassign, undo_bulk_reassign
from resolvers.holds import lift_legal_hold, place_legal_hold
from resolvers.inbox import InboxFilter
from resolvers.invitations import invite_user
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.pages import PageArgs
from resolvers.passwords import hash_password
from resolvers.resets import change_password, request_password_reset
from resolvers.roles import assign_role
from resolvers.sessions import revoke_all_sessions
from resolvers.targets import Target
from resolvers.workspaces import update_workspace
from tests.attempts import allowing
from tests.crowd import hang_on
from tests.records import call
from tests.resolvers.leaving import carry_out_due, in_days, schedule
from tests.statements import Plans, watched
from tests.workshop import Person, Workshop

PASSWORD = "lantern orbit velvet"


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    """Somebody with work, a session and an access token."""
    ana = await workshop.person("Ana Abel", Role.ADMIN)
    await workshop.change(Account, (await workshop.load(Account, email=ana.email)).id, password_hash="unusable")
    await workshop.sign_in(ana)
    await workshop.partner(TokenScope.INBOX_READ, creator=ana)
    await hang_on(workshop, [await workshop.conversation(assignee=ana)], ana)
    return ana


async def depart(shop: Workshop, ana: Person) -> None:
    olivia = shop.olivia
    await call(shop, assign_role, olivia, user_id=ana.id, role=Role.AGENT)
    handed = await call(
        shop, bulk_reassign, olivia, filter=InboxFilter(assigned_to_user_id=ana.id), to=Target((olivia.id,))
    )
    await call(shop, undo_bulk_reassign, olivia, operation_id=handed.operation_id)
    await call(shop, revoke_all_sessions, olivia, user_id=ana.id)
    await call(
        shop,
        deactivate_user,
        olivia,
        user_id=ana.id,
        hand_over=Target((olivia.id,)),
        revoke_access_tokens=True,
    )
    await call(shop, reactivate_user, olivia, user_id=ana.id)


async def be_deleted(shop: Workshop, ana: Person) -> None:
    words: dict[str, Any] = {"user_id": ana.id, "confirmation": ana.email, "reason": DeletionReason.PRIVACY_REQUEST}
    await call(shop, delete_user, shop.olivia, **words)
    made_in_error = await shop.person("Eve", Role.AGENT)
    words |= {"user_id": made_in_error.id, "confirmation": made_in_error.email}
    await call(shop, delete_user, shop.olivia, **(words | {"reason": DeletionReason.CREATED_IN_ERROR}))


async def come(shop: Workshop, _ana: Person) -> None:
    words: dict[str, Any] = {"name": "Nel", "roles": [Role.AGENT], "team_ids": [], "lifetime": timedelta(days=1)}
    await call(shop, invite_user, shop.olivia, email="nel@acme.test", **words)
    await request_password_reset(shop.database, workspace="acme", email="nel@acme.test", lifetime=timedelta(days=1))


async def change_the_password(shop: Workshop, ana: Person) -> None:
    account = await shop.load(Account, email=ana.email)
    await shop.change(Account, account.id, password_hash=await hash_password(PASSWORD, 1))
    words: dict[str, Any] = {"current_password": PASSWORD, "new_password": "harbour kettle 27", "hash_cost": 1}
    await change_password(shop.database, ana.viewer, attempts=allowing(), ip_address=None, **words)


async def keep_up(shop: Workshop, _ana: Person) -> None:
    async with shop.database.read() as reader:
        await upkeep.next_due(reader)
        await upkeep.workspaces_with_expired_sessions(reader)
    await shop.database.transact(upkeep.wake_conversations)
    await shop.database.transact(lambda tx: upkeep.expire_sessions(tx, shop.workspace_id))


async def leave_with_a_date(shop: Workshop, ana: Person) -> None:
    planned = await schedule(shop, ana, hand_over=Target((shop.olivia.id,)), return_at=in_days(2))
    await shop.change(ScheduledDeparture, planned, due_at=in_days(-1))
    async with shop.database.read() as reader:
        viewer = shop.olivia.viewer
        await reading.departures_page(reader, viewer, PageArgs())
        await reading.count_departures(reader, viewer)
        for read in (reading.departures_of, reading.holds_of, reading.deletions_of):
            await read(reader, viewer, [ana.id])
    await carry_out_due(shop.database)
    await call(shop, cancel_departure, shop.olivia, user_id=ana.id)
    await call(shop, update_workspace, shop.olivia, delete_after_days=1, retention_days=0)
    await call(shop, place_legal_hold, shop.olivia, user_id=ana.id, note="Case")
    await call(shop, lift_legal_hold, shop.olivia, user_id=ana.id)
    await shop.change(User, ana.id, deactivated_at=in_days(-9))
    assert await shop.database.transact(lambda tx: retention.announce_deletions(tx, shop.workspace_id)) == 1
    async with shop.database.read() as reader:
        await Notices("").due(reader, 50)
        await retention.due_deletions(reader)
    due = retention.DueDeletion(ana.id, shop.workspace_id)
    await shop.database.transact(lambda tx: retention.delete_announced(tx, due))


@pytest.mark.parametrize("play", [depart, be_deleted, come, change_the_password, keep_up, leave_with_a_date])
async def test_nothing_reads_a_whole_table(workshop: Workshop, plans: Plans, ana: Person, play: Any) -> None:
    with watched(workshop.database) as statements:
        await play(workshop, ana)
    scanning = {each.sql: found for each in statements if (found := await plans.scans(each))}
    assert scanning == {}
