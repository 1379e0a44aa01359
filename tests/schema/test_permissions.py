"""The permission table: every operation of the schema, for every role and for every scope of an access token.

`tests/resolvers/test_authority.py` asks the verbs cell by cell; here it is seen that no operation is without a row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from models.enums import TokenScope
from offboard.http import Endpoint
from schema import ids
from tests.estate import Estate
from tests.schema.asking import PRINTED, Operation, Place, operations, put
from tests.schema.worlds import World, codes_of
from tests.workshop import Person

pytestmark = pytest.mark.long

CALLERS = {"owner": "olivia", "admin": "adam", "agent": "dora", "viewer": "vera", "norole": "nil"}

# yes: it is done, or refused for reasons that have nothing to do with who asks. no: FORBIDDEN. ask: OWNER_REQUIRED.
# null: there is no such thing for this caller. Then follow the scopes that are enough (*: any), and in parentheses
# those for which it is null; other tokens get what stands before them. An operation on a person, or on what somebody
# has, is asked about an agent; "on" tells about whom else, "with" what else is sent.
TABLE = """
                                                        owner  admin  agent  viewer norole tokens

Query.viewer                                            yes    yes    yes    yes    yes     null
Query.workspace                                         yes    yes    yes    yes    no      no   *
Query.node                                              yes    yes    yes    yes    null    null USERS_READ
Query.node on admin                                     yes    yes    yes    yes    null    null USERS_READ
Query.node on owner                                     yes    yes    yes    yes    null    null USERS_READ
Query.feedPosition                                      yes    yes    yes    yes    yes     no   *
Query.users                                             yes    yes    yes    yes    no      no   USERS_READ
Query.user                                              yes    yes    yes    yes    no      no   USERS_READ
Query.user on admin                                     yes    yes    yes    yes    no      no   USERS_READ
Query.user on owner                                     yes    yes    yes    yes    no      no   USERS_READ
Query.scheduledDepartures                               yes    yes    no     no     no      no   USERS_WRITE
Query.teams                                             yes    yes    yes    yes    no      no   USERS_READ
Query.inbox                                             yes    yes    yes    yes    no      no   INBOX_READ
Query.conversation                                      yes    yes    yes    yes    no      no   INBOX_READ
Query.auditLog                                          yes    yes    no     no     no      no   AUDIT_READ
Query.accessTokens                                      yes    no     no     no     no      no
Query.bulkOperation                                     yes    yes    yes    yes    no      no  INBOX_READ (INBOX_WRITE)
Query.bulkOperations                                    yes    yes    yes    yes    no      no   INBOX_READ INBOX_WRITE
Conversation.notes                                      yes    yes    yes    yes    null    null INBOX_READ
Conversation.assignments                                yes    yes    yes    yes    null    null INBOX_READ

Mutation.scheduleDeparture                              yes    yes    no     no     no      no   USERS_WRITE
Mutation.scheduleDeparture on admin                     yes    yes    no     no     no      no
Mutation.scheduleDeparture on owner                     yes    ask    no     no     no      no
Mutation.cancelDeparture                                yes    yes    no     no     no      no   USERS_WRITE
Mutation.cancelDeparture on admin                       yes    yes    no     no     no      no
Mutation.cancelDeparture on owner                       yes    ask    no     no     no      no
Mutation.placeLegalHold                                 yes    yes    no     no     no      no
Mutation.placeLegalHold on admin                        yes    yes    no     no     no      no
Mutation.placeLegalHold on owner                        yes    ask    no     no     no      no
Mutation.liftLegalHold                                  yes    yes    no     no     no      no
Mutation.liftLegalHold on admin                         yes    yes    no     no     no      no
Mutation.liftLegalHold on owner                         yes    ask    no     no     no      no
Mutation.signIn                                         yes    yes    yes    yes    yes     no   *
Mutation.signOut                                        yes    yes    yes    yes    yes     no
Mutation.revokeSession                                  yes    yes    no     no     no      no
Mutation.revokeSession on admin                         yes    yes    no     no     no      no
Mutation.revokeSession on owner                         yes    ask    no     no     no      no
Mutation.revokeAllSessions                              yes    yes    no     no     no      no
Mutation.revokeAllSessions on admin                     yes    yes    no     no     no      no
Mutation.revokeAllSessions on owner                     yes    ask    no     no     no      no
Mutation.requestPasswordReset                           yes    yes    yes    yes    yes     no   *
Mutation.resetPassword                                  yes    yes    yes    yes    yes     no   *
Mutation.changePassword                                 yes    yes    yes    yes    yes     no
Mutation.inviteUser                                     yes    yes    no     no     no      no   USERS_WRITE
Mutation.inviteUser with OWNER                          yes    ask    no     no     no      no
Mutation.inviteUser with ADMIN                          yes    yes    no     no     no      no
Mutation.inviteUser with AGENT                          yes    yes    no     no     no      no   USERS_WRITE
Mutation.inviteUser with VIEWER                         yes    yes    no     no     no      no   USERS_WRITE
Mutation.acceptInvitation                               yes    yes    yes    yes    yes     no   *
Mutation.assignRole                                     yes    yes    no     no     no      no   USERS_WRITE
Mutation.assignRole on admin                            yes    yes    no     no     no      no
Mutation.assignRole on owner                            yes    ask    no     no     no      no
Mutation.assignRole with OWNER                          yes    ask    no     no     no      no
Mutation.assignRole with ADMIN                          yes    yes    no     no     no      no
Mutation.assignRole with AGENT                          yes    yes    no     no     no      no   USERS_WRITE
Mutation.assignRole with VIEWER                         yes    yes    no     no     no      no   USERS_WRITE
Mutation.removeRole                                     yes    yes    no     no     no      no   USERS_WRITE
Mutation.removeRole on admin                            yes    yes    no     no     no      no
Mutation.removeRole on owner                            yes    ask    no     no     no      no
Mutation.removeRole with OWNER                          yes    ask    no     no     no      no
Mutation.removeRole with ADMIN                          yes    yes    no     no     no      no
Mutation.removeRole with AGENT                          yes    yes    no     no     no      no   USERS_WRITE
Mutation.removeRole with VIEWER                         yes    yes    no     no     no      no   USERS_WRITE
Mutation.deactivateUser                                 yes    yes    no     no     no      no   USERS_WRITE
Mutation.deactivateUser on admin                        yes    yes    no     no     no      no
Mutation.deactivateUser on owner                        yes    ask    no     no     no      no
Mutation.reactivateUser                                 yes    yes    no     no     no      no   USERS_WRITE
Mutation.reactivateUser on admin                        yes    yes    no     no     no      no
Mutation.reactivateUser on owner                        yes    ask    no     no     no      no
Mutation.deleteUser                                     yes    yes    no     no     no      no
Mutation.deleteUser on admin                            yes    yes    no     no     no      no
Mutation.deleteUser on owner                            yes    ask    no     no     no      no
Mutation.deleteUser with CREATED_IN_ERROR               yes    yes    no     no     no      no
Mutation.deleteUser with PRIVACY_REQUEST                yes    ask    no     no     no      no
Mutation.deleteUser with OFFBOARDED                     yes    yes    no     no     no      no
Mutation.updateWorkspace                                yes    no     no     no     no      no
Mutation.bulkReassign                                   yes    yes    yes    no     no      no   INBOX_WRITE
Mutation.undoBulkReassign                               yes    yes    yes    no     no      no   INBOX_WRITE
Mutation.cancelBulkReassign                             yes    yes    yes    no     no      no   INBOX_WRITE
Mutation.assignConversation                             yes    yes    yes    no     no      no   INBOX_WRITE
Mutation.addNote                                        yes    yes    yes    no     no      no   INBOX_WRITE
Mutation.createAccessToken                              yes    no     no     no     no      no
Mutation.revokeAccessToken                              yes    yes    no     no     no      no   USERS_WRITE
Mutation.revokeAccessToken on admin                     yes    yes    no     no     no      no
Mutation.revokeAccessToken on owner                     yes    ask    no     no     no      no

Subscription.sessionRevoked                             yes    yes    yes    yes    yes     no
Subscription.sessionRevoked with CURRENT_SESSION        yes    yes    yes    yes    yes     no
Subscription.sessionRevoked with VIEWER                 yes    yes    yes    yes    yes     no
Subscription.sessionRevoked with WORKSPACE              yes    yes    no     no     no      no   SESSIONS_WATCH
Subscription.userChanged                                yes    yes    yes    yes    no      no   USERS_READ
Subscription.bulkOperationProgress                      yes    yes    yes    yes    no      no   INBOX_READ INBOX_WRITE
"""


OPEN = {"Mutation.signIn", "Mutation.acceptInvitation", "Mutation.requestPasswordReset", "Mutation.resetPassword"}
"""What nobody needs to be signed in for. All the rest is UNAUTHENTICATED then."""

OTHERS = {"admin": "alma", "owner": "otto"}
DECISIVE = {"Role", "DeletionReason", "RevocationScope"}
"""Enumerations whose value decides who may."""


@dataclass(frozen=True)
class Case:
    """One row: an operation, and what of its arguments is not as usual."""

    operation: Operation
    place: Place | None = None
    value: str = ""

    def __str__(self) -> str:
        if self.place is None:
            return str(self.operation)
        return f"{self.operation} {'on' if self.place.type_name == 'ID' else 'with'} {self.value}"

    def variables(self, estate: Estate) -> dict[str, Any]:
        """The arguments."""
        usual = self.operation.variables(estate)
        if self.place is None:
            return usual
        value = self.value if self.place.type_name != "ID" else belonging_to(estate, self.place.kind, self.value)
        return put(usual, self.operation, self.place, value, estate)


def belonging_to(estate: Estate, kind: str, who: str) -> str:
    """The id of a thing of an administrator's or an owner's, or of one of them."""
    person = estate.people[OTHERS[who]]
    if kind == "Session":
        assert person.viewer.session_id is not None
        return ids.encode(kind, person.viewer.session_id)
    return ids.encode(kind, estate.made[OTHERS[who]] if kind == "AccessToken" else person.id)


def cases(operation: Operation) -> Iterator[Case]:
    """An operation as usual, on whom else, and with what else that decides."""
    yield Case(operation)
    for place in operation.places:
        if place.type_name == "ID" and place.path[:-1] in ((), ("input",)):
            if place.kind in ("User", "Session", "AccessToken"):
                yield from (Case(operation, place, who) for who in OTHERS)
        elif place.type_name in DECISIVE and not place.is_in_filter:
            values = PRINTED.type_map[place.type_name].values  # type: ignore[attr-defined]
            yield from (Case(operation, place, each) for each in values)


def rows() -> dict[str, dict[str, str]]:
    """The table: what each role and each scope gets from an operation."""
    found = {}
    for line in filter(None, map(str.rstrip, TABLE.splitlines()[2:])):
        words = line[56:].split()
        by_scope = dict.fromkeys(TokenScope, "yes" if "*" in words else words[5])
        for each in words[6:]:
            if each != "*":
                by_scope[TokenScope(each.strip("()"))] = "null" if each.startswith("(") else "yes"
        found[line[:56].rstrip()] = dict(zip(CALLERS, words[:5], strict=True)) | by_scope
    return found


def test_every_row_is_of_an_operation() -> None:
    assert set(rows()) == {str(case) for operation in operations() for case in cases(operation)}


@pytest.mark.parametrize("operation", operations(), ids=str)
async def test_who_may(world: World, operation: Operation) -> None:
    (estate,) = world.estates
    callers = {name: estate.people[person] for name, person in CALLERS.items()} | estate.tokens
    for case in cases(operation):
        assert str(case) in rows(), "Say in TABLE who may do what was added."
        found = {name: await outcome(world, case, caller) for name, caller in callers.items()}
        assert found == rows()[str(case)], str(case)


async def test_nobody_may_without_signing_in(world: World) -> None:
    (estate,) = world.estates
    app = Endpoint(world.service, world.gateway)
    headers = {"accept": "application/json, text/event-stream"}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers) as client:
        for operation in operations():
            variables = operation.variables(estate)
            asked = {"query": operation.document(*variables.keys() - {"node"}), "variables": variables}
            answer = await client.post("/graphql", json=asked)
            is_open = str(operation) in OPEN
            assert answer.status_code == (200 if is_open else 401), (str(operation), answer.text)
            assert world.has_changed() == is_open
            world.put_back()


async def outcome(world: World, case: Case, caller: Person) -> str:
    """What the table calls it. Nothing of it stays."""
    estate = world.estates[0]
    variables = case.variables(estate)
    answer = await world.ask(case.operation.document(*variables.keys() - {"node"}), caller, variables)
    if world.has_changed():
        world.put_back()
    codes = codes_of(answer)
    if "FORBIDDEN" in codes or "OWNER_REQUIRED" in codes:
        return "no" if "FORBIDDEN" in codes else "ask"
    return "null" if answer.get("data") and None in answer["data"].values() else "yes"
