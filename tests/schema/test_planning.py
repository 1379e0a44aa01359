"""Departures with a date and legal holds over HTTP: what is planned, what it shows, and to whom."""

from datetime import timedelta
from typing import Any

import pytest

from models.enums import DeactivationReason, Role
from models.leaving import AnnouncedDeletion
from models.types import now
from resolvers.roles import remove_role
from tests.api import Api
from tests.records import call
from tests.resolvers.leaving import carry_out_due, in_days, pass_time, schedule
from tests.schema.test_mutation import uid
from tests.workshop import Person, Workshop

DEPARTURE = """
at returnAt reason note revokeAccessTokens state dueAt failure { code message }
user { name } scheduledBy { displayName } handOver { to { displayName } }
"""
SCHEDULE = f"""mutation ($input: ScheduleDepartureInput!) {{
  scheduleDeparture(input: $input) {{ departure {{ id {DEPARTURE} }} errors {{ code field message }} }}
}}"""
SHOWN = "query ($id: ID!) { user(id: $id) { scheduledDeparture { id state failure { code } } } }"


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    return await workshop.person("Ana Ruiz", Role.AGENT)


def text(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


async def test_a_departure_is_planned_shown_listed_and_called_off(api: Api, workshop: Workshop, ana: Person) -> None:
    at, back = in_days(1), in_days(9)
    words = {
        "userId": uid(ana),
        "at": text(at),
        "returnAt": text(back),
        "reason": DeactivationReason.EXTENDED_LEAVE,
        "note": "Parental leave",
        "handOver": {"roundRobin": [uid(workshop.olivia)]},
    }
    done = (await api.data(SCHEDULE, workshop.olivia, input=words))["scheduleDeparture"]
    departure_id = done["departure"].pop("id")
    assert done == {
        "errors": [],
        "departure": {
            "at": text(at),
            "returnAt": text(back),
            "reason": "EXTENDED_LEAVE",
            "note": "Parental leave",
            "revokeAccessTokens": False,
            "state": "PLANNED",
            "dueAt": text(at),
            "failure": None,
            "user": {"name": "Ana Ruiz"},
            "scheduledBy": {"displayName": "Olivia Owens"},
            "handOver": {"to": [{"displayName": "Olivia Owens"}]},
        },
    }
    listed = await api.data(
        f"{{ scheduledDepartures {{ totalCount edges {{ node {{ id {DEPARTURE} }} }} }} }}", workshop.olivia
    )
    node = {"id": departure_id, **done["departure"]}
    assert listed == {"scheduledDepartures": {"totalCount": 1, "edges": [{"node": node}]}}
    for person, expected in ((workshop.olivia, {"id": departure_id, "state": "PLANNED", "failure": None}), (ana, None)):
        await workshop.sign_in(person)
        assert (await api.data(SHOWN, person, id=uid(ana)))["user"]["scheduledDeparture"] == expected
    assert await api.errors("{ scheduledDepartures { totalCount } }", ana) == ["FORBIDDEN"]
    cancel = "mutation ($id: ID!) { cancelDeparture(input: {userId: $id}) { user { scheduledDeparture { id } } } }"
    called_off = await api.data(cancel, workshop.olivia, id=uid(ana))
    assert called_off == {"cancelDeparture": {"user": {"scheduledDeparture": None}}}


async def test_refusals_say_which_field(api: Api, workshop: Workshop, ana: Person) -> None:
    for words, field in (
        ({"at": text(in_days(-1))}, ["at"]),
        ({"at": text(in_days(1)), "returnAt": text(in_days(0))}, ["returnAt"]),
        ({"at": text(in_days(1)), "handOver": {"roundRobin": []}}, ["handOver", "roundRobin"]),
    ):
        done = (await api.data(SCHEDULE, workshop.olivia, input={"userId": uid(ana), **words}))["scheduleDeparture"]
        assert (done["departure"], [error["field"] for error in done["errors"]]) == (None, [field])


async def test_how_far_a_departure_is(api: Api, workshop: Workshop, ana: Person) -> None:
    omar = await workshop.person("Omar", Role.OWNER)
    await workshop.sign_in(omar)
    await schedule(workshop, ana, return_at=in_days(5))
    await schedule(workshop, omar)
    await call(workshop, remove_role, workshop.olivia, user_id=workshop.olivia.id, role=Role.OWNER)
    await pass_time(workshop, days=1)
    await carry_out_due(workshop.database)
    for who, expected in ((ana, ("AWAY", None)), (omar, ("FAILING", {"code": "SOLE_OWNER"}))):
        found = (await api.data(SHOWN, omar, id=uid(who)))["user"]["scheduledDeparture"]
        assert (found["state"], found["failure"]) == expected
    log = await api.data(
        "{ auditLog(filter: {action: [USER_DEACTIVATED]}) { edges { node {"
        " actor { displayName } onBehalfOf { displayName } summary } } } }",
        omar,
    )
    assert [edge["node"] for edge in log["auditLog"]["edges"]] == [
        {
            "actor": {"displayName": "Offboard"},
            "onBehalfOf": {"displayName": "Olivia Owens"},
            "summary": "Offboard deactivated Ana Ruiz (other), as Olivia Owens had scheduled.",
        }
    ]


HELD = "legalHold { note since by { displayName } } deletionAt"


async def test_a_hold_is_placed_shown_and_lifted(api: Api, workshop: Workshop, ana: Person) -> None:
    place = f"""mutation ($id: ID!) {{ placeLegalHold(input: {{userId: $id, note: "Case 12"}}) {{
      user {{ {HELD} }} errors {{ code }}
    }} }}"""
    hold = (await api.data(place, workshop.olivia, id=uid(ana)))["placeLegalHold"]["user"]["legalHold"]
    assert hold.pop("since")
    assert hold == {"note": "Case 12", "by": {"displayName": "Olivia Owens"}}
    await workshop.sign_in(ana)
    shown = f"query ($id: ID!) {{ user(id: $id) {{ {HELD} }} }}"
    assert await api.data(shown, ana, id=uid(ana)) == {"user": {"legalHold": None, "deletionAt": None}}
    delete = """mutation ($id: ID!) { deleteUser(input: {
      userId: $id, confirmation: "ana@acme.test", reason: PRIVACY_REQUEST
    }) { deletedUserId errors { code field } } }"""
    refused = {"deletedUserId": None, "errors": [{"code": "LEGAL_HOLD", "field": ["userId"]}]}
    assert (await api.data(delete, workshop.olivia, id=uid(ana)))["deleteUser"] == refused
    lift = f"mutation ($id: ID!) {{ liftLegalHold(input: {{userId: $id}}) {{ user {{ {HELD} }} errors {{ code }} }} }}"
    lifted = (await api.data(lift, workshop.olivia, id=uid(ana)))["liftLegalHold"]
    assert lifted == {"errors": [], "user": {"legalHold": None, "deletionAt": None}}
    day = now() + timedelta(days=7)
    async with workshop.database.begin() as tx:
        row = AnnouncedDeletion(user_id=ana.id, workspace_id=workshop.workspace_id, announced_at=now(), delete_at=day)
        await tx.add(row)
    found = await api.data(shown, workshop.olivia, id=uid(ana))
    assert found == {"user": {"legalHold": None, "deletionAt": text(day)}}


async def test_deleting_by_itself_is_a_setting(api: Api, workshop: Workshop) -> None:
    async def change(words: str) -> Any:
        done = await api.data(
            f"mutation {{ updateWorkspace(input: {{{words}}}) {{"
            " workspace { deleteAfterDays } errors { field } } }",
            workshop.olivia,
        )
        return done["updateWorkspace"]

    for words, expected in (
        ("deleteAfterDays: 90", 90),
        ('name: "Acme"', 90),
        ("retentionDays: 1", 90),
        ("deleteAfterDays: null", None),
    ):
        assert await change(words) == {"workspace": {"deleteAfterDays": expected}, "errors": []}
    assert await change("deleteAfterDays: 0") == {"workspace": None, "errors": [{"field": ["deleteAfterDays"]}]}
