"""Inputs become what resolvers take; an id that cannot be read names nothing, and never means "no condition"."""

import pytest
import strawberry

from models.enums import ErrorCode
from models.types import NOBODY, new_id
from resolvers import inbox
from resolvers.errors import Refused
from resolvers.targets import Target
from schema import ids
from schema.inputs import AssigneeFilter, InboxFilter, ReassignTarget

USER = new_id()


@pytest.mark.parametrize("text", ["", "nonsense", ids.encode("Team", NOBODY)])
def test_an_unreadable_assignee_is_nobody(text: str) -> None:
    given = InboxFilter(assigned_to=AssigneeFilter(user_id=strawberry.ID(text)))
    assert given.plain() == inbox.InboxFilter(assigned_to_user_id=NOBODY)


def test_an_assignee_filter_is_one_condition() -> None:
    by_user = AssigneeFilter(user_id=strawberry.ID(ids.encode("User", USER)))
    assert InboxFilter(assigned_to=by_user).plain() == inbox.InboxFilter(assigned_to_user_id=USER)
    for unassigned in (True, False):
        given = InboxFilter(assigned_to=AssigneeFilter(unassigned=unassigned))
        assert given.plain() == inbox.InboxFilter(unassigned=unassigned)
    assert InboxFilter().plain() == inbox.InboxFilter()


def test_an_unreadable_id_in_a_list_names_nothing() -> None:
    assert InboxFilter(ids=[strawberry.ID("")]).plain().ids == [NOBODY]
    assert InboxFilter(ids=[]).plain().ids == []


def test_a_target_names_its_place_in_the_input() -> None:
    user = strawberry.ID(ids.encode("User", USER))
    assert ReassignTarget(user_id=user).plain("to") == Target((USER,), ("to", "userId"))
    assert ReassignTarget(user_id=strawberry.ID("")).plain("to") == Target((NOBODY,), ("to", "userId"))
    assert ReassignTarget(unassigned=True).plain("input", "handOver") == Target((), ("input", "handOver", "unassigned"))
    assert ReassignTarget(round_robin=[user, user]).plain("to") == Target((USER, USER), ("to", "roundRobin"))


@pytest.mark.parametrize(
    ("target", "field"),
    [(ReassignTarget(unassigned=False), "unassigned"), (ReassignTarget(round_robin=[]), "roundRobin")],
)
def test_a_target_of_nobody_in_particular_is_refused(target: ReassignTarget, field: str) -> None:
    with pytest.raises(Refused) as caught:
        target.plain("to")
    (refusal,) = caught.value.refusals
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, ["to", field])
