"""Statements that are run again and again with other values, in transactions so short that to make them anew shows."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Dialect, Insert, Update
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.visitors import iterate

Values = Mapping[str, Any]


class Prepared:
    """A statement that changes rows, made once. `names` are those of its parameters."""

    def __init__(self, statement: Insert | Update | ReturningUpdate[Any]) -> None:
        parameters = [each for each in iterate(statement) if isinstance(each, BindParameter)]
        if any(each.expanding for each in parameters):
            raise ValueError("Of a list its length must be known to prepare a statement: see models.listed.")
        self.statement = statement
        self.names = {each.key for each in parameters if each.required}
        self._sent: tuple[str, list[Callable[[Values], Any]]] | None = None

    def sent(self, dialect: Dialect, values: Values) -> tuple[str, list[Any]]:
        """What a driver whose parameters have places, not names, is given: a text and the values as they are stored.

        It is always of the same dialect.
        """
        if self._sent is None:
            self._sent = self._compile(dialect)
        text, slots = self._sent
        return text, [slot(values) for slot in slots]

    def _compile(self, dialect: Dialect) -> tuple[str, list[Callable[[Values], Any]]]:
        compiled = self.statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        assert compiled.positiontup is not None
        return compiled.string, [_slot(compiled.binds[name], dialect) for name in compiled.positiontup]


def _slot(parameter: BindParameter[Any], dialect: Dialect) -> Callable[[Values], Any]:
    process = parameter.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
    if not parameter.required:
        return partial(_always, process(parameter.effective_value))
    value = itemgetter(parameter.key)
    return lambda values: process(value(values))


def _always(value: Any, _values: Values) -> Any:
    return value


def _as_it_is(value: Any) -> Any:
    return value
