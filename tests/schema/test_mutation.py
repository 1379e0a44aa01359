"""The mutation root over HTTP: every field does its work, and its refusals are data."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models.enums import AuditAction, Role
from models.log import AuditEntry
from models.types import now
from resolvers.passwords import hash_password
from schema import ids
from tests.api import Api
from tests.crowd import conversations
from tests.workshop import Person, Workshop

PASSWORD = "correct horse battery"
ERRORS = "errors { code message field retryAfter }"


def uid(person: Person) -> str:
    return ids.encode("User", person.id)


async def mutate(api: Api, name: str, input: str, answer: str, person: Person | None = None, **ids_: Any) -> Any:
    """Run one mutation; `input` may use $a and $b."""
    declared = "".join(f"${key}: ID!, " for key in ids_)
    head = f"mutation ({declared[:-2]})" if declared else "mutation"
    return (await api.data(f"{head} {{ {name}(input: {{{input}}}) {{ {answer} }} }}", person, **ids_))[name]


async def sign_in(api: Api, email: str, password: str = PASSWORD, workspace: str = "acme") -> Any:
    given = f'workspace: "{workspace}", email: "{email}", password: "{password}", client: MOBILE, deviceName: "Phone"'
    return await mutate(
        api, "signIn", given, f"token session {{ id client deviceName current }} user {{ id name roles }} {ERRORS}"
    )


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    person = await workshop.person("Ana Ruiz", Role.AGENT, password_hash=await hash_password(PASSWORD, 1))
    await workshop.sign_in(person)
    return person


async def test_signing_in_and_out(api: Api, ana: Person) -> None:
    signed_in = await sign_in(api, ana.email)
    assert signed_in["errors"] == []
    assert signed_in["user"] == {"id": uid(ana), "name": "Ana Ruiz", "roles": ["AGENT"]}
    assert signed_in["session"].items() >= {"client": "MOBILE", "deviceName": "Phone", "current": True}.items()
    here = Person(ana.id, ana.actor_id, ana.email, signed_in["token"])
    assert await api.data("mutation { signOut { signedOut } }", here) == {"signOut": {"signedOut": True}}
    refused = await api.post("{ viewer { id } }", here)
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "SIGNED_OUT"}


async def test_a_refused_sign_in_has_errors_and_nothing_else(api: Api, ana: Person) -> None:
    refused = await sign_in(api, ana.email, "wrong")
    assert (refused["token"], refused["session"], refused["user"]) == (None, None, None)
    assert [error["code"] for error in refused["errors"]] == ["INVALID_CREDENTIALS"]


async def test_what_follows_a_sign_in_elsewhere_is_read_with_ones_own_eyes(api: Api, workshop: Workshop) -> None:
    elsewhere = await Workshop.open(api.database, "elsewhere")
    zoe = await elsewhere.person(
        "Zoe", Role.AGENT, email="zoe@else.test", password_hash=await hash_password(PASSWORD, 1)
    )
    (conversation_id,) = await conversations(workshop, [1])
    credentials = f'workspace: "elsewhere", email: "{zoe.email}", password: "{PASSWORD}"'
    data = await api.data(
        f"mutation ($id: ID!) {{ signIn(input: {{{credentials}}}) {{ user {{ name }} }} "
        'addNote(input: {conversationId: $id, body: "Called back."}) { note { author { displayName } } } }',
        workshop.olivia,
        id=ids.encode("Conversation", conversation_id),
    )
    assert data["signIn"]["user"] == {"name": "Zoe"}
    assert data["addNote"]["note"] == {"author": {"displayName": "Olivia Owens"}}


async def test_what_follows_a_sign_in_is_still_nobodys(api: Api, ana: Person) -> None:
    answer = await api.post(
        f'mutation {{ signIn(input: {{workspace: "acme", email: "{ana.email}", password: "{PASSWORD}"}}) {{ token }} '
        "signOut { signedOut } }"
    )
    assert answer.status_code == 401
    assert "data" not in answer.json()


async def test_sessions_are_ended(api: Api, workshop: Workshop, ana: Person) -> None:
    session_id = ids.encode("Session", ana.viewer.session_id)  # type: ignore[arg-type]
    one = await mutate(
        api, "revokeSession", "sessionId: $a", f"revokedSessions {ERRORS}", workshop.olivia, a=session_id
    )
    assert one == {"revokedSessions": 1, "errors": []}
    assert (await api.post("{ viewer { id } }", ana)).json()["errors"][0]["extensions"]["reason"] == "SESSION_REVOKED"
    await workshop.sign_in(ana)
    ended = await mutate(api, "revokeAllSessions", "userId: $a", "revokedSessions", workshop.olivia, a=uid(ana))
    assert ended == {"revokedSessions": 1}
    kept = await mutate(
        api,
        "revokeAllSessions",
        "userId: $a, exceptCurrent: true",
        "revokedSessions",
        workshop.olivia,
        a=uid(workshop.olivia),
    )
    assert kept == {"revokedSessions": 0}


async def test_invitation_and_reset_by_mail(api: Api, workshop: Workshop) -> None:
    invited = await mutate(
        api,
        "inviteUser",
        'email: "Bo@Acme.test", name: "Bo Bell", roles: [AGENT]',
        f"user {{ id email invitationPending status roles teams {{ id }} }} {ERRORS}",
        workshop.olivia,
    )
    assert invited["user"].items() >= {"email": "bo@acme.test", "invitationPending": True, "roles": ["AGENT"]}.items()
    token = await api.postbox.token()
    accepted = await mutate(
        api, "acceptInvitation", f'token: "{token}", password: "{PASSWORD}"', f"token user {{ name }} {ERRORS}"
    )
    assert (accepted["user"], accepted["errors"]) == ({"name": "Bo Bell"}, [])
    again = await mutate(api, "acceptInvitation", f'token: "{token}", password: "{PASSWORD}"', f"token {ERRORS}")
    assert [error["code"] for error in again["errors"]] == ["TOKEN_INVALID"]

    asked = await mutate(api, "requestPasswordReset", 'workspace: "acme", email: "bo@acme.test"', f"accepted {ERRORS}")
    assert asked == {"accepted": True, "errors": []}
    link = await api.postbox.token()
    weak = await mutate(api, "resetPassword", f'token: "{link}", newPassword: "short"', ERRORS)
    assert [error["code"] for error in weak["errors"]] == ["WEAK_PASSWORD"]
    done = await mutate(api, "resetPassword", f'token: "{link}", newPassword: "another fine one"', ERRORS)
    assert done == {"errors": []}
    assert (await sign_in(api, "bo@acme.test", "another fine one"))["errors"] == []
    dead = await api.post("{ viewer { id } }", Person(workshop.olivia.id, workshop.olivia.id, "", accepted["token"]))
    assert dead.json()["errors"][0]["extensions"]["reason"] == "PASSWORD_CHANGED"


async def test_the_password_is_changed(api: Api, ana: Person) -> None:
    given = f'currentPassword: "{PASSWORD}", newPassword: "another fine one"'
    assert await mutate(api, "changePassword", given, ERRORS, ana) == {"errors": []}
    assert await api.errors("{ viewer { id } }", ana) == []
    refused = await mutate(api, "changePassword", given, ERRORS, ana)
    assert [error["code"] for error in refused["errors"]] == ["INVALID_CREDENTIALS"]


async def test_roles_are_given_and_taken(api: Api, workshop: Workshop, ana: Person) -> None:
    answer = f"user {{ roles }} {ERRORS}"
    given = await mutate(api, "assignRole", "userId: $a, role: ADMIN", answer, workshop.olivia, a=uid(ana))
    assert given == {"user": {"roles": ["ADMIN", "AGENT"]}, "errors": []}
    taken = await mutate(api, "removeRole", "userId: $a, role: ADMIN", answer, workshop.olivia, a=uid(ana))
    assert taken == {"user": {"roles": ["AGENT"]}, "errors": []}
    last = await mutate(api, "removeRole", "userId: $a, role: OWNER", answer, workshop.olivia, a=uid(workshop.olivia))
    assert last["user"] is None
    assert last["errors"] == [
        {
            "code": "SOLE_OWNER",
            "message": "This is the workspace's only active owner. Assign Owner to another user first.",
            "field": ["userId"],
            "retryAfter": None,
        }
    ]


async def test_out_in_and_gone(api: Api, workshop: Workshop, ana: Person) -> None:
    ben = await workshop.person("Ben Bell", Role.AGENT)
    conversation_id = await workshop.conversation("Refund", ana)
    out = await mutate(
        api,
        "deactivateUser",
        'userId: $a, reason: LEFT_COMPANY, note: "Last day", handOver: {userId: $b}',
        "user { status deactivation { reason note by { displayName } } workload { open } } revokedSessions "
        f"handOver {{ status matched reassignedConversations startedBy {{ displayName }} }} {ERRORS}",
        workshop.olivia,
        a=uid(ana),
        b=uid(ben),
    )
    assert out == {
        "user": {
            "status": "INACTIVE",
            "deactivation": {"reason": "LEFT_COMPANY", "note": "Last day", "by": {"displayName": "Olivia Owens"}},
            "workload": {"open": 0},
        },
        "revokedSessions": 1,
        "handOver": {
            "status": "COMPLETED",
            "matched": 1,
            "reassignedConversations": 1,
            "startedBy": {"displayName": "Olivia Owens"},
        },
        "errors": [],
    }
    assert [error["code"] for error in (await sign_in(api, ana.email))["errors"]] == ["USER_DEACTIVATED"]
    back = await mutate(
        api,
        "reactivateUser",
        "userId: $a",
        f"user {{ status deactivation {{ at }} roles }} {ERRORS}",
        workshop.olivia,
        a=uid(ana),
    )
    assert back == {"user": {"status": "ACTIVE", "deactivation": None, "roles": ["AGENT"]}, "errors": []}
    assert (await sign_in(api, ana.email))["errors"] == []
    gone = await mutate(
        api,
        "deleteUser",
        f'userId: $a, confirmation: "{ana.email}", reason: PRIVACY_REQUEST',
        f"deletedUserId {ERRORS}",
        workshop.olivia,
        a=uid(ana),
    )
    assert gone == {"deletedUserId": uid(ana), "errors": []}
    log = await api.data(
        "{ auditLog(filter: {action: [USER_DEACTIVATED]}) { edges { node { target { __typename displayName "
        "... on DeletedUser { reference } } } } } }",
        workshop.olivia,
    )
    target = log["auditLog"]["edges"][0]["node"]["target"]
    assert (target["__typename"], target["displayName"]) == ("DeletedUser", "Deleted user")
    by_reference = await api.data(
        "query ($a: ID!) { auditLog(filter: {targetId: $a}) { totalCount } }", workshop.olivia, a=target["reference"]
    )
    assert by_reference["auditLog"]["totalCount"] >= 3
    assert (
        await api.data(
            "query ($a: ID!) { conversation(id: $a) { assignee { name } } }",
            workshop.olivia,
            a=ids.encode("Conversation", conversation_id),
        )
    )["conversation"]["assignee"]["name"] == "Ben Bell"


async def test_the_workspace_is_changed(api: Api, workshop: Workshop) -> None:
    answer = await mutate(
        api,
        "updateWorkspace",
        'name: "Acme Inc", retentionDays: 0',
        f"workspace {{ name retentionDays }} {ERRORS}",
        workshop.olivia,
    )
    assert answer == {"workspace": {"name": "Acme Inc", "retentionDays": 0}, "errors": []}


async def test_work_is_handed_over_and_taken_back(api: Api, workshop: Workshop, ana: Person) -> None:
    conversation_id = ids.encode("Conversation", await workshop.conversation("Refund", workshop.olivia))
    counted = await mutate(
        api,
        "bulkReassign",
        "filter: {assignedTo: {userId: $b}}, to: {userId: $a}, dryRun: true",
        f"operation {{ id }} matched {ERRORS}",
        workshop.olivia,
        a=uid(ana),
        b=uid(workshop.olivia),
    )
    assert counted == {"operation": None, "matched": 1, "errors": []}
    done = await mutate(
        api,
        "bulkReassign",
        "filter: {ids: [$b]}, to: {roundRobin: [$a]}",
        f"operation {{ id undoOf {{ id }} failure {{ code }} finishedAt }} matched {ERRORS}",
        workshop.olivia,
        a=uid(ana),
        b=conversation_id,
    )
    operation_id = done["operation"]["id"]
    undone = await mutate(
        api,
        "undoBulkReassign",
        "operationId: $a",
        f"operation {{ status skipped undoOf {{ id status }} }} matched {ERRORS}",
        workshop.olivia,
        a=operation_id,
    )
    assert undone["operation"] == {
        "status": "COMPLETED",
        "skipped": 0,
        "undoOf": {"id": operation_id, "status": "UNDONE"},
    }
    read = await api.data("query ($a: ID!) { bulkOperation(id: $a) { status } }", workshop.olivia, a=operation_id)
    assert read == {"bulkOperation": {"status": "UNDONE"}}


@pytest.mark.parametrize(
    ("to", "path"), [("unassigned: false", ["to", "unassigned"]), ("roundRobin: []", ["to", "roundRobin"])]
)
async def test_a_target_that_names_nobody_is_refused(api: Api, workshop: Workshop, to: str, path: list[str]) -> None:
    answer = await mutate(api, "bulkReassign", f"filter: {{}}, to: {{{to}}}", f"matched {ERRORS}", workshop.olivia)
    assert [(error["code"], error["field"]) for error in answer["errors"]] == [("INVALID_INPUT", path)]


async def test_one_conversation_is_worked_on(api: Api, workshop: Workshop, ana: Person) -> None:
    conversation_id = ids.encode("Conversation", await workshop.conversation("Refund"))
    assigned = await mutate(
        api,
        "assignConversation",
        "conversationId: $a, to: {userId: $b}",
        f"conversation {{ assignee {{ name }} }} {ERRORS}",
        ana,
        a=conversation_id,
        b=uid(ana),
    )
    assert assigned == {"conversation": {"assignee": {"name": "Ana Ruiz"}}, "errors": []}
    noted = await mutate(
        api,
        "addNote",
        'conversationId: $a, body: "Called back"',
        f"note {{ body author {{ displayName }} }} {ERRORS}",
        ana,
        a=conversation_id,
    )
    assert noted == {"note": {"body": "Called back", "author": {"displayName": "Ana Ruiz"}}, "errors": []}
    answer = await api.data(
        "query ($a: ID!) { conversation(id: $a) { notes(first: 1) { totalCount edges { node { body } } } } }",
        ana,
        a=conversation_id,
    )
    assert answer["conversation"]["notes"] == {"totalCount": 1, "edges": [{"node": {"body": "Called back"}}]}


async def test_access_tokens_come_and_go(api: Api, workshop: Workshop) -> None:
    expires = (now() + timedelta(days=1)).isoformat()
    made = await mutate(
        api,
        "createAccessToken",
        f'name: "CRM", scopes: [USERS_READ, INBOX_READ], expiresAt: "{expires}"',
        f"secret accessToken {{ id name scopes createdBy {{ displayName }} lastUsedAt }} {ERRORS}",
        workshop.olivia,
    )
    assert made["accessToken"].items() >= {"name": "CRM", "scopes": ["INBOX_READ", "USERS_READ"]}.items()
    partner = Person(workshop.olivia.id, workshop.olivia.id, "", made["secret"])
    assert await api.errors("{ users { totalCount } }", partner) == []
    listed = await api.data("{ accessTokens { id } }", workshop.olivia)
    assert listed == {"accessTokens": [{"id": made["accessToken"]["id"]}]}
    gone = await mutate(
        api, "revokeAccessToken", "accessTokenId: $a", f"revoked {ERRORS}", workshop.olivia, a=made["accessToken"]["id"]
    )
    assert gone == {"revoked": True, "errors": []}
    refused = await api.post("{ users { totalCount } }", partner)
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["extensions"]["reason"] == "TOKEN_REVOKED"


async def test_several_mutations_each_see_what_the_earlier_did(api: Api, workshop: Workshop, ana: Person) -> None:
    answer = await api.data(
        "mutation ($a: ID!) { first: assignRole(input: {userId: $a, role: ADMIN}) { user { roles } } "
        "second: removeRole(input: {userId: $a, role: AGENT}) { user { roles } } }",
        workshop.olivia,
        a=uid(ana),
    )
    assert answer == {"first": {"user": {"roles": ["ADMIN", "AGENT"]}}, "second": {"user": {"roles": ["ADMIN"]}}}


async def test_a_verb_that_is_not_allowed_is_a_graphql_error(api: Api, workshop: Workshop, ana: Person) -> None:
    query = "mutation ($a: ID!) { deactivateUser(input: {userId: $a}) { user { id } errors { code } } }"
    answer = (await api.post(query, ana, a=uid(workshop.olivia))).json()
    assert answer["data"] == {"deactivateUser": None}
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert await workshop.count(AuditEntry, action=AuditAction.USER_DEACTIVATED) == 0


async def test_many_who_change_their_passwords_at_once_all_get_an_answer(api: Api, ana: Person) -> None:
    """Whoever holds a connection while waiting for another one would stop everybody, once the pool is empty."""
    change = (
        f'mutation {{ changePassword(input: {{currentPassword: "wrong", newPassword: "{PASSWORD}"}}) {{ {ERRORS} }} }}'
    )
    answers = await asyncio.gather(*(api.data(change, ana) for _ in range(40)))
    codes = {answer["changePassword"]["errors"][0]["code"] for answer in answers}
    assert codes == {"INVALID_CREDENTIALS", "RATE_LIMITED"}
