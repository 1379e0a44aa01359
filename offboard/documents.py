"""GraphQL documents: parsed, validated and looked through once, then kept while they are in use."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    get_operation_ast,
    parse,
    validate,
    visit,
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
    cursor_variable: str | None
    """The variable that says nothing but after which event a subscription resumes, if there is one."""
    cursor_required: bool

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation.operation


def prepare(query: str, operation_name: str | None) -> Prepared:
    """Parse, validate and choose the operation; raises RequestErrors."""
    return _kept(query, operation_name) if len(query) <= _LONGEST_KEPT else _prepare(query, operation_name)


def _prepare(query: str, operation_name: str | None) -> Prepared:
    document = _valid(query)
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        raise RequestErrors(
            [GraphQLError("Send the operationName of one of the document's operations.")]
            if operation_name is None
            else [GraphQLError(f"The document has no operation named {operation_name!r}.")]
        )
    cursor = _cursor_variable(document, operation)
    return Prepared(
        document,
        operation,
        frozenset(_root_fields(document, operation)),
        cursor.variable.name.value if cursor else None,
        cursor is not None and isinstance(cursor.type, NonNullTypeNode),
    )


_kept = lru_cache(_KEPT)(_prepare)


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


def _root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> set[str]:
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    names: set[str] = set()
    visited: set[str] = set()

    def look(selections: SelectionSetNode) -> None:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                names.add(selection.name.value)
            elif not isinstance(selection, FragmentSpreadNode):
                look(selection.selection_set)  # type: ignore[attr-defined]
            elif selection.name.value not in visited:
                visited.add(selection.name.value)
                look(fragments[selection.name.value].selection_set)

    look(operation.selection_set)
    return names


def _cursor_variable(document: DocumentNode, operation: OperationDefinitionNode) -> VariableDefinitionNode | None:
    """The variable of the root field's `after`, unless it has a default, or another place uses it too."""
    (root,) = operation.selection_set.selections[:1]
    if operation.operation is not OperationType.SUBSCRIPTION or not isinstance(root, FieldNode):
        return None
    definitions = {each.variable.name.value: each for each in operation.variable_definitions or ()}
    for argument in root.arguments or ():
        if argument.name.value == "after" and isinstance(argument.value, VariableNode):
            definition = definitions[argument.value.name.value]
            is_used_once = _uses(document, argument.value.name.value) == 1
            return definition if is_used_once and not definition.default_value else None
    return None


def _uses(document: DocumentNode, variable: str) -> int:
    class Uses(Visitor):
        count = 0

        def enter_variable_definition(self, *_: Any) -> VisitorAction:
            return self.SKIP

        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            self.count += node.name.value == variable

    uses = Uses()
    visit(document, uses)
    return uses.count
