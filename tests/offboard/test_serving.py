"""The command serve, as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

SERVE = [str(Path(sys.executable).with_name("offboard")), "serve", "--port"]


@contextmanager
def serving(folder: Path, database_url: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port and its URL; killed if it is still there at the end."""
    server = subprocess.Popen(
        [*SERVE, "0", *options],
        cwd=folder,
        env={**os.environ, "OFFBOARD_DATABASE_URL": database_url, "OFFBOARD_LOG_FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        greeting = server.stdout.readline()
        assert greeting.startswith("Offboard is serving on http://"), server.communicate()[1]
        yield server, greeting.split()[-1]
    finally:
        server.kill()
        server.communicate()


def ask(url: str, query: str) -> dict[str, object]:
    request = urllib.request.Request(url, json.dumps({"query": query}).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert "server" not in {name.lower() for name in answer.headers}
        return dict(json.load(answer))


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_server_answers_at_the_url_it_says_and_ends_well(
    tmp_path: Path, database_url: str, stop: signal.Signals
) -> None:
    with serving(tmp_path, database_url) as (server, url):
        assert ask(url, "{ __typename }") == {"data": {"__typename": "Query"}}
        with connect(url.replace("http", "ws"), subprotocols=[Subprotocol("graphql-transport-ws")]) as websocket:
            server.send_signal(stop)
            with pytest.raises(ConnectionClosed) as closed:
                websocket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert server.wait(timeout=10) == 0
        assert server.stderr is not None
        for line in server.stderr.read().splitlines():
            assert json.loads(line)["level"] == "info", line


def test_an_ipv6_host_is_shown_as_in_a_url(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url, "--host", "::1") as (_, url):
        assert url.startswith("http://[::1]:")


def test_a_port_that_is_taken_is_one_line(tmp_path: Path, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [*SERVE, str(port)],
            cwd=tmp_path,
            env={**os.environ, "OFFBOARD_DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"Error: Port {port} of 127.0.0.1 cannot be opened: Address already in use.\n"
