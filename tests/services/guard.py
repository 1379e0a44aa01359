"""Programs that end with the tests that started them, whatever happens to these."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_WATCH = """
read -r end
kill -s "$2" "$1"
for turn in 1 2 3 4 5 6 7 8 9 10; do
  kill -s 0 "$1" || break
  sleep 0.1
done
kill -s KILL -- "-$1"
for turn in 1 2 3 4 5 6 7 8 9 10; do
  if test -z "$3" || rm -rf -- "$3"; then exit; fi
  sleep 0.1
done
"""


class Guard:
    """Ends a process group by a signal to its leader, and removes a folder, once nobody holds its pipe any more.

    What has not ended after a second is killed. Whoever makes the guard holds the pipe until its own end. A pipe with a
    name can be held by others too.
    """

    def __init__(
        self, group: int, by: signal.Signals = signal.SIGKILL, *, folder: Path | None = None, pipe: Path | None = None
    ) -> None:
        if pipe is None:
            watched, self._held = os.pipe()
        else:
            pipe.unlink(missing_ok=True)
            os.mkfifo(pipe)
            watched = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            self._held = os.open(pipe, os.O_WRONLY)
            os.set_blocking(watched, True)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "guard", str(group), by.name.removeprefix("SIG"), str(folder or "")],
            stdin=watched,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(watched)

    @staticmethod
    def join(pipe: Path) -> bool:
        """Hold a guard's pipe until the end of this process; False if there is no guard any more."""
        try:
            os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        return True

    def dismiss(self) -> None:
        """Guard no longer."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._held)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One process at a time."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
