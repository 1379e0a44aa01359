"""A session in a cookie: who gets one, which requests it counts for, and how it goes."""

from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from httpx import AsyncClient, Response

from models.enums import RevocationReason, Role
from offboard.web_session import COOKIE, HEADER
from resolvers.passwords import hash_password
from resolvers.sessions import revoke_all_sessions
from tests.api import Api
from tests.e2e.callers import SIGN_IN
from tests.workshop import Person, Workshop

pytestmark = pytest.mark.only_on("sqlite")  # whose cookie counts does not depend on the database

OWN = "http://test"
PASSWORD = "correct horse battery"
PAGE = {"Origin": OWN, HEADER: "cookie", "Sec-Fetch-Site": "same-origin"}
VIEWER = "{ viewer { id } }"
FOREIGN = [
    pytest.param({**PAGE, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, id="another site"),
    pytest.param({**PAGE, "Origin": "http://app.test", "Sec-Fetch-Site": "same-site"}, id="another origin of the site"),
    pytest.param({**PAGE, "Origin": "https://test"}, id="another scheme"),
    pytest.param({**PAGE, "Origin": "http://test:81"}, id="another port"),
    pytest.param({**PAGE, "Origin": "null"}, id="a sandbox"),
    pytest.param({**PAGE, "Sec-Fetch-Site": "same-site"}, id="as the browser says"),
    pytest.param({HEADER: "cookie"}, id="no origin"),
    pytest.param({"Origin": OWN}, id="no header"),
    pytest.param({}, id="nothing"),
]


@pytest.fixture
async def ana(workshop: Workshop) -> Person:
    return await workshop.person("Ana Abel", Role.AGENT, password_hash=await hash_password(PASSWORD, 1))


async def post(client: AsyncClient, query: str, headers: dict[str, str], **variables: Any) -> Response:
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def sign_in(client: AsyncClient, person: Person, headers: dict[str, str]) -> Response:
    who = {"workspace": "acme", "email": person.email, "password": PASSWORD}
    return await post(client, SIGN_IN, headers, input=who)


def cookies(answer: Response) -> list[Morsel[str]]:
    return [morsel for each in answer.headers.get_list("set-cookie") for morsel in SimpleCookie(each).values()]


def code(answer: Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


async def test_the_session_is_kept_in_a_cookie_and_shown_nowhere(api: Api, ana: Person) -> None:
    answer = await sign_in(api.client, ana, PAGE)
    payload = answer.json()["data"]["signIn"]
    (cookie,) = cookies(answer)
    assert (payload["token"], payload["user"]["name"]) == (None, "Ana Abel")
    assert (cookie.key, cookie["path"], cookie["samesite"], cookie["secure"]) == (COOKIE, "/", "strict", "")
    assert cookie["httponly"]
    assert 30 * 86_400 - 60 < int(cookie["max-age"]) <= 30 * 86_400
    assert cookie.value.startswith("obs_")
    assert cookie.value not in answer.text
    read = await post(api.client, VIEWER, PAGE)
    assert read.json() == {"data": {"viewer": {"id": payload["user"]["id"]}}}
    read = await api.client.get("/graphql", params={"query": VIEWER}, headers={"Sec-Fetch-Site": "same-origin"})
    assert read.status_code == 200


async def test_under_https_the_cookie_is_bound_to_the_host(api: Api, ana: Person) -> None:
    api.client.base_url = "https://test"  # type: ignore[assignment]
    (cookie,) = cookies(await sign_in(api.client, ana, {**PAGE, "Origin": "https://test"}))
    assert (cookie.key, cookie["secure"], cookie["path"], cookie["domain"]) == (f"__Host-{COOKIE}", True, "/", "")
    assert (await post(api.client, VIEWER, {**PAGE, "Origin": "https://test"})).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN)
async def test_no_other_page_gets_a_cookie_or_uses_one(api: Api, ana: Person, headers: dict[str, str]) -> None:
    answer = await sign_in(api.client, ana, headers)
    assert answer.json()["data"]["signIn"]["token"].startswith("obs_")
    assert not cookies(answer)
    await sign_in(api.client, ana, PAGE)
    for query in (VIEWER, "mutation { signOut { signedOut } }", "subscription { userChanged { kind } }"):
        refused = await post(api.client, query, {**headers, "Accept": "text/event-stream, application/json"})
        assert (refused.status_code, code(refused)) == (403, "FORBIDDEN"), query
    assert (await post(api.client, VIEWER, PAGE)).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", None])
async def test_a_get_needs_the_browsers_word(api: Api, ana: Person, site: str | None) -> None:
    await sign_in(api.client, ana, PAGE)
    headers = {"Sec-Fetch-Site": site} if site else {}
    for accept in ("application/json", "text/event-stream"):
        query = VIEWER if accept == "application/json" else "subscription { userChanged { kind } }"
        refused = await api.client.get("/graphql", params={"query": query}, headers={**headers, "Accept": accept})
        assert (refused.status_code, code(refused)) == (403, "FORBIDDEN")


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
async def test_a_form_of_another_page_does_nothing(api: Api, ana: Person, media_type: str) -> None:
    await sign_in(api.client, ana, PAGE)
    form = b'{"query": "mutation { signOut { signedOut } }"}'
    headers = {"Content-Type": media_type, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await api.client.post("/graphql", content=form, headers=headers)).status_code == 415
    assert (await post(api.client, VIEWER, PAGE)).status_code == 200


async def test_a_dead_cookie_locks_nobody_out(api: Api, workshop: Workshop, ana: Person) -> None:
    """Its 401 clears no cookie: that of whoever has signed in anew, in another tab, may be there by then."""
    await sign_in(api.client, ana, PAGE)
    olivia = workshop.olivia.viewer
    await api.database.transact(lambda tx: revoke_all_sessions(tx, olivia, user_id=ana.id))
    assert (await sign_in(api.client, ana, {"Origin": OWN})).json()["data"]["signIn"]["errors"] == []
    refused = await post(api.client, VIEWER, PAGE)
    assert (refused.status_code, cookies(refused)) == (401, [])
    assert refused.json()["errors"][0]["extensions"]["reason"] == RevocationReason.SESSION_REVOKED
    assert (await sign_in(api.client, ana, PAGE)).json()["data"]["signIn"]["errors"] == []
    assert (await post(api.client, VIEWER, PAGE)).status_code == 200


async def test_signing_out_clears_the_cookie(api: Api, ana: Person) -> None:
    await sign_in(api.client, ana, PAGE)
    (before,) = api.client.cookies.values()
    answer = await post(api.client, "mutation { signOut { signedOut } }", PAGE)
    assert answer.json() == {"data": {"signOut": {"signedOut": True}}}
    assert not api.client.cookies
    refused = await post(api.client, VIEWER, {"Authorization": f"Bearer {before}"})
    assert refused.json()["errors"][0]["extensions"]["reason"] == RevocationReason.SIGNED_OUT


async def test_whoever_signs_in_anew_leaves_the_session_of_before(api: Api, workshop: Workshop, ana: Person) -> None:
    bo = await workshop.person("Bo Beck", Role.AGENT, password_hash=await hash_password(PASSWORD, 1))
    await sign_in(api.client, ana, PAGE)
    (before,) = api.client.cookies.values()
    held = {"Authorization": f"Bearer {before}"}
    await sign_in(api.client, bo, {**PAGE, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert (await post(api.client, VIEWER, held)).status_code == 200
    for _ in ("alive", "ended before"):
        answer = await sign_in(api.client, bo, PAGE)
        assert answer.json()["data"]["signIn"]["user"]["name"] == "Bo Beck"
        refused = await post(api.client, VIEWER, held)
        assert refused.json()["errors"][0]["extensions"]["reason"] == RevocationReason.SIGNED_OUT
        assert (await post(api.client, VIEWER, PAGE)).status_code == 200
        api.client.cookies.clear()
        api.client.cookies[COOKIE] = before


async def test_where_a_bearer_token_is_given_no_cookie_is_looked_at(api: Api, workshop: Workshop, ana: Person) -> None:
    await sign_in(api.client, ana, PAGE)
    wrong = {**PAGE, "Authorization": "Bearer obs_wrong"}
    refused = await post(api.client, VIEWER, wrong)
    assert (refused.status_code, cookies(refused)) == (401, [])
    assert (await post(api.client, VIEWER, {"Authorization": f"Bearer {workshop.olivia.token}"})).status_code == 200
    answer = await sign_in(api.client, ana, wrong)
    assert answer.json()["data"]["signIn"]["token"].startswith("obs_")
