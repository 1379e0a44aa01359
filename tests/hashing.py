"""Passwords in tests are hashed over little memory, which takes no time: what races and what is counted is the rest."""

from resolvers import passwords

REAL_KIB = passwords.MEMORY_KIB
LITTLE_KIB = 8


def hash_over(kib: int) -> None:
    """Hash passwords of this process over so much memory from now on."""
    passwords.MEMORY_KIB = kib
    passwords._hasher.cache_clear()
