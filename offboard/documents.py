"""GraphQL documents: parsed, validated and looked through once, then kept while they are in use."""

from dataclasses import dataclass
from functools import lru_cache

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
    parse,
    validate,
)

from schema.root import schema

GRAPHQL = schema._schema
_KEPT = 1_000
_LONGEST_KEPT = 20_000


class RequestErrors(Exception):
    """The document cannot be executed: it does not parse, is not valid, or names no operation."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid document and the operation of it that is asked for."""

    document: DocumentNode
    operation: OperationDefinitionNode
    root_fields: frozenset[str]

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation.operation


def prepare(query: str, operation_name: str | None) -> Prepared:
    """Parse, validate and choose the operation; raises RequestErrors."""
    document = _kept(query) if len(query) <= _LONGEST_KEPT else _valid(query)
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        raise RequestErrors(
            [GraphQLError("Send the operationName of one of the document's operations.")]
            if operation_name is None
            else [GraphQLError(f"The document has no operation named {operation_name!r}.")]
        )
    return Prepared(document, operation, frozenset(_root_fields(document, operation)))


def _valid(query: str) -> DocumentNode:
    try:
        document = parse(query, no_location=False)
        errors = validate(GRAPHQL, document)
    except GraphQLError as error:
        raise RequestErrors([error]) from None
    except RecursionError:
        raise RequestErrors([GraphQLError("The document is nested too deeply.")]) from None
    if errors:
        raise RequestErrors(errors)
    return document


_kept = lru_cache(_KEPT)(_valid)


def _root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> set[str]:
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    names: set[str] = set()
    visited: set[str] = set()

    def visit(selections: SelectionSetNode) -> None:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                names.add(selection.name.value)
            elif not isinstance(selection, FragmentSpreadNode):
                visit(selection.selection_set)  # type: ignore[attr-defined]
            elif selection.name.value not in visited:
                visited.add(selection.name.value)
                visit(fragments[selection.name.value].selection_set)

    visit(operation.selection_set)
    return names
