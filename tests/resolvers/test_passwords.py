"""Hashing passwords, and telling weak ones."""

import asyncio
from collections.abc import Iterator

import pytest

from resolvers import passwords
from resolvers.emails import find_email, normalize_email
from resolvers.passwords import hash_password, needs_rehash, verify_nobody, verify_password, weakness
from tests.hashing import LITTLE_KIB, REAL_KIB, hash_over


@pytest.fixture(autouse=True)
def _real_hashes() -> Iterator[None]:
    hash_over(REAL_KIB)
    yield
    hash_over(LITTLE_KIB)


async def test_a_password_fits_its_own_hash_only() -> None:
    stored = await hash_password("lantern orbit velvet", 1)
    assert stored.startswith("$argon2id$v=19$m=19456,t=1,p=1$")
    assert await verify_password("lantern orbit velvet", stored)
    assert not await verify_password("lantern orbit velvets", stored)
    assert not await verify_password("lantern orbit velvet", "no hash at all")


async def test_the_same_password_typed_on_another_keyboard_fits() -> None:
    stored = await hash_password("caf\u00e9 lantern o\ufb03ce", 1)
    assert await verify_password("cafe\u0301 lantern office", stored)


async def test_a_broken_character_is_just_another_password() -> None:
    stored = await hash_password("lantern orbit \ud800", 1)
    assert await verify_password("lantern orbit \ud800", stored)
    assert not await verify_password("lantern orbit \ud801", stored)


async def test_nobody_is_verified_with_the_work_of_a_real_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await verify_nobody("lantern orbit velvet", 3)
    seen: list[str] = []

    async def spy(_password: str, password_hash: str) -> bool:
        seen.append(password_hash)
        return False

    monkeypatch.setattr(passwords, "verify_password", spy)
    await verify_nobody("lantern orbit velvet", 3)
    real = await hash_password("lantern orbit velvet", 3)
    assert len(seen[0]) == len(real)
    assert not needs_rehash(seen[0], 3)


async def test_a_hash_of_another_cost_needs_a_new_one() -> None:
    stored = await hash_password("lantern orbit velvet", 2)
    assert not needs_rehash(stored, 2)
    assert needs_rehash(stored, 1)


async def test_the_loop_goes_on_while_a_password_is_hashed() -> None:
    hashing = asyncio.create_task(hash_password("lantern orbit velvet", 4))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1


CONTEXT = ("olivia.owens@acme.test", "Olivia Owens", "Acme Support")


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "at least 12"),
        ("elevenchars", "at least 12"),
        ("\ufdfa", "at least 12"),
        ("e\u0301" * 6, "at least 12"),
        ("ab" * 129, "at most 256"),
        ("aaaaaaaaaaaa", "pattern"),
        ("kx8#kx8#kx8#kx", "pattern"),
        ("FinalFantasy", "attackers"),
        ("123456789012", "attackers"),
        ("PasswordPassword", "attackers"),
        ("Password1234", "attackers"),
        ("!!password!!2024", "attackers"),
        ("olivia.owens@acme.test", "your name"),
        ("Olivia-Owens-1", "your name"),
        ("acmesupport2024", "your name"),
    ],
)
def test_weak_passwords_are_told_with_what_to_do(password: str, message: str) -> None:
    found = weakness(password, *CONTEXT)
    assert found is not None
    assert message in found


@pytest.mark.parametrize(
    "password",
    [
        "demo-password",
        "839201748263",
        "lantern orbit",
        "olivia likes tea",
        "\U0001f98a\U0001f332\U0001f30a\U0001f525\U0001f3d4\U0001f31b\U0001f427\U0001f34e\U0001f3b2\U0001f680\U0001f511\U0001f9ca",
        "lantern orbit velvet harbour " * 8 + "abcdefghijkl kettle 1234",
    ],
)
def test_other_passwords_are_fine_without_rules_of_composition(password: str) -> None:
    assert len(password) <= 256
    assert weakness(password, "demo@demo.test", *CONTEXT) is None


def test_without_context_only_the_password_itself_is_judged() -> None:
    assert weakness("olivia-owens-1") is None


def test_addresses_have_one_form() -> None:
    assert normalize_email("  Olivia.Owens@ACME.Test ") == "olivia.owens@acme.test"
    assert find_email("OLIVIA@acme.test") == "olivia@acme.test"


@pytest.mark.parametrize(
    "text", ["", "olivia", "olivia@", "o@x", "a b@acme.test", "a@acme.test\nb", "\ud800@acme.test"]
)
def test_what_is_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="not an email address"):
        normalize_email(text)
    assert find_email(text) == ""
