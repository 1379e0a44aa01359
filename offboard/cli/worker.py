"""What each of several processes that share one socket runs."""

import multiprocessing
import os
import signal
import threading

from starlette.applications import Starlette

from offboard.app import create_app
from offboard.cli.serving import collect_rarely
from offboard.logging import configure_logging
from offboard.settings import load_settings


def application() -> Starlette:
    """The application of one worker, with the settings of its environment. It ends with its supervisor."""
    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    threading.Thread(target=_stop_with_supervisor, daemon=True).start()
    app = create_app(settings)
    collect_rarely()
    return app


def _stop_with_supervisor() -> None:
    """Stop when the supervisor is gone: whoever killed it wants the port back."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)
