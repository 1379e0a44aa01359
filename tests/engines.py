"""Engines that compile a statement once for all tests of a process: each test opens engines of its own."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models import postgresql, sqlite

_first: dict[str, Engine] = {}
_compiled: dict[Any, Any] = {}


def compile_once() -> None:
    """Let every engine of this process share its dialect and what was compiled for it with those of its kind."""
    for module in (sqlite, postgresql):
        vars(module)["create_async_engine"] = _create


def _create(url: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **options)
    engine.sync_engine.dialect = _first.setdefault(engine.dialect.name, engine.sync_engine).dialect
    engine.sync_engine.update_execution_options(compiled_cache=_compiled)
    return engine
