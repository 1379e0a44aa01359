"""Engines that compile a statement once for all tests of a process: each test opens engines of its own."""

from typing import Any

from sqlalchemy import Connection, Dialect, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models import postgresql, sqlite

_shared: dict[str, Dialect] = {}
_compiled: dict[Any, Any] = {}


def compile_once() -> None:
    """Let every engine of this process share its dialect and what was compiled for it with those of its kind."""
    for module in (sqlite, postgresql):
        vars(module)["create_async_engine"] = _create


def _create(url: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **options)
    if engine.dialect.name in _shared:
        engine.sync_engine.dialect = _shared[engine.dialect.name]
    else:
        event.listen(engine.sync_engine, "engine_connect", _share, once=True)
    engine.sync_engine.update_execution_options(compiled_cache=_compiled)
    return engine


def _share(connection: Connection) -> None:
    """Only a dialect that has met its database knows what it needs to know."""
    _shared.setdefault(connection.dialect.name, connection.dialect)
