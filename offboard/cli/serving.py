"""The command serve."""

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
import uvicorn

from offboard.cli.frame import Problem, connect, say
from offboard.logging import configure_logging
from offboard.settings import Settings, load_settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 picks a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C."""
    settings = load_settings()
    if workers > 1 and settings.broker_url == "memory:":
        raise Problem(
            "Several workers need a broker between them: set OFFBOARD_BROKER_URL to redis://host, or to postgresql: "
            "with a PostgreSQL database."
        )
    asyncio.run(_check(settings))
    configure_logging(settings.log_format, settings.log_level)
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    greeting = f"Offboard is serving on http://{shown}:{listener.getsockname()[1]}/graphql"
    # The application takes a second to load, which the other commands need not wait for.
    if workers == 1:
        from offboard.app import create_app

        server = _Server(_configuration(settings, create_app(settings)), greeting)
        collect_rarely()
        server.run(sockets=[listener])
    else:
        from offboard.cli.workers import APPLICATION, supervise

        configuration = _configuration(settings, APPLICATION, factory=True, workers=workers)
        raise typer.Exit(supervise(configuration, listener, greeting))


def collect_rarely() -> None:
    """Keep the collector of reference cycles off what lives long, in a process that begins to serve.

    Looking through thousands of open sockets takes it many milliseconds each time, in which nobody is served. Little
    here is a cycle. What is young is looked through twice, in portions of some hundreds: a microsecond an object.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(500, 1, 100_000)


async def _check(settings: Settings) -> None:
    async with connect(settings.database_url):
        pass


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise Problem(f"Port {port} of {host} cannot be opened: {reason}.") from None


def _configuration(settings: Settings, application: Any, **options: Any) -> uvicorn.Config:
    from offboard.feed import SERVER_OPTIONS
    from offboard.feed.serving import ServerConfig

    return ServerConfig(
        application,
        request_timeout=settings.request_timeout.total_seconds(),
        **SERVER_OPTIONS,
        **options,
        ws_max_size=settings.max_message_bytes,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        lifespan="on",
    )


class _Server(uvicorn.Server):
    """Says where it listens once it does, and ends with exit code 0 when a signal stops it."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, *args: Any, **kwargs: Any) -> None:
        """Start, then say the URL."""
        await super().startup(*args, **kwargs)
        if self.started:
            say(self._greeting)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal. Unlike the original, do not raise it again afterwards: a stop that worked is no failure."""
        before = {each: signal.signal(each, self.handle_exit) for each in _SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
