"""The printed schema: committed, and described throughout."""

from pathlib import Path

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

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
