"""The printed schema: committed, and described throughout."""

from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    find_breaking_changes,
)

from schema.root import schema

ROOT = Path(__file__).parents[2]


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    """Red when the schema changes and `make schema` was not run."""
    assert (ROOT / "schema" / "schema.graphql").read_text() == schema.as_str() + "\n"


def test_every_type_field_and_argument_of_inputs_is_described() -> None:
    bare = []
    for name, kind in schema._schema.type_map.items():
        if name.startswith("__") or not isinstance(
            kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType | GraphQLEnumType
        ):
            continue
        bare += [] if kind.description else [name]
        if not isinstance(kind, GraphQLEnumType):
            bare += [f"{name}.{field}" for field, each in kind.fields.items() if not each.description]
    assert not bare


def test_nothing_of_the_last_release_is_broken() -> None:
    """Red when a client of the last release may fail. A release puts its own schema into released.graphql."""
    released = build_schema((ROOT / "schema" / "released.graphql").read_text())
    assert [change.description for change in find_breaking_changes(released, schema._schema)] == []
