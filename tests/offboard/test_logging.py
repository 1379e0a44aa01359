import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from models.database import Database
from models.people import Account
from models.types import now
from offboard.logging import REDACTED, configure_logging
from offboard.settings import LogFormat, LogLevel


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_carries_the_request_id_and_what_was_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON, LogLevel.INFO)
    structlog.contextvars.bind_contextvars(request_id="r-1")
    structlog.get_logger("offboard.test").info("hello", user="u-1")
    (line,) = lines(capsys)
    assert line["event"] == "hello"
    assert line["request_id"] == "r-1"
    assert line["user"] == "u-1"
    assert line["level"] == "info"
    assert line["logger"] == "offboard.test"
    assert line["pid"] == os.getpid()
    assert line["timestamp"].endswith("Z")


def test_secrets_are_blanked_wherever_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON, LogLevel.INFO)
    token = "obs_" + "x" * 43
    structlog.get_logger().info(
        f"sent {token}",
        password="hunter2",
        new_password=["hunter2"],
        headers={"Authorization": "Bearer hunter2", "cookie": b"hunter2", "accept": "text/html"},
        values=[{"token": "hunter2"}, f"Bearer {token}", ("smtp://me:hunter2@mail", "redis://:hunter2@cache")],
        tokens=3,
    )
    text = capsys.readouterr().err
    assert "hunter2" not in text
    assert token not in text
    line = json.loads(text)
    assert line["event"] == f"sent {REDACTED}"
    assert line["headers"]["accept"] == "text/html"
    assert line["tokens"] == 3


@pytest.mark.parametrize("log_format", LogFormat)
def test_tracebacks_are_logged_without_secrets(capsys: pytest.CaptureFixture[str], log_format: LogFormat) -> None:
    configure_logging(log_format, LogLevel.INFO)
    secret = "oba_" + "y" * 43
    try:
        raise RuntimeError(f"cannot use {secret}")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    text = capsys.readouterr().err
    assert "RuntimeError" in text
    assert "Traceback" in text
    assert secret not in text


def test_the_servers_own_loggers_go_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON, LogLevel.INFO)
    logging.getLogger("uvicorn.error").info("Started %d", 7, extra={"color_message": "bright", "password": "hunter2"})
    (line,) = lines(capsys)
    assert line["event"] == "Started 7"
    assert line["password"] == REDACTED
    assert "color_message" not in line


def test_less_than_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.CONSOLE, LogLevel.WARNING)
    structlog.get_logger().info("quiet")
    logging.getLogger("uvicorn.error").info("quiet")
    structlog.get_logger().warning("loud")
    text = capsys.readouterr().err
    assert "loud" in text
    assert "quiet" not in text


async def test_what_goes_into_the_database_is_not_logged(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(LogFormat.JSON, LogLevel.DEBUG)
    account = Account(email="ana@acme.test", password_hash="$argon2id$secret", created_at=now())
    await database.transact(lambda tx: tx.add(account))
    logged = capsys.readouterr().err
    assert "argon2id" not in logged
    assert "ana@acme.test" not in logged
