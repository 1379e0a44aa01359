"""GraphQL documents: parsed, validated and looked through once, then kept while they are in use."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    NonNullTypeNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.validation.rules import overlapping_fields_can_be_merged

from offboard.extent import Walk, count_values
from offboard.limits import DocumentLimits, LimitExceeded
from offboard.trusted import Manifest, UnknownDocument
from resolvers.errors import RequestError
from schema.root import schema

GRAPHQL = schema._schema
MOST_ERRORS = 5
"""So many errors of a document are told: each may repeat a good part of it."""

MOST_COMPARISONS = 20_000
"""What validation may spend on comparing fields of the same name with each other, which is quadratic."""
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = MOST_COMPARISONS

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
    sized_by: frozenset[str]
    """The variables that decide how long its pages are."""
    cursor_variable: str | None
    """The variable that says nothing but after which event a subscription resumes, if there is one."""
    cursor_required: bool
    hide_suggestions: bool

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation.operation


class Documents:
    """The documents of one deployment, within its limits. Without `introspection` nothing tells of the schema.

    With a manifest no others are run.
    """

    def __init__(
        self,
        limits: DocumentLimits = DocumentLimits(),
        *,
        introspection: bool = True,
        manifest: Manifest | None = None,
    ) -> None:
        self._limits = limits
        self._introspection = introspection
        self._rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        self._manifest = manifest
        self._kept = lru_cache(_KEPT)(self._prepare)

    def text(self, document_id: str | None, query: str | None) -> str:
        """The document that a request sends, or names by its hash; raises RequestErrors."""
        try:
            if self._manifest is not None:
                return self._manifest.find(document_id, query)
            if query is None:
                raise UnknownDocument
        except RequestError as error:
            raise RequestErrors([GraphQLError(str(error), original_error=error)]) from None
        return query

    def prepare(self, query: str, operation_name: str | None, variables: Mapping[str, Any] | None = None) -> Prepared:
        """Parse, bound, validate and choose the operation; raises RequestErrors."""
        try:
            if count_values(variables, self._limits.values) > self._limits.values:
                self._limits.check("values", self._limits.values + 1)
            self._limits.check("characters", len(query))
            prepare = self._kept if len(query) <= _LONGEST_KEPT else self._prepare
            prepared = prepare(query, operation_name)
            if variables and not prepared.sized_by.isdisjoint(variables):
                walk = Walk(GRAPHQL, prepared.document, prepared.operation, variables)
                self._limits.check("cost", walk.extent.cost)
        except LimitExceeded as exceeded:
            raise RequestErrors([GraphQLError(str(exceeded), original_error=exceeded)]) from None
        except GraphQLError as error:
            raise RequestErrors([error]) from None
        except RecursionError:
            raise RequestErrors([GraphQLError("The document is nested too deeply.")]) from None
        return prepared

    def _prepare(self, query: str, operation_name: str | None) -> Prepared:
        document = self._parsed(query)
        operation = get_operation_ast(document, operation_name)
        walk = self._bounded(document, operation)
        self._validate(document)
        if operation is None:
            raise RequestErrors([_no_operation(operation_name)])
        cursor = _cursor_variable(document, operation)
        return Prepared(
            document,
            operation,
            frozenset(_root_fields(document, operation)),
            frozenset(walk.sized_by),
            cursor.variable.name.value if cursor else None,
            cursor is not None and isinstance(cursor.type, NonNullTypeNode),
            hide_suggestions=not self._introspection,
        )

    def _bounded(self, document: DocumentNode, operation: OperationDefinitionNode | None) -> Walk:
        walk = Walk(GRAPHQL, document, operation, {})
        self._limits.check("aliases", walk.aliases)
        self._limits.check("directives", walk.directives)
        self._limits.check("depth", walk.extent.depth)
        self._limits.check("root_fields", walk.extent.fields)
        self._limits.check("cost", walk.extent.cost)
        return walk

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(GRAPHQL, document, self._rules, MOST_ERRORS, hide_suggestions=not self._introspection)
        if errors and errors[-1].message == "Validation aborted.":
            raise LimitExceeded("comparisons", MOST_COMPARISONS, "The document repeats too many fields to be compared.")
        if errors:
            raise RequestErrors(errors)

    def _parsed(self, query: str) -> DocumentNode:
        tokens = self._limits.tokens
        try:
            return parse(query, max_lexical_tokens=tokens, max_comments=tokens)
        except GraphQLSyntaxError as error:
            if error.message.endswith("Parsing aborted.") and f" {tokens} " in error.message:
                self._limits.check("tokens", tokens + 1)
            raise


def _no_operation(operation_name: str | None) -> GraphQLError:
    if operation_name is None:
        return GraphQLError("Send the operationName of one of the document's operations.")
    return GraphQLError(f"The document has no operation named {operation_name!r}.")


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
