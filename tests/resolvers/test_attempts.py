"""How often somebody may fail to sign in, or ask for a reset."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from limits import parse
from limits.aio.storage import MemoryStorage

from models.enums import ErrorCode
from resolvers import attempts as module
from resolvers.attempts import Allowance, Attempts, open_storage
from resolvers.errors import Refused, refuse
from tests.services.redis import Redis

TWO_OF_FIVE = Allowance(parse("2 per 1 minute"), parse("5 per 1 minute"))
WRONG = refuse(ErrorCode.INVALID_CREDENTIALS, "Wrong.")


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def attempts(request: pytest.FixtureRequest) -> AsyncIterator[Attempts]:
    url = "memory:" if request.param == "memory" else request.getfixturevalue("redis").url
    storage = open_storage(url)
    counted = Attempts(storage, sign_ins=TWO_OF_FIVE, resets=TWO_OF_FIVE)
    await storage.reset()
    yield counted
    await counted.close()


async def fail(attempts: Attempts, email: str = "ana@acme.test", address: str | None = "192.0.2.1") -> Refused:
    """Why an attempt with a wrong password was refused."""
    with pytest.raises(Refused) as refused:
        async with attempts.sign_in("acme", email, address):
            raise WRONG
    return refused.value


async def succeed(attempts: Attempts, email: str = "ana@acme.test", address: str | None = "192.0.2.1") -> None:
    async with attempts.sign_in("acme", email, address):
        pass


async def test_an_account_is_let_fail_a_few_times(attempts: Attempts) -> None:
    for address in ("192.0.2.1", None):
        assert await fail(attempts, address=address) is WRONG
    for email in ("ana@acme.test", " ANA@acme.test "):
        (refusal,) = (await fail(attempts, email, "198.51.100.7")).refusals
        assert refusal.code is ErrorCode.RATE_LIMITED
        assert refusal.retry_after is not None
        assert 0 < refusal.retry_after <= 60
        assert refusal.message == "There were too many attempts. Wait a minute, then try again."
    assert await fail(attempts, "ben@acme.test") is WRONG


async def test_even_the_right_password_has_to_wait(attempts: Attempts) -> None:
    for _ in range(2):
        await fail(attempts)
    with pytest.raises(Refused, match="too many attempts"):
        await succeed(attempts)


async def test_an_address_is_let_fail_more_often(attempts: Attempts) -> None:
    for number in range(5):
        assert await fail(attempts, f"user{number}@acme.test") is WRONG
    assert await fail(attempts, "user6@acme.test") is not WRONG
    assert await fail(attempts, "user7@acme.test", "192.0.2.2") is WRONG


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("nonsense", "nonsense", True),
    ],
)
async def test_what_counts_as_one_address(attempts: Attempts, address: str, other: str, same: bool) -> None:
    for number in range(5):
        await fail(attempts, f"user{number}@acme.test", address)
    assert (await fail(attempts, "user6@acme.test", other) is not WRONG) is same


async def test_successes_never_count(attempts: Attempts) -> None:
    for _ in range(10):
        await succeed(attempts)
    assert await fail(attempts) is WRONG
    assert await fail(attempts) is WRONG


async def test_what_is_cancelled_or_breaks_does_not_count(attempts: Attempts) -> None:
    for error in (RuntimeError, asyncio.CancelledError):
        for _ in range(3):
            with pytest.raises(error):
                async with attempts.sign_in("acme", "ana@acme.test", None):
                    raise error
    assert await fail(attempts) is WRONG


async def test_many_at_once_are_no_way_around(attempts: Attempts) -> None:
    begun = 0

    async def one() -> None:
        nonlocal begun
        async with attempts.sign_in("acme", "ana@acme.test", None):
            begun += 1
            await asyncio.sleep(0.05)
            raise WRONG

    await asyncio.gather(*(one() for _ in range(20)), return_exceptions=True)
    assert begun == 2


async def test_resets_count_by_themselves_and_always(attempts: Attempts) -> None:
    for _ in range(2):
        await attempts.reset("acme", "ana@acme.test", "192.0.2.1")
    with pytest.raises(Refused, match="too many attempts"):
        await attempts.reset("acme", "ana@acme.test", "192.0.2.1")
    await succeed(attempts)
    await attempts.reset("acme", "ben@acme.test", "192.0.2.1")


async def test_the_window_ends() -> None:
    once = Allowance(parse("1 per 1 second"), parse("9 per 1 second"))
    attempts = Attempts(MemoryStorage(), sign_ins=once, resets=once)
    assert await fail(attempts) is WRONG
    assert await fail(attempts) is not WRONG
    await asyncio.sleep(1.05)
    assert await fail(attempts) is WRONG


async def test_a_storage_that_is_away_keeps_nobody_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(open_storage("redis://127.0.0.1:1"), sign_ins=TWO_OF_FIVE, resets=TWO_OF_FIVE)
    monkeypatch.setattr(module, "PATIENCE_S", 0.2)
    for _ in range(4):
        assert await fail(attempts) is WRONG
    assert "Attempts cannot be counted" in caplog.text
    await attempts.close()
