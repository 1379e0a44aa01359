"""Passwords: hashing them without blocking the loop, and telling weak ones (NIST SP 800-63B-4, section 3.1.1)."""

import asyncio
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from models.enums import ErrorCode
from resolvers.errors import refuse

T = TypeVar("T")

MEMORY_KIB = 19 * 1024
SHORTEST = 12
LONGEST = 256
_SHORT_PATTERN = 6
_SHORTEST_CONTEXT_WORD = 3
_SHORTEST_COMMON_CORE = 4

_COMMON = frozenset(word.casefold() for word in FREQUENCY_LISTS["passwords"])
_DECORATION = re.compile(r"[\W\d_]+")

# Each hash takes 19 MiB: two at a time bound the memory, and leave the loop its share of the machine.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


async def hash_password(password: str, cost: int) -> str:
    """The argon2id hash to store; `cost` is the number of passes over the memory."""
    return await _in_thread(lambda: _hasher(cost).hash(_prepare(password)))


async def verify_password(password: str, password_hash: str) -> bool:
    """Whether the password is the one that was hashed."""
    return await _in_thread(lambda: _hasher(1).verify(_prepare(password), password_hash))


async def verify_nobody(password: str, cost: int) -> bool:
    """False, after the time that verify_password takes: so that nobody can tell there was no hash to compare with."""
    return await verify_password(password, f"$argon2id$v=19$m={MEMORY_KIB},t={cost},p=1${'A' * 22}${'A' * 43}")


async def hash_new_password(password: str, cost: int, *context: str, field: str) -> str:
    """The hash of a password that somebody chooses; refuses with WEAK_PASSWORD at `field`, see weakness()."""
    problem = weakness(password, *context)
    if problem is not None:
        raise refuse(ErrorCode.WEAK_PASSWORD, problem, field)
    return await hash_password(password, cost)


def needs_rehash(password_hash: str, cost: int) -> bool:
    """Whether the hash was made with other parameters than a new one would be."""
    return _hasher(cost).check_needs_rehash(password_hash)


def weakness(password: str, *context: str) -> str | None:
    """Why a new password is refused, as a message that says what to do; None if it is good enough.

    `context` is what an attacker would try first: the email address, the person's and the workspace's name.
    """
    normal = unicodedata.normalize("NFKC", password)
    length = min(len(password), len(normal))
    if length < SHORTEST:
        return f"This password is too short: use at least {SHORTEST} characters, for example a few random words."
    if length > LONGEST:
        return f"This password is too long: use at most {LONGEST} characters."
    folded = normal.casefold()
    if _period(folded) <= _SHORT_PATTERN:
        return "This password repeats a short pattern: use a few random words instead."
    if _is_common(folded):
        return "This password is among the first that attackers try: use a few random words instead."
    if _is_built_from(folded, context):
        return "This password is made of your name, address or workspace: use a few random words instead."
    return None


def _is_common(folded: str) -> bool:
    core = re.sub(rf"^{_DECORATION.pattern}|{_DECORATION.pattern}$", "", folded)
    candidates = [folded, core] if len(core) >= _SHORTEST_COMMON_CORE else [folded]
    return any(text in _COMMON or text[: _period(text)] in _COMMON for text in candidates)


def _is_built_from(folded: str, context: tuple[str, ...]) -> bool:
    words = {
        word
        for text in context
        for word in re.split(r"[\W_]+", unicodedata.normalize("NFKC", text).casefold())
        if len(word) >= _SHORTEST_CONTEXT_WORD
    }
    if not words:
        return False
    longest_first = sorted(words, key=len, reverse=True)
    rest, found = re.subn("|".join(map(re.escape, longest_first)), "", folded)
    return found > 0 and not _DECORATION.sub("", rest)


def _period(text: str) -> int:
    """The length of the shortest pattern whose repetition, cut anywhere, is the text."""
    return next(size for size in range(1, len(text) + 1) if text[size:] == text[: len(text) - size])


@cache
def _hasher(cost: int) -> Argon2Hasher:
    return Argon2Hasher(time_cost=cost, memory_cost=MEMORY_KIB, parallelism=1)


def _prepare(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
