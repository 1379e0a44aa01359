"""How much a document asks for: found out in one walk, linear in the document, as each fragment is looked into once.

Nothing here needs the document to be valid, so that it can be bounded before it is validated.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
)

from resolvers.pages import DEFAULT_PAGE, LARGEST_PAGE, SMALLEST_PAGE

LIST = 5
"""How many rows a list is taken to have that does not come in pages."""

LISTS_OF_THE_SCHEMA = {"types": 50}
LIST_OF_THE_SCHEMA = 3
"""Likewise for introspection, where a list's rows are cheaper: nothing is asked of the database."""


class Extent(NamedTuple):
    """What some selections come to: levels of fields, fields on the first of them, and values in the answer."""

    depth: int = 0
    fields: int = 0
    cost: int = 0


NOTHING = Extent()


class Walk:
    """One walk through a document: `aliases` and `directives` of all of it, and the `extent` of one operation.

    A page costs what each of its rows does, as often as it has rows at most. `sized_by` are the variables on which that
    depends; where they are not given, their defaults count.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode | None,
        variables: Mapping[str, Any],
    ) -> None:
        self.aliases = 0
        self.directives = 0
        self.sized_by: set[str] = set()
        self._schema = schema
        self._variables = {**_defaults(operation), **variables} if operation else {}
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[str, Extent] = {}
        self.extent = self._operation(operation) if operation else NOTHING
        sized_by = self.sized_by.copy()
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode) and each is not operation:
                self._operation(each)
        for name in self._fragments:
            self._fragment(name)
        self.sized_by = sized_by

    def _operation(self, operation: OperationDefinitionNode) -> Extent:
        self._count(operation.directives)
        for variable in operation.variable_definitions or ():
            self._count(variable.directives)
        return self._selected(operation.selection_set, self._schema.get_root_type(operation.operation))

    def _fragment(self, name: str) -> Extent:
        """The extent of a fragment; nothing for one that is missing, or spreads itself: validation tells of it."""
        known = self._known.get(name)
        if known is None and name in self._fragments:
            self._known[name] = NOTHING
            fragment = self._fragments[name]
            self._count(fragment.directives)
            known = self._known[name] = self._selected(fragment.selection_set, self._type(fragment.type_condition))
        return known or NOTHING

    def _selected(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> Extent:
        depth = fields = cost = 0
        for each in selections.selections if selections else ():
            self._count(each.directives)
            if isinstance(each, FieldNode):
                extent = self._field(each, parent)
            elif isinstance(each, FragmentSpreadNode):
                extent = self._fragment(each.name.value)
            else:
                assert isinstance(each, InlineFragmentNode)
                on = self._type(each.type_condition) if each.type_condition else parent
                extent = self._selected(each.selection_set, on)
            depth, fields, cost = max(depth, extent.depth), fields + extent.fields, cost + extent.cost
        return Extent(depth, fields, cost)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Extent:
        self.aliases += node.alias is not None
        field = self._schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
        inner = self._selected(node.selection_set, get_named_type(field.type) if field else None)
        times = self._rows(node, field, parent) if field and inner.cost else 1
        return Extent(inner.depth + 1, 1, 1 + times * inner.cost)

    def _rows(self, node: FieldNode, field: GraphQLField, parent: GraphQLNamedType | None) -> int:
        """How often what a field selects may be answered."""
        if "first" in field.args:
            return max(self._sizes(node), default=DEFAULT_PAGE)
        if parent is not None and is_introspection_type(parent):
            if node.name.value == "ofType":
                return 0  # most types are not wrapped, and clients ask for many levels to be sure
            return LISTS_OF_THE_SCHEMA.get(node.name.value, LIST_OF_THE_SCHEMA) if _is_list(field) else 1
        return LIST if _is_list(field) and not (parent and parent.name.endswith("Connection")) else 1

    def _sizes(self, node: FieldNode) -> list[int]:
        sizes = []
        for argument in node.arguments or ():
            if argument.name.value not in ("first", "last"):
                continue
            size: object = None
            if isinstance(argument.value, VariableNode):
                self.sized_by.add(argument.value.name.value)
                size = self._variables.get(argument.value.name.value)
            elif isinstance(argument.value, IntValueNode):
                size = int(argument.value.value[:10])
            if isinstance(size, int):
                sizes.append(min(max(size, SMALLEST_PAGE), LARGEST_PAGE))
        return sizes

    def _type(self, node: NamedTypeNode) -> GraphQLNamedType | None:
        return self._schema.get_type(node.name.value)

    def _count(self, directives: tuple[DirectiveNode, ...] | None) -> None:
        self.directives += len(directives or ())


def _is_list(field: GraphQLField) -> bool:
    return is_list_type(field.type.of_type if is_non_null_type(field.type) else field.type)


def _defaults(operation: OperationDefinitionNode) -> dict[str, int]:
    return {
        each.variable.name.value: int(each.default_value.value[:10])
        for each in operation.variable_definitions or ()
        if isinstance(each.default_value, IntValueNode)
    }


def count_values(variables: object, enough: int) -> int:
    """How many values some variables have, or any number above `enough` if it is more."""
    count = 0
    waiting = [variables]
    while waiting and count <= enough:
        value = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        count += len(inner)
        if count <= enough:
            waiting.extend(inner)
    return count
