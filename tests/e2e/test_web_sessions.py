"""Browsers with their session in a cookie, on the sockets of a running server."""

import pytest

from offboard.web_session import COOKIE, HEADER
from tests.e2e.callers import SIGN_IN, deactivate, open_client
from tests.e2e.office import PASSWORD, Office
from tests.e2e.sockets import open_socket


def origin(office: Office) -> str:
    return office.server.url.removesuffix("/graphql")


async def cookie_of(office: Office, name: str) -> dict[str, str]:
    """The headers of somebody's browser after signing in."""
    await office.hire(name)
    async with open_client(headers={"Origin": origin(office), HEADER: "cookie"}) as browser:
        who = {"workspace": office.slug, "email": office.email(name), "password": PASSWORD}
        answer = await browser.post(office.server.url, json={"query": SIGN_IN, "variables": {"input": who}})
        assert answer.json()["data"]["signIn"]["token"] is None
        return {"Cookie": f"theme=dark; {COOKIE}={browser.cookies[COOKIE]}"}


@pytest.mark.only_on("sqlite")
async def test_a_page_of_this_server_needs_no_token_on_its_socket(office: Office) -> None:
    cookie = await cookie_of(office, "Ana")
    async with open_socket(office.server.url, additional_headers=cookie, origin=origin(office)) as socket:
        await socket.introduce(None)
        await socket.subscribe("{ viewer { id name } }")
        viewer = (await socket.hear())["payload"]["data"]["viewer"]
        assert viewer["name"] == "Ana"
        await deactivate(office.olivia, viewer["id"])
        while (await socket.hear())["type"] != "complete":
            pass
        assert await socket.closing() == (4401, "USER_DEACTIVATED")


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("foreign", ["https://evil.example", "http://127.0.0.1:1", "null", None])
async def test_a_page_of_another_origin_opens_no_socket_with_the_cookie(office: Office, foreign: str | None) -> None:
    cookie = await cookie_of(office, "Ana")
    async with open_socket(office.server.url, additional_headers=cookie, origin=foreign) as socket:
        await socket.say(type="connection_init")
        assert await socket.closing() == (4401, "Unauthorized")
    async with open_socket(office.server.url, additional_headers=cookie, origin=foreign) as socket:
        await socket.introduce(office.olivia.token)
        await socket.subscribe("{ viewer { name } }")
        assert (await socket.hear())["payload"]["data"] == {"viewer": {"name": "Olivia"}}
