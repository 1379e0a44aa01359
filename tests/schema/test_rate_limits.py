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


async def test_resets_are_limited_whether_or_not_the_address_is_known(api: Api, workshop: Workshop) -> None:
    ana = await workshop.person("Ana Ruiz", Role.AGENT)
    for email in (ana.email, "nobody@acme.test"):
        for _ in range(5):
            answer = (await api.data(RESET, email=email))["requestPasswordReset"]
            assert answer == {"accepted": True, "errors": []}
        answer = (await api.data(RESET, email=email))["requestPasswordReset"]
        assert (answer["accepted"], [error["code"] for error in answer["errors"]]) == (False, ["RATE_LIMITED"])
        assert 3_500 < answer["errors"][0]["retryAfter"] <= 3_600
