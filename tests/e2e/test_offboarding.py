"""The whole story of somebody who leaves, comes back and is forgotten, as two clients live it."""

from typing import Any

import httpx

from tests.e2e.callers import SIGN_IN, Caller, Person
from tests.e2e.server import Server
from tests.e2e.sockets import USER_CHANGED, closing_of, open_socket, socket_of

PASSWORD = "demo-password"
COUNT = """query($who: ID!) { inbox(filter: {assignedTo: {userId: $who}, status: [OPEN, SNOOZED]}, first: 1) {
  totalCount edges { node { id } }
} }"""
REASSIGN = """mutation($from: ID!, $to: ID!) {
  bulkReassign(input: {filter: {assignedTo: {userId: $from}}, to: {userId: $to}}) {
    matched errors { code message }
    operation { status matched processed reassignedConversations reassignedFollowUps skipped }
  }
}"""
DEACTIVATE = """mutation($id: ID!) { deactivateUser(input: {userId: $id, reason: LEFT_COMPANY, note: "Moves away"}) {
  revokedSessions errors { code }
  user { status roles teams { name } deactivation { reason note by { displayName } } workload { open snoozed } }
} }"""
REACTIVATE = """mutation($id: ID!) { reactivateUser(input: {userId: $id}) {
  errors { code } user { status roles teams { name } deactivation { at } }
} }"""
DELETE = """mutation($id: ID!, $email: String!) {
  deleteUser(input: {userId: $id, confirmation: $email, reason: PRIVACY_REQUEST}) { deletedUserId errors { code } }
}"""
NOTE = """mutation($id: ID!) { addNote(input: {conversationId: $id, body: "Refund promised"}) {
  errors { code } note { id author { displayName } }
} }"""
USER = "query($id: ID!) { user(id: $id) { name roles teams { name } } }"
AUDIT = """{ auditLog(first: 30, filter: {action: [
    BULK_REASSIGNED, USER_DEACTIVATED, USER_REACTIVATED, USER_DELETED, SIGNED_IN, SIGN_IN_FAILED]}) {
  edges { node { action actor { __typename displayName } target { __typename displayName } summary } }
} }"""


async def test_leave_come_back_and_be_forgotten(server: Server, http: httpx.AsyncClient) -> None:
    visitor = Caller(http, server.url)
    olivia = await visitor.sign_in("demo", "olivia@demo.test", PASSWORD)
    omar = await visitor.sign_in("demo", "omar@demo.test", PASSWORD)
    ana = await visitor.sign_in("demo", "ana@demo.test", PASSWORD, client="MOBILE")
    before = await ana.ask(USER, id=ana.id)
    work = await olivia.ask(COUNT, who=ana.id)
    note = (await ana.do(NOTE, id=work["edges"][0]["node"]["id"]))["note"]
    assert note["author"] == {"displayName": "Ana Ruiz"}
    after = await olivia.feed_position()
    async with socket_of(olivia) as console, socket_of(ana) as phone:
        await console.watch("WORKSPACE", after, id="sessions")
        await console.subscribe(USER_CHANGED, "users", after=after)
        await console.settle()
        await phone.watch()
        await phone.settle()

        await hand_over(olivia, ana, omar, work["totalCount"])

        left = await olivia.do(DEACTIVATE, id=ana.id)
        assert left["revokedSessions"] == 1
        assert left["user"] == {
            **{key: before[key] for key in ("roles", "teams")},
            "status": "INACTIVE",
            "deactivation": {"reason": "LEFT_COMPANY", "note": "Moves away", "by": {"displayName": "Olivia Owens"}},
            "workload": {"open": 0, "snoozed": 0},
        }
        told = await phone.event()
        assert (told["sessionId"], told["reason"]) == (ana.session_id, "USER_DEACTIVATED")
        assert await phone.hear() == {"id": "1", "type": "complete"}
        assert await phone.closing() == (4401, "USER_DEACTIVATED")
        heard = {message["id"]: message["payload"]["data"] for message in [await console.hear(), await console.hear()]}
        assert heard["sessions"]["sessionRevoked"]["cursor"] == told["cursor"]
        assert heard["users"]["userChanged"]["kind"] == "DEACTIVATED"
    assert await ana.why_out() == "USER_DEACTIVATED"
    assert await refusal(visitor, PASSWORD) == "USER_DEACTIVATED"
    assert await refusal(visitor, "not her password") == "INVALID_CREDENTIALS"

    back = await olivia.do(REACTIVATE, id=ana.id)
    kept = {key: before[key] for key in ("roles", "teams")}
    assert back["user"] == {**kept, "status": "ACTIVE", "deactivation": None}
    returned = await visitor.sign_in("demo", "ana@demo.test", PASSWORD)
    assert returned.id == ana.id
    assert await returned.works()
    assert await ana.why_out() == "USER_DEACTIVATED"
    assert await closing_of(ana) == (4401, "USER_DEACTIVATED")

    async with socket_of(returned) as socket:
        await socket.watch()
        await socket.settle()
        assert (await olivia.do(DELETE, id=ana.id, email="ana@demo.test"))["deletedUserId"] == ana.id
        assert (await socket.event())["reason"] == "USER_DELETED"
        assert await socket.hear() == {"id": "1", "type": "complete"}
        assert await socket.closing() == (4401, "USER_DELETED")
    assert await returned.why_out() == "USER_DELETED"
    assert await refusal(visitor, PASSWORD) == "INVALID_CREDENTIALS"
    assert await olivia.ask(USER, id=ana.id) is None
    read = await olivia.ask(
        "query($id: ID!) { node(id: $id) { ... on Note { body author { displayName } } } }", id=note["id"]
    )
    assert read == {"body": "Refund promised", "author": {"displayName": "Deleted user"}}
    await check_audit_log(olivia)
    await check_replay(olivia, ana, after)


async def hand_over(olivia: Person, ana: Person, omar: Person, conversations: int) -> None:
    """Everything that Ana has open or snoozed goes to Omar."""
    assert conversations > 0
    payload = await olivia.do(REASSIGN, **{"from": ana.id, "to": omar.id})
    operation = payload["operation"]
    assert (operation["status"], operation["skipped"]) == ("COMPLETED", 0)
    assert operation["reassignedConversations"] == conversations
    assert operation["matched"] == operation["processed"] == payload["matched"]
    assert operation["matched"] == conversations + operation["reassignedFollowUps"]
    assert (await olivia.ask(COUNT, who=ana.id))["totalCount"] == 0
    assert (await olivia.ask(COUNT, who=omar.id))["totalCount"] >= conversations


async def refusal(visitor: Caller, password: str) -> str:
    """The code with which Ana is not let in."""
    payload = await visitor.ask(SIGN_IN, input={"workspace": "demo", "email": "ana@demo.test", "password": password})
    assert payload["token"] is None
    (error,) = payload["errors"]
    return str(error["code"])


async def check_audit_log(olivia: Person) -> None:
    """Newest first: what Olivia did stands with her name, what Ana did and what was done to her with nobody's."""
    entries: list[dict[str, Any]] = [edge["node"] for edge in (await olivia.ask(AUDIT))["edges"]]
    gone = {"__typename": "DeletedUser", "displayName": "Deleted user"}
    owner = {"__typename": "User", "displayName": "Olivia Owens"}
    of_ana = [
        each
        for each in entries
        if gone in (each["actor"], each["target"])
        and each["action"] != "SIGN_IN_FAILED"
        and each["actor"]["__typename"] != "SystemActor"  # what she had is released some time after
    ]
    assert [(entry["action"], entry["actor"]) for entry in of_ana[:6]] == [
        ("USER_DELETED", owner),
        ("SIGNED_IN", gone),
        ("USER_REACTIVATED", owner),
        ("USER_DEACTIVATED", owner),
        ("BULK_REASSIGNED", owner),
        ("SIGNED_IN", gone),
    ]
    assert sum(entry["action"] == "SIGN_IN_FAILED" and entry["target"] == gone for entry in entries) == 2
    assert "Ana Ruiz" not in str(entries)
    assert "ana@demo.test" not in str(entries)


async def check_replay(olivia: Person, ana: Person, after: str) -> None:
    """Whoever comes now with the cursor of the beginning hears the story once, in order."""
    async with open_socket(olivia.url) as socket:
        await socket.introduce(olivia.token)
        await socket.subscribe(USER_CHANGED, after=after)
        changes = [await socket.event() for _ in range(3)]
    assert [change["kind"] for change in changes] == ["DEACTIVATED", "REACTIVATED", "DELETED"]
    assert {change["userId"] for change in changes} == {ana.id}
    assert changes[-1]["user"] is None
