"""Too many attempts, as a client sees them."""

from models.enums import Role
from resolvers.passwords import hash_password
from tests.api import Api
from tests.workshop import Workshop

PASSWORD = "correct horse battery"

SIGN_IN = """mutation($email: String!, $password: String!) {
  signIn(input: {workspace: "acme", email: $email, password: $password}) {
    token errors { code message field retryAfter }
  }
}"""
CHANGE = """mutation($password: String!) {
  changePassword(input: {currentPassword: $password, newPassword: "lantern orbit velvet"}) {
    errors { code retryAfter }
  }
}"""
INVITE = """mutation($email: String!) {
  inviteUser(input: {email: $email, name: "Zoe Zahn", roles: [AGENT]}) { errors { code } }
}"""
ACCEPT = """mutation($token: String!, $password: String!) {
  acceptInvitation(input: {token: $token, password: $password}) { token errors { code retryAfter } }
}"""
RESET = """mutation($email: String!) {
  requestPasswordReset(input: {workspace: "acme", email: $email}) { accepted errors { code retryAfter } }
}"""


async def test_who_is_locked_out_works_on_and_who_guesses_learns_nothing(api: Api, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT, password_hash=await hash_password(PASSWORD, 1))
    await workshop.sign_in(ana)
    for email in (ana.email, "nobody@acme.test"):
        for _ in range(10):
            answer = (await api.data(SIGN_IN, email=email, password="wrong"))["signIn"]
            assert [error["code"] for error in answer["errors"]] == ["INVALID_CREDENTIALS"]
        for password in ("wrong", PASSWORD):
            answer = (await api.data(SIGN_IN, email=email, password=password))["signIn"]
            (error,) = answer["errors"]
            assert (answer["token"], error["code"], error["field"]) == (None, "RATE_LIMITED", None)
            assert error["message"] == "There were too many attempts. Wait 15 minutes, then try again."
            assert 840 < error["retryAfter"] <= 900
    assert await api.data("{ viewer { name } }", ana) == {"viewer": {"name": "Ana Ruiz"}}


async def test_who_holds_a_session_guesses_no_more_than_who_signs_in(api: Api, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT, password_hash=await hash_password(PASSWORD, 1))
    await workshop.sign_in(ana)
    for code, password in [*[("INVALID_CREDENTIALS", "wrong")] * 10, ("RATE_LIMITED", PASSWORD)]:
        (error,) = (await api.data(CHANGE, ana, password=password))["changePassword"]["errors"]
        assert error["code"] == code
    assert 840 < error["retryAfter"] <= 900
    assert await api.data("{ viewer { name } }", ana) == {"viewer": {"name": "Ana Ruiz"}}
    assert (await api.data(SIGN_IN, email=ana.email, password=PASSWORD))["signIn"]["errors"] == []


async def test_nor_does_who_holds_an_invitation(api: Api, workshop: Workshop) -> None:
    other = await Workshop.open(workshop.database, "other")
    zoe = await other.person("Zoe Zahn", Role.AGENT, password_hash=await hash_password(PASSWORD, 1))
    await api.data(INVITE, workshop.olivia, email=zoe.email)
    token = await api.postbox.token()
    for code, password in [*[("INVALID_CREDENTIALS", "wrong")] * 10, ("RATE_LIMITED", PASSWORD)]:
        answer = (await api.data(ACCEPT, token=token, password=password))["acceptInvitation"]
        (error,) = answer["errors"]
        assert (answer["token"], error["code"]) == (None, code)
    assert 840 < error["retryAfter"] <= 900


async def test_resets_are_limited_whether_or_not_the_address_is_known(api: Api, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    for email in (ana.email, "nobody@acme.test"):
        for _ in range(5):
            answer = (await api.data(RESET, email=email))["requestPasswordReset"]
            assert answer == {"accepted": True, "errors": []}
        answer = (await api.data(RESET, email=email))["requestPasswordReset"]
        assert (answer["accepted"], [error["code"] for error in answer["errors"]]) == (False, ["RATE_LIMITED"])
        assert 3_500 < answer["errors"][0]["retryAfter"] <= 3_600
