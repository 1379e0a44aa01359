"""Texts that no database can keep: wherever a client may send one, it gets a clean answer."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

from offboard.documents import GRAPHQL
from tests.api import Api
from tests.workshop import Workshop

SAMPLES = {"String": "x", "ID": "x", "Int": 1, "Boolean": False, "DateTime": "2026-03-01T09:30:00Z"}
NUL = "a\0b"


def sample(kind: GraphQLInputType) -> Any:
    """A value of a type."""
    kind = get_nullable_type(kind)
    if is_list_type(kind):
        return []
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return {name: sample(each.type) for name, each in kind.fields.items() if is_required_input_field(each)}
    return SAMPLES[kind.name]


def spoiled(kind: GraphQLInputType) -> Iterator[Any]:
    """Values of a type with one text that cannot be stored, in each place that takes a text."""
    kind = get_nullable_type(kind)
    if is_list_type(kind):
        yield from ([each] for each in spoiled(kind.of_type))
    elif isinstance(kind, GraphQLInputObjectType):
        others = {} if kind.is_one_of else sample(kind)
        for name, field in kind.fields.items():
            yield from ({**others, name: each} for each in spoiled(field.type))
    elif kind.name in ("String", "ID"):
        yield NUL


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation of one field with one text that cannot be stored, and its variables."""
    for root, kind in ((GRAPHQL.query_type, "query"), (GRAPHQL.mutation_type, "mutation")):
        assert root is not None
        for name, field in root.fields.items():
            for argument in field.args:
                for value in spoiled(field.args[argument].type):
                    yield document(kind, name, field, argument), {argument: value} | required(field.args, argument)


def required(arguments: dict[str, GraphQLArgument], but: str) -> dict[str, Any]:
    return {name: sample(each.type) for name, each in arguments.items() if name != but and is_required_argument(each)}


def document(kind: str, name: str, field: GraphQLField, argument: str) -> str:
    used = {argument: field.args[argument], **{n: a for n, a in field.args.items() if is_required_argument(a)}}
    declared = ", ".join(f"${each}: {used[each].type}" for each in used)
    passed = ", ".join(f"{each}: ${each}" for each in used)
    answer = get_named_type(field.type)
    shown = "" if is_leaf_type(answer) else "{ __typename errors { code } }" if has_errors(field) else "{ __typename }"
    return f"{kind} ({declared}) {{ {name}({passed}) {shown} }}"


def has_errors(field: GraphQLField) -> bool:
    return "errors" in getattr(get_named_type(field.type), "fields", {})


async def test_wherever_a_text_is_taken(api: Api, workshop: Workshop) -> None:
    failed, sent = [], list(operations())
    for operation, variables in sent:
        answer = (await api.post(operation, workshop.olivia, **variables)).text
        if "INTERNAL" in answer or ("code" not in answer and '"data":{"' not in answer):
            failed.append((operation, variables, answer))
    assert failed == []
    assert len(sent) > 30
