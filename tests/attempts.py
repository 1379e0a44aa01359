"""Attempts, counted in memory."""

from limits import parse
from limits.aio.storage import MemoryStorage

from resolvers.attempts import Allowance, Attempts


def allowing(per_account: int = 1_000, per_address: int = 1_000) -> Attempts:
    """So many failures an hour; unless told, more than a test makes that is about something else."""
    allowance = Allowance(parse(f"{per_account} per 1 hour"), parse(f"{per_address} per 1 hour"))
    return Attempts(MemoryStorage(), sign_ins=allowance, resets=allowance)
