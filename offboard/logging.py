"""Logging: one stream of structured lines on stderr, with the request's id and without secrets."""

import logging
import os
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from offboard.settings import LogFormat, LogLevel

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(r"password|passwd|token|secret|authorization|cookie|credential|api_?key", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"\bob[asl]_[\w-]{16,}|(?<=bearer )\S+|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)", re.IGNORECASE)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor that blanks values under telling keys, however deep, and bearer secrets inside of texts."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: object, value: Any) -> Any:
    if isinstance(key, str) and _SECRET_KEY.search(key) and not isinstance(value, bool | int | None):
        return REDACTED
    if isinstance(value, str):
        return _SECRET_TEXT.sub(REDACTED, value)
    if isinstance(value, Mapping):
        return {inner: _clean(inner, each) for inner, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(None, each) for each in value]
    return value


def numbered(**more: str) -> AbstractContextManager[None]:
    """Give what the block does a request id of its own, which its log lines and masked errors carry, and `more`."""
    return structlog.contextvars.bound_contextvars(request_id=uuid4().hex, **more)


def configure_logging(log_format: LogFormat, level: LogLevel) -> None:
    """Send structlog and the standard library's loggers (the server's too) through one chain of processors.

    Values bound with structlog.contextvars, such as `request_id`, appear on every line of their request.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _add_pid,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), _drop_colour],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _renderer(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # Its debug lines repeat every statement with its values, among them addresses and the hashes of passwords.
    logging.getLogger("aiosqlite").setLevel(max(threshold, logging.INFO))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _add_pid(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {**event, "pid": os.getpid()}


def _renderer(log_format: LogFormat) -> Processor:
    if log_format is LogFormat.JSON:
        return structlog.processors.JSONRenderer(default=str)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )


def _drop_colour(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    return event
