"""What may be in no log, however talkative: everything with which somebody could come in."""

import hashlib
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect

from models.database import Database
from tests.e2e.callers import SIGN_IN, Person, open_client
from tests.e2e.conftest import NewServer
from tests.e2e.mail import mailed_token
from tests.e2e.office import PASSWORD, Office
from tests.e2e.server import Server
from tests.e2e.sockets import Socket

pytestmark = pytest.mark.only_on("sqlite")

WRONG, SECOND, THIRD, FOURTH = (f"the {number} sentence of mine" for number in ("wrong", "second", "third", "fourth"))


async def come_in(office: Office, folder: Path) -> list[str]:
    """Everybody's ways to come in; the secrets that were used."""
    ana = await office.hire("Ana")
    visitor = office.visitor
    await visitor.post(
        SIGN_IN, input={"workspace": office.slug, "email": ana.email, "password": WRONG, "client": "NOBODY"}
    )
    await visitor.post(SIGN_IN, input={"workspace": office.slug, "email": ana.email, "password": WRONG})
    await visitor.post(SIGN_IN.replace("$input)", f'{{password: "{WRONG}"'))
    change = "mutation($a: String!, $b: String!) { changePassword(input: {currentPassword: $a, newPassword: $b}) %s }"
    await ana.do(change % "{ errors { code } }", a=PASSWORD, b=SECOND)
    invite = 'mutation { inviteUser(input: {email: "%s", name: "Bo", roles: [AGENT]}) { errors { code } } }'
    await office.olivia.do(invite % office.email("Bo"))
    invited = await mailed_token(folder, office.email("Bo"))
    accept = "mutation($t: String!, $p: String!) { acceptInvitation(input: {token: $t, password: $p}) %s }"
    bo = await visitor.do(accept % "{ token errors { code } }", t=invited, p=THIRD)
    forget = 'mutation { requestPasswordReset(input: {workspace: "%s", email: "%s"}) { errors { code } } }'
    await visitor.do(forget % (office.slug, ana.email))
    mailed = await mailed_token(folder, ana.email)
    reset = "mutation($t: String!, $p: String!) { resetPassword(input: {token: $t, newPassword: $p}) %s }"
    await visitor.do(reset % "{ errors { code } }", t=mailed, p=FOURTH)
    partner = await office.partner("USERS_READ")
    await partner.ask("{ users { totalCount } }")
    tokens = [office.olivia.token, ana.token, bo["token"], invited, mailed, partner.token]
    return [PASSWORD, WRONG, SECOND, THIRD, FOURTH, *map(str, tokens)]


async def come_in_by_browser(server: Server, http: httpx.AsyncClient, who: Person) -> str:
    """With a cookie; the session's token."""
    ours = {"X-Offboard-Session": "1", "Origin": server.url.removesuffix("/graphql")}
    given = {"workspace": who.workspace, "email": who.email, "password": PASSWORD}
    await http.post(server.url, json={"query": SIGN_IN, "variables": {"input": given}}, headers=ours)
    (token,) = http.cookies.values()
    await http.post(server.url, json={"query": "{ viewer { id } }"}, headers=ours)
    http.cookies.clear()
    return token


async def come_in_by_socket(server: Server, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(server.socket_url, subprotocols=["graphql-transport-ws"], additional_headers=headers) as opened:
        await Socket(opened).introduce(token)
        await opened.send(f'{{"type": "ping", "payload": "{token}"}}')  # no object: the server closes, and says why


async def test_no_log_tells_a_secret(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(LOG_LEVEL="debug").start()
    async with open_client() as http:
        office = await Office.open(server, http)
        secrets = await come_in(office, tmp_path)
        secrets.append(await come_in_by_browser(server, http, office.olivia))
        await come_in_by_socket(server, office.olivia.token)
        await break_and_fail(server, office, secrets)
    assert server.stop() == 0
    log = server.log()
    assert "An operation failed" in log
    assert log.count("\n") > 5
    for secret in secrets:
        assert secret not in log
        assert hashlib.sha256(secret.encode()).hexdigest() not in log


async def break_and_fail(server: Server, office: Office, secrets: list[str]) -> None:
    """Let something fail that has secrets in its hands."""
    database = Database(server.database_url)
    async with database.begin() as tx:
        await tx.run(text("ALTER TABLE mailed_link RENAME TO gone"))
        await tx.run(text("ALTER TABLE account RENAME TO gone_too"))
    await database.close()
    reset = 'mutation { resetPassword(input: {token: "%s", newPassword: "%s"}) { errors { code } } }'
    assert "INTERNAL" in (await office.visitor.post(reset % (secrets[-2], FOURTH))).text
    given = {"workspace": office.slug, "email": office.olivia.email, "password": PASSWORD}
    assert "INTERNAL" in (await office.visitor.post(SIGN_IN, input=given)).text
