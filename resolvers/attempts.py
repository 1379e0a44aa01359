"""How often somebody may fail with a password, or ask for a reset, before having to wait.

Whoever is signed in is let be: a session that is open passes here only to change its password. Attempts are counted
before they are made, so that many at once are no way around the limit, and what succeeds is taken back.

Where the storage does not answer nobody is kept from signing in: passwords stay as hard to guess as their hash makes
them, and the log tells.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Any, cast

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage, Storage

from models.enums import ErrorCode
from resolvers.emails import find_email
from resolvers.errors import Refusal, Refused
from resolvers.texts import find_slug

PATIENCE_S = 1.0
PREFIX = "offboard"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many attempts an account, and an address on the network, have in a time."""

    per_account: RateLimitItem
    per_address: RateLimitItem


def open_storage(url: str) -> Storage:
    """Where attempts are counted: `memory:`, each process by itself, or the URL of a Redis."""
    if url == "memory:":
        return MemoryStorage()
    scheme, rest = url.split(":", 1)
    name = {"unix": "redis+unix"}.get(scheme, scheme)
    return RedisStorage(f"async+{name}:{rest}", implementation="redispy", key_prefix=PREFIX)


class Attempts:
    """Counts attempts in fixed windows, each of which begins with the first attempt in it."""

    def __init__(self, storage: Storage, *, sign_ins: Allowance, resets: Allowance) -> None:
        self._storage = storage
        self._sign_ins = sign_ins
        self._resets = resets

    def sign_in(self, workspace: str, email: str, address: str | None) -> AbstractAsyncContextManager[None]:
        """Make one attempt to sign in, inside of the block; it counts if the block refuses.

        Refuses with RATE_LIMITED.
        """
        return self._attempt("sign-in", workspace, email, address)

    def confirm(self, workspace: str, email: str, address: str | None) -> AbstractAsyncContextManager[None]:
        """Likewise to confirm one's password, for whoever holds a session or an invitation.

        As often, but counted apart: strangers who fail to sign in with somebody's address keep nobody from it.
        """
        return self._attempt("confirm", workspace, email, address)

    async def reset(self, workspace: str, email: str, address: str | None) -> None:
        """Count a request for a reset; refuses with RATE_LIMITED."""
        await self._take(_keys("reset", self._resets, _account(workspace, email), address))

    async def close(self) -> None:
        """Let the storage's connections go."""
        if isinstance(self._storage, RedisStorage):
            await cast("Any", self._storage.bridge).storage.aclose()

    @asynccontextmanager
    async def _attempt(self, kind: str, workspace: str, email: str, address: str | None) -> AsyncIterator[None]:
        keys = _keys(kind, self._sign_ins, _account(workspace, email), address)
        await self._take(keys)
        failed = False
        try:
            yield
        except Refused:
            failed = True
            raise
        finally:
            if not failed:
                await self._give_back(keys)

    async def _take(self, keys: Sequence[tuple[RateLimitItem, str]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                waits = [await self._count(item, key) for item, key in keys]
        except Exception:
            log.exception("Attempts cannot be counted")
            return
        if any(waits):
            raise _wait(max(waits))

    async def _count(self, item: RateLimitItem, key: str) -> int:
        """Count one attempt; the seconds to wait if it is one too many, else 0."""
        if await self._storage.incr(key, item.get_expiry()) <= item.amount:
            return 0
        return max(1, ceil(await self._storage.get_expiry(key) - time.time()))

    async def _give_back(self, keys: Sequence[tuple[RateLimitItem, str]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                for item, key in keys:
                    await self._storage.incr(key, item.get_expiry(), amount=-1)
        except Exception:
            log.exception("Attempts cannot be counted")


def _keys(kind: str, allowance: Allowance, account: str, address: str | None) -> list[tuple[RateLimitItem, str]]:
    """What is counted for one attempt; nothing of it tells an address to whoever reads the storage."""
    keys = [(allowance.per_account, f"{kind}/account/{account}")]
    if address is not None:
        keys.append((allowance.per_address, f"{kind}/address/{_digest(_network(address))}"))
    return keys


def _account(workspace: str, email: str) -> str:
    return _digest(f"{find_slug(workspace) or workspace.strip()}\n{find_email(email) or email.strip()}")


def _network(address: str) -> str:
    """Of an IPv6 address the first half: the other is free to choose for who has one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))
    return str(parsed)


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()


def _wait(seconds: int) -> Refused:
    message = f"There were too many attempts. Wait {_shown(seconds)}, then try again."
    return Refused(Refusal(ErrorCode.RATE_LIMITED, message, retry_after=seconds))


def _shown(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else "a minute"
