"""Deleting who has been inactive for long: announced a week before, and not done when it is not right any more."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.database import Database
from models.enums import AuditAction, NoticeKind, Role, UserChangeKind, UserStatus
from models.leaving import AnnouncedDeletion, Notice
from models.people import Actor, User
from models.types import now
from resolvers import retention
from resolvers.holds import lift_legal_hold, place_legal_hold
from resolvers.lifecycle import deactivate_user, reactivate_user
from resolvers.provisioning import secure_restored
from resolvers.retention import announce_deletions, delete_announced, due_deletions, workspaces_that_delete
from resolvers.workspaces import update_workspace
from tests.races import together
from tests.records import audit_rows, call, dump, event_rows
from tests.workshop import Person, Workshop

DAY = timedelta(days=1)


async def inactive(shop: Workshop, name: str, days: float) -> Person:
    """Somebody who has been inactive for so many days."""
    who = await shop.person(name, Role.AGENT, inactive=True)
    await shop.change(User, who.id, deactivated_at=now() - days * DAY)
    return who


async def settings(shop: Workshop, **changed: Any) -> None:
    await call(shop, update_workspace, shop.olivia, **changed)


async def announce(shop: Workshop) -> int:
    """Once what the clock does every hour."""
    async with shop.database.read() as reader:
        workspaces = await workspaces_that_delete(reader)
    return sum([await shop.database.transact(lambda tx: announce_deletions(tx, each)) for each in workspaces])  # noqa: B023


async def delete_due(database: Database) -> int:
    """What the clock does when a deletion is due; says how many were."""
    async with database.read() as reader:
        due = await due_deletions(reader)
    for each in due:
        await database.transact(lambda tx: delete_announced(tx, each))  # noqa: B023
    return len(due)


async def deletion_of(shop: Workshop, who: Person) -> datetime | None:
    row = await shop.load(AnnouncedDeletion, user_id=who.id)
    return row and row.delete_at  # type: ignore[no-any-return]


async def wait(shop: Workshop, days: float) -> None:
    """Let days pass for who is inactive and for what is announced."""
    async with shop.database.begin() as tx:
        for model, columns in ((User, ("deactivated_at",)), (AnnouncedDeletion, ("announced_at", "delete_at"))):
            rows = retention.table(model)
            for row in await tx.rows(rows.select()):
                key = next(iter(rows.primary_key.columns))
                earlier = {each: row._mapping[each] and row._mapping[each] - days * DAY for each in columns}
                await tx.run(rows.update().where(key == row._mapping[key.name]).values(**earlier))


async def exists(shop: Workshop, who: Person) -> bool:
    return await shop.load(User, id=who.id) is not None


async def test_the_owners_are_told_a_week_before_and_then_it_is_done(workshop: Workshop) -> None:
    omar = await workshop.person("Omar", Role.OWNER)
    ana, later = await inactive(workshop, "Ana", 94), await inactive(workshop, "Lea", 80)
    assert await announce(workshop) == 0
    await settings(workshop, delete_after_days=100)
    assert await announce(workshop) == 1
    assert await announce(workshop) == 0
    day = await deletion_of(workshop, ana)
    assert day is not None
    assert now() + 6.9 * DAY < day <= now() + 7 * DAY
    for owner in (workshop.olivia, omar):
        notice = await workshop.load(Notice, user_id=owner.id)
        assert (notice.kind, notice.details) == (
            NoticeKind.DELETION_ANNOUNCED,
            {"people": {str(ana.actor_id): day.isoformat()}},
        )
    last = (await audit_rows(workshop))[-1]
    assert (last.action, last.actor_id, last.target_id) == (
        AuditAction.DELETION_ANNOUNCED,
        workshop.system_id,
        ana.actor_id,
    )
    assert (await event_rows(workshop))[-1].change is UserChangeKind.PLANS_CHANGED
    await wait(workshop, 6.5)
    assert await delete_due(workshop.database) == 0
    await wait(workshop, 0.5)
    assert await delete_due(workshop.database) == 1
    assert not await exists(workshop, ana)
    assert await exists(workshop, later)
    assert (await workshop.load(Actor, id=ana.actor_id)).user_id is None
    last = (await audit_rows(workshop))[-1]
    assert (last.action, last.actor_id, last.details["reason"]) == (
        AuditAction.USER_DELETED,
        workshop.system_id,
        "OFFBOARDED",
    )


async def test_who_is_overdue_when_it_begins_is_announced_all_the_same(workshop: Workshop) -> None:
    ana = await inactive(workshop, "Ana", 1000)
    await settings(workshop, delete_after_days=100)
    await announce(workshop)
    day = await deletion_of(workshop, ana)
    assert day is not None
    assert day > now() + 6.9 * DAY


async def test_it_waits_for_the_retention_period_too(workshop: Workshop) -> None:
    await inactive(workshop, "Ana", 40)
    await settings(workshop, delete_after_days=10, retention_days=50)
    assert await announce(workshop) == 0
    await wait(workshop, 3.5)
    assert await announce(workshop) == 1


async def test_who_is_due_within_a_day_is_told_in_one_mail(workshop: Workshop) -> None:
    for number in range(3):
        await inactive(workshop, f"Who{number}", 93.5 - number / 3)
    await inactive(workshop, "Later", 91.5)
    await settings(workshop, delete_after_days=100)
    assert await announce(workshop) == 3
    assert await workshop.count(Notice) == 1


async def test_many_are_announced_in_several_mails(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(3):
        await inactive(workshop, f"Who{number}", 200)
    await settings(workshop, delete_after_days=100)
    assert [await announce(workshop) for _ in range(3)] == [2, 1, 0]


async def announced(shop: Workshop) -> Person:
    ana = await inactive(shop, "Ana", 200)
    await settings(shop, delete_after_days=100)
    assert await announce(shop) == 1
    return ana


async def test_a_hold_stops_it_and_lifting_needs_a_new_announcement(workshop: Workshop) -> None:
    ana = await announced(workshop)
    await call(workshop, place_legal_hold, workshop.olivia, user_id=ana.id, note="Case 12")
    assert await deletion_of(workshop, ana) is None
    assert await announce(workshop) == 0
    await wait(workshop, 8)
    assert await delete_due(workshop.database) == 0
    await call(workshop, lift_legal_hold, workshop.olivia, user_id=ana.id)
    assert await delete_due(workshop.database) == 0
    assert await announce(workshop) == 1
    day = await deletion_of(workshop, ana)
    assert day is not None
    assert day > now() + 6.9 * DAY


async def come_back(shop: Workshop, ana: Person) -> None:
    await call(shop, reactivate_user, shop.olivia, user_id=ana.id)
    await call(shop, deactivate_user, shop.olivia, user_id=ana.id)


async def stop_deleting(shop: Workshop, _ana: Person) -> None:
    await settings(shop, delete_after_days=None)
    await settings(shop, delete_after_days=100)


async def keep_longer(shop: Workshop, _ana: Person) -> None:
    await settings(shop, retention_days=150)


async def be_restored(shop: Workshop, _ana: Person) -> None:
    await shop.database.transact(secure_restored)


@pytest.mark.parametrize("change", [come_back, stop_deleting, keep_longer, be_restored])
async def test_what_makes_an_announcement_wrong_voids_it(workshop: Workshop, change: Any) -> None:
    ana = await announced(workshop)
    await change(workshop, ana)
    assert await deletion_of(workshop, ana) is None


@pytest.mark.parametrize(("status", "since"), [(UserStatus.ACTIVE, None), (UserStatus.INACTIVE, now())])
async def test_what_the_previous_release_changed_is_seen_at_the_time(
    workshop: Workshop, status: UserStatus, since: datetime | None
) -> None:
    """A node of before voids no announcement: who is active again, or inactive anew, stays."""
    ana = await announced(workshop)
    async with workshop.database.begin() as tx:
        await tx.run(retention.ANNOUNCED.update().values(delete_at=now()))
    await workshop.change(User, ana.id, status=status, deactivated_at=since)
    assert await delete_due(workshop.database) == 1
    assert await exists(workshop, ana)
    assert await deletion_of(workshop, ana) is None


async def test_two_clocks_announce_and_delete_once(workshop: Workshop, node: Database) -> None:
    for number in range(5):
        await inactive(workshop, f"Who{number}", 200)
    await settings(workshop, delete_after_days=100)
    both = (workshop.database, node)
    await together(*(each.transact(lambda tx: announce_deletions(tx, workshop.workspace_id)) for each in both))
    assert (await workshop.count(AnnouncedDeletion), await workshop.count(Notice)) == (5, 1)
    await wait(workshop, 7)
    await together(*(delete_due(each) for each in both))
    deleted = [row for row in await audit_rows(workshop) if row.action is AuditAction.USER_DELETED]
    assert (len(deleted), await workshop.count(User)) == (5, 1)


async def test_nothing_is_done_in_other_workspaces(workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    ana = await inactive(other, "Ana", 2000)
    before = await dump(workshop.database)
    await settings(workshop, delete_after_days=1)
    assert await announce(workshop) == 0
    assert await exists(other, ana)
    assert (await dump(workshop.database))["user"] == before["user"]
