"""What a hand-over matches: conversations by filter, and the follow-ups that go along."""

from typing import Any
from uuid import uuid4

import pytest

from models.enums import ConversationStatus, ErrorCode, FollowUpKind
from models.types import NOBODY
from models.work import FollowUp
from resolvers.handover import bulk_reassign
from resolvers.inbox import InboxFilter
from tests.records import dump, of_workspace, refused
from tests.resolvers.handing_over import UNASSIGNED, assignees, hand_over, operation, to
from tests.workshop import Person, Workshop

OPEN, SNOOZED, CLOSED = ConversationStatus


@pytest.mark.parametrize(
    ("which", "matched"),
    [
        ({}, {"open", "snoozed", "nobody's", "support"}),
        ({"status": [CLOSED]}, {"closed"}),
        ({"status": [SNOOZED]}, {"snoozed"}),
        ({"status": [OPEN, CLOSED]}, {"open", "closed", "nobody's", "support"}),
        ({"status": list(ConversationStatus)}, {"open", "snoozed", "closed", "nobody's", "support"}),
        ({"status": []}, set()),
        ({"unassigned": True}, {"nobody's"}),
        ({"unassigned": False}, {"open", "snoozed", "support"}),
        ({"unassigned": False, "status": [CLOSED]}, {"closed"}),
        ({"ids": []}, set()),
        ({"ids": ["open", "closed"]}, {"open"}),
        ({"ids": ["open", "closed"], "status": [CLOSED]}, {"closed"}),
        ({"team_id": "support"}, {"support"}),
        ({"team_id": NOBODY}, set()),
        ({"search": "inv"}, {"open", "support"}),
        ({"search": "inv", "team_id": "support"}, {"support"}),
        ({"search": "nothing"}, set()),
    ],
)
async def test_what_a_filter_matches(
    workshop: Workshop, ana: Person, bob: Person, which: dict[str, Any], matched: set[str]
) -> None:
    team = await workshop.team("Support")
    made = {
        "open": await workshop.conversation("Invoice", ana),
        "snoozed": await workshop.conversation("Refund", ana, SNOOZED),
        "closed": await workshop.conversation("Refund", ana, CLOSED),
        "nobody's": await workshop.conversation("Refund"),
        "support": await workshop.conversation("Invoice", ana, team_id=team),
    }
    if which.get("ids"):
        which = which | {"ids": [made[name] for name in which["ids"]]}
    if which.get("team_id") == "support":
        which = which | {"team_id": team}
    done = await hand_over(workshop, to(bob), **which)
    assert {name for name, each in made.items() if await assignees(workshop, [each]) == [bob.actor_id]} == matched
    assert done.matched == len(matched)


FOLLOW_UPS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "own assignee fits, whatever the conversation's": (
        {"assigned_to_user_id": "ana"},
        {"ana on ana", "ana on bob", "ana on closed"},
    ),
    "status where given": ({"assigned_to_user_id": "ana", "status": [OPEN]}, {"ana on ana", "ana on bob"}),
    "closed where given": ({"assigned_to_user_id": "ana", "status": [CLOSED]}, {"ana on closed"}),
    "nobody's": ({"unassigned": True}, {"nobody on ana"}),
    "anybody's": ({"unassigned": False}, {"ana on ana", "ana on bob", "ana on closed", "bob on ana"}),
    "rest of the filter": ({"assigned_to_user_id": "ana", "search": "bobs"}, {"ana on bob"}),
    "no assignee asked": ({"search": "anas"}, {"ana on ana", "nobody on ana", "bob on ana", "ana on closed"}),
    "no ids": ({"ids": []}, set()),
}


@pytest.mark.parametrize("which", FOLLOW_UPS)
async def test_which_follow_ups_go_along(workshop: Workshop, ana: Person, bob: Person, which: str) -> None:
    anas, bobs = await workshop.conversation("Anas", ana), await workshop.conversation("Bobs", bob)
    closed = await workshop.conversation("Anas", ana, CLOSED)
    made = {
        "ana on ana": await workshop.follow_up(anas, ana, FollowUpKind.CALLBACK),
        "nobody on ana": await workshop.follow_up(anas),
        "bob on ana": await workshop.follow_up(anas, bob),
        "ana on bob": await workshop.follow_up(bobs, ana),
        "ana on closed": await workshop.follow_up(closed, ana),
    }
    words, expected = FOLLOW_UPS[which]
    if "assigned_to_user_id" in words:
        words = words | {"assigned_to_user_id": ana.id}
    without = await hand_over(workshop, to(workshop.olivia), {"include_follow_ups": False, "dry_run": True}, **words)
    done = await hand_over(workshop, to(workshop.olivia), **words)
    moved = {
        name for name, each in made.items() if await assignees(workshop, [each], FollowUp) == [workshop.olivia.actor_id]
    }
    assert moved == expected
    row = await operation(workshop, done)
    assert (row.reassigned_follow_ups, done.matched - without.matched) == (len(expected), len(expected))


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_filter_by_somebody_of_another_workspace_is_refused(workshop: Workshop, dry_run: bool) -> None:
    other = await Workshop.open(workshop.database, "other")
    for user_id in (other.olivia.id, uuid4(), NOBODY):
        words = {"filter": InboxFilter(assigned_to_user_id=user_id), "to": UNASSIGNED, "dry_run": dry_run}
        refusal = await refused(workshop, bulk_reassign, workshop.olivia, **words)
        assert (refusal.code, refusal.field) == (ErrorCode.NOT_FOUND, ["filter", "assignedTo", "userId"])


async def test_no_filter_reaches_into_another_workspace(workshop: Workshop, ana: Person) -> None:
    other = await Workshop.open(workshop.database, "other")
    team = await other.team("Support")
    foreign = await other.conversation(assignee=other.olivia, team_id=team)
    await other.follow_up(foreign, other.olivia)
    before = of_workspace(await dump(workshop.database), other)
    for which in ({}, {"ids": [foreign]}, {"team_id": team}, {"search": "refund"}, {"unassigned": False}):
        assert (await hand_over(workshop, to(ana), **which)).matched == 0
    assert of_workspace(await dump(workshop.database), other) == before
