"""What a socket hears and how it is closed, over a real connection."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from models.enums import Role
from models.events import EVENT
from models.types import now
from tests.e2e.callers import Person, deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.mail import mailed_token
from tests.e2e.office import PASSWORD, Office
from tests.e2e.server import Server
from tests.e2e.sockets import USER_CHANGED, closing_of, open_socket, socket_of
from tests.waiting import eventually

NEW_PASSWORD = "battery staple correct"
REVOKE_SESSION = "mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { revokedSessions errors { code } } }"
REMOVE_ADMIN = "mutation($id: ID!) { removeRole(input: {userId: $id, role: ADMIN}) { errors { code } } }"
REVOKE_TOKEN = "mutation($id: ID!) { revokeAccessToken(input: {accessTokenId: $id}) { revoked errors { code } } }"
CHANGE_PASSWORD = (
    """mutation($input: ChangePasswordInput!) { changePassword(input: $input) { errors { code message } } }"""
)
RESET_PASSWORD = (
    """mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { errors { code message } } }"""
)


async def test_viewer_hears_of_ones_own_devices_and_one_device_ends_alone(office: Office) -> None:
    ana = await office.hire("Ana")
    phone = await ana.another(client="MOBILE", deviceName="Phone")
    async with socket_of(ana) as laptop_socket, socket_of(phone) as phone_socket:
        await laptop_socket.watch("VIEWER", await ana.feed_position())
        await phone_socket.settle()
        assert await ana.do(REVOKE_SESSION, id=phone.session_id) == {"revokedSessions": 1, "errors": []}
        event = await laptop_socket.event()
        assert (event["sessionId"], event["userId"], event["reason"]) == (phone.session_id, ana.id, "SESSION_REVOKED")
        assert await phone_socket.closing() == (4401, "SESSION_REVOKED")
        await laptop_socket.settle()
    assert await phone.why_out() == "SESSION_REVOKED"
    assert await ana.works()


async def test_workspace_hears_of_everybody_and_user_changed_of_every_change(office: Office) -> None:
    ana, ben = await office.hire("Ana"), await office.hire("Ben")
    after = await office.olivia.feed_position()
    await deactivate(office.olivia, ana.id)
    async with socket_of(office.olivia) as socket:
        await socket.watch("WORKSPACE", after, id="sessions")
        missed = await socket.event("sessions")
        assert (missed["sessionId"], missed["reason"]) == (ana.session_id, "USER_DEACTIVATED")
        await socket.subscribe(USER_CHANGED, "users", after=after)
        change = await socket.event("users")
        assert (change["kind"], change["userId"], change["user"]) == ("DEACTIVATED", ana.id, {"name": "Ana"})
        await deactivate(office.olivia, ben.id)
        heard = [await socket.hear() for _ in range(2)]
        by_id = {message["id"]: next(iter(message["payload"]["data"].values())) for message in heard}
        assert by_id["sessions"]["sessionId"] == ben.session_id
        assert (by_id["users"]["kind"], by_id["users"]["userId"]) == ("DEACTIVATED", ben.id)


async def test_a_socket_without_any_subscription_is_closed_too(office: Office) -> None:
    ana = await office.hire("Ana")
    async with socket_of(ana) as socket:
        await deactivate(office.olivia, ana.id)
        assert await socket.closing() == (4401, "USER_DEACTIVATED")


async def test_without_admin_a_workspace_subscription_ends_and_the_socket_stays(office: Office) -> None:
    adam = await office.hire("Adam", Role.ADMIN, Role.AGENT)
    async with socket_of(adam) as socket:
        await socket.watch("WORKSPACE", await adam.feed_position(), id="sessions")
        await socket.subscribe(USER_CHANGED, "users", after=await adam.feed_position())
        await socket.settle()
        await office.olivia.do(REMOVE_ADMIN, id=adam.id)
        heard = {message["id"]: message for message in [await socket.hear(), await socket.hear()]}
        assert heard["sessions"]["type"] == "error"
        assert heard["sessions"]["payload"][0]["extensions"]["code"] == "FORBIDDEN"
        assert heard["users"]["payload"]["data"]["userChanged"]["kind"] == "ROLES_CHANGED"
        await socket.watch("WORKSPACE", id="again")
        assert await socket.refusal("again") == "FORBIDDEN"
        await socket.settle()


async def test_the_socket_of_a_revoked_access_token_is_closed(office: Office) -> None:
    ana = await office.hire("Ana")
    partner = await office.partner("SESSIONS_WATCH")
    async with socket_of(partner) as socket:
        await socket.watch("WORKSPACE", await office.olivia.feed_position())
        await ana.ask("mutation { signOut { signedOut } }")
        assert (await socket.event())["reason"] == "SIGNED_OUT"
        await office.olivia.do(REVOKE_TOKEN, id=partner.id)
        assert await socket.hear() == {"id": "1", "type": "complete"}
        assert await socket.closing() == (4401, "TOKEN_REVOKED")
    assert await partner.why_out() == "TOKEN_REVOKED"
    assert await closing_of(partner) == (4401, "TOKEN_REVOKED")


async def test_an_access_token_may_watch_the_workspace_only(office: Office) -> None:
    partner = await office.partner("SESSIONS_WATCH")
    async with socket_of(partner) as socket:
        for scope in ("CURRENT_SESSION", "VIEWER"):
            await socket.watch(scope, id=scope)
            assert await socket.refusal(scope) == "FORBIDDEN"


async def test_a_session_expires_with_its_socket(new_server: NewServer, http: httpx.AsyncClient) -> None:
    # Longer than the five seconds after which the server looks at the latest when the next session expires.
    office = await Office.open(new_server(SESSION_LIFETIME="6").start(), http)
    ana = await office.hire("Ana")
    async with socket_of(ana) as socket:
        await socket.watch()
        event = await socket.event()
        assert (event["sessionId"], event["reason"]) == (ana.session_id, "EXPIRED")
        assert await socket.hear() == {"id": "1", "type": "complete"}
        assert await socket.closing() == (4401, "EXPIRED")
    assert await ana.why_out() == "EXPIRED"


async def test_signing_out_over_http_closes_the_socket(office: Office) -> None:
    ana = await office.hire("Ana")
    async with socket_of(ana) as socket:
        await socket.watch()
        await socket.settle()
        assert await ana.ask("mutation { signOut { signedOut } }") == {"signedOut": True}
        assert (await socket.event())["reason"] == "SIGNED_OUT"
        assert await socket.hear() == {"id": "1", "type": "complete"}
        assert await socket.closing() == (4401, "SIGNED_OUT")


async def change_password(ana: Person, folder: Path) -> None:
    await ana.do(CHANGE_PASSWORD, input={"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD})


async def reset_password(ana: Person, folder: Path) -> None:
    await ana.ask(
        "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { accepted } }",
        input={"workspace": ana.workspace, "email": ana.email},
    )
    token = await mailed_token(folder, ana.email)
    await ana.do(RESET_PASSWORD, input={"token": token, "newPassword": NEW_PASSWORD})


@pytest.mark.parametrize(("renew", "survivors"), [(change_password, 1), (reset_password, 0)])
async def test_a_new_password_closes_the_other_sockets(
    office: Office, server: Server, renew: Callable[[Person, Path], Awaitable[None]], survivors: int
) -> None:
    ana = await office.hire("Ana")
    phone = await ana.another()
    async with socket_of(ana) as socket, socket_of(phone) as phone_socket:
        await phone_socket.watch()
        await phone_socket.settle()
        await renew(ana, server.folder)
        assert (await phone_socket.event())["reason"] == "PASSWORD_CHANGED"
        assert await phone_socket.hear() == {"id": "1", "type": "complete"}
        assert await phone_socket.closing() == (4401, "PASSWORD_CHANGED")
        if survivors:
            await socket.settle()
        else:
            assert await socket.closing() == (4401, "PASSWORD_CHANGED")
    assert await ana.works() == bool(survivors)
    ana.password = NEW_PASSWORD
    await ana.another()


async def test_cursors_that_cannot_be_resumed_are_refused(
    new_server: NewServer, server: Server, office: Office, http: httpx.AsyncClient
) -> None:
    foreign = await (await Office.open(server, http)).olivia.feed_position()
    async with socket_of(office.olivia) as socket:
        await socket.watch("WORKSPACE", "nonsense", id="bad")
        assert await socket.refusal("bad") == "INVALID_CURSOR"
        await socket.watch("WORKSPACE", foreign, id="foreign")
        assert await socket.refusal("foreign") == "CURSOR_EXPIRED"
        await socket.watch("WORKSPACE", "", id="empty")
        assert await socket.refusal("empty") == "INVALID_CURSOR"
        await socket.settle()


async def test_a_cursor_older_than_what_is_kept_has_expired(new_server: NewServer, http: httpx.AsyncClient) -> None:
    server = new_server().start()
    office = await Office.open(server, http)
    old = await office.olivia.feed_position()
    await (await office.hire("Ana")).ask("mutation { signOut { signedOut } }")
    recent = await office.olivia.feed_position()
    server.stop()
    await server.change(update(EVENT).values(occurred_at=now() - timedelta(days=30)))
    server.start()
    async with socket_of(office.olivia) as socket:

        async def refused() -> str | None:
            await socket.watch("WORKSPACE", old)
            message = await socket.hear()
            if message["type"] == "error":
                return str(message["payload"][0]["extensions"]["code"])
            await socket.say(id="1", type="complete")
            await socket.settle()
            return None

        # A new process prunes first of all, but listens meanwhile.
        assert await eventually(refused) == "CURSOR_EXPIRED"
        await socket.watch("WORKSPACE", recent, id="recent")
        await socket.settle()


async def test_only_graphql_transport_ws_is_served(office: Office) -> None:
    for offered in (None, ["graphql-ws"]):
        async with open_socket(office.server.url, subprotocols=offered) as socket:
            assert socket.websocket.subprotocol is None
            assert await socket.closing() == (4406, "Subprotocol not acceptable")
    async with open_socket(office.server.url, subprotocols=["graphql-ws", "graphql-transport-ws"]) as socket:
        assert socket.websocket.subprotocol == "graphql-transport-ws"


async def test_the_handshake_may_carry_the_credential(office: Office) -> None:
    header = {"Authorization": f"Bearer {office.olivia.token}"}
    async with open_socket(office.server.url, additional_headers=header) as socket:
        await socket.introduce(None)
        await socket.subscribe("{ viewer { id } }")
        assert await socket.event() == {"id": office.olivia.id}
    async with open_socket(office.server.url) as socket:
        await socket.say(type="connection_init")
        assert await socket.closing() == (4401, "Unauthorized")


async def test_workspaces_are_walls(server: Server, http: httpx.AsyncClient, office: Office) -> None:
    there = (await Office.open(server, http, beside=office)).olivia
    ana = await office.hire("Ana")
    async with AsyncExitStack() as stack:
        here_socket = await stack.enter_async_context(socket_of(office.olivia))
        there_socket = await stack.enter_async_context(socket_of(there))
        after = await there.feed_position()
        await here_socket.watch("WORKSPACE", await office.olivia.feed_position())
        await there_socket.watch("WORKSPACE", after, id="sessions")
        await there_socket.subscribe(USER_CHANGED, "users", after=after)
        await there_socket.settle()
        for foreign in (ana.id, office.olivia.id):
            refused = await there.ask(
                "mutation($id: ID!) { deactivateUser(input: {userId: $id}) { errors { code } } }", id=foreign
            )
            assert refused["errors"] == [{"code": "NOT_FOUND"}]
        assert await there.ask("query($id: ID!) { node(id: $id) { id } }", id=ana.id) is None
        await deactivate(office.olivia, ana.id)
        assert (await here_socket.event())["sessionId"] == ana.session_id
        await there.ask("mutation { signOut { signedOut } }")
        # The first thing that the neighbour hears is its own end.
        event = await there_socket.event("sessions")
        assert event["sessionId"] == there.session_id
    assert await office.olivia.works()
