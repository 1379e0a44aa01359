"""Thousands of rows by their ids, of which Python sees nothing but the values that the driver gave it.

To make a UUID of each, and text of that again, takes longer than to read them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Dialect, String, TableValuedAlias, Uuid, bindparam, column, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NULLTYPE, TypeDecorator, TypeEngine

from models.types import from_millis


class Ids(TypeDecorator[Sequence[Any]]):
    """Ids as one value: an array, and on SQLite the text of one. They are read as rows alone, see listed()."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(Uuid()))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        if dialect.name != "sqlite" or value is None:
            return value
        made = len(value) > 0 and isinstance(value[0], UUID)
        return orjson.dumps([each.hex for each in value] if made else value).decode()


class _Rows(FunctionElement[Any]):
    """The elements of an array as rows."""

    name = "rows"
    inherit_cache = True


@compiles(_Rows, "sqlite")
def _json_each(element: _Rows, compiler: Any, **words: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **words)})"


@compiles(_Rows, "postgresql")
def _unnest(element: _Rows, compiler: Any, **words: Any) -> str:
    return f"unnest({compiler.process(element.clauses, **words)})"


def listed(ids: ColumnElement[Any]) -> TableValuedAlias:
    """Ids as rows of `value`."""
    return _Rows(ids).table_valued(column("value", Uuid()), name="value")


IDS = bindparam("ids", type_=Ids())
"""The parameter `ids`, all of them UUIDs, or all as as_stored() has read them."""

LISTED = listed(IDS)
"""Those as rows of `value`."""


def as_stored(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column to read without making anything of its values."""
    return type_coerce(value, NULLTYPE)


def stored_id(value: Any) -> UUID:
    """The id that as_stored() has read."""
    return UUID(value) if isinstance(value, str) else value


def stored_time(value: Any) -> datetime | None:
    """The time that as_stored() has read, if there was one."""
    return from_millis(value) if isinstance(value, int) else value
