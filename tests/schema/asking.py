"""Every operation there is, taken from the schema, with arguments that fit a furnished workspace.

A field that is added is asked without anybody remembering it. What cannot be guessed about an argument is said here:
of which kind an id is, and what else a field needs so that it succeeds.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

from models.enums import LinkKind
from models.types import now
from schema import ids
from schema.root import schema
from tests.estate import Estate

PASSWORD = "correct horse battery"

PRINTED = build_schema(schema.as_str())
NODES: GraphQLInterfaceType = PRINTED.type_map["Node"]  # type: ignore[assignment]
KINDS = {each.name for each in PRINTED.get_possible_types(NODES)} | {"DeletedUser"}
"""What has an id that clients know."""

KIND_OF = {
    "userId": "User",
    "roundRobin": "User",
    "actorId": "User",
    "targetId": "User",
    "teamId": "Team",
    "teamIds": "Team",
    "conversationId": "Conversation",
    "InboxFilter.ids": "Conversation",
    "operationId": "BulkOperation",
    "sessionId": "Session",
    "accessTokenId": "AccessToken",
    "Query.node.id": "User",
    "Query.user.id": "User",
    "Query.conversation.id": "Conversation",
    "Query.bulkOperation.id": "BulkOperation",
    "Subscription.bulkOperationProgress.id": "BulkOperation",
}
"""Of which kind an id is: by the name of the argument or input field, or by that and where it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes in an operation's variables; `owner` and `name` say where the schema has it."""

    path: tuple[str | int, ...]
    owner: str
    type_name: str

    @property
    def name(self) -> str:
        """The argument or input field."""
        return next(each for each in reversed(self.path) if isinstance(each, str))

    @property
    def kind(self) -> str:
        """Of which kind an id here is."""
        found = KIND_OF.get(f"{self.owner}.{self.name}") or KIND_OF.get(self.name)
        assert found, f"Say in KIND_OF what {self.owner}.{self.name} is the id of."
        return found

    @property
    def is_in_filter(self) -> bool:
        """Chooses rows of a list, rather than naming one thing."""
        return self.owner.endswith("Filter")


@dataclass(frozen=True)
class Operation:
    """One field of a root, or of a type to which `node` leads, and how to ask for it."""

    root: str
    name: str
    field: GraphQLField
    node: str | None = None

    def __str__(self) -> str:
        return f"{self.node or self.root}.{self.name}"

    @property
    def places(self) -> list[Place]:
        """Everywhere a value can be given."""
        return [
            place
            for name, argument in self.field.args.items()
            for place in _places(argument.type, (name,), f"{self.node or self.root}.{self.name}")
        ]

    def document(self, *given: str) -> str:
        """The operation with its required arguments and those given, selecting all that it answers."""
        used = {name: each for name, each in self.field.args.items() if is_required_argument(each) or name in given}
        declared = [f"${name}: {each.type}" for name, each in used.items()]
        passed = ", ".join(f"{name}: ${name}" for name in used)
        asked = f"{self.name}{f'({passed})' if passed else ''} {selection(self.field.type)}"
        if self.node is not None:
            declared.append("$node: ID!")
            asked = f"node(id: $node) {{ ... on {self.node} {{ {asked} }} }}"
        head = f"{self.root.lower()} ({', '.join(declared)})" if declared else self.root.lower()
        return f"{head} {{ {asked} }}"

    def variables(self, estate: Estate) -> dict[str, Any]:
        """Arguments with which it does something in a workspace."""
        made: dict[str, Any] = {
            name: _sample(estate, each.type, str(self), name)
            for name, each in self.field.args.items()
            if is_required_argument(each)
        }
        if self.node is not None:
            made["node"] = ids.encode(self.node, estate.things[self.node])
        _overlay(made, needs(estate).get(str(self), {}))
        return made


def operations() -> list[Operation]:
    """All of them; the one that ends the session which asks is the last."""
    roots = [PRINTED.query_type, PRINTED.mutation_type, PRINTED.subscription_type]
    found = [Operation(root.name, name, field) for root in roots if root for name, field in root.fields.items()]
    found += [
        Operation("Query", name, field, node.name)
        for node in PRINTED.get_possible_types(NODES)
        for name, field in node.fields.items()
        if field.args
    ]
    return sorted(found, key=lambda each: each.name == "signOut")


def needs(estate: Estate) -> dict[str, dict[str, Any]]:
    """What an operation needs so that it succeeds, besides what its arguments' types say."""
    people = estate.people
    ina = {"userId": ids.encode("User", people["ina"].id)}
    signing_in = {"workspace": estate.mark, "email": people["olivia"].email, "password": PASSWORD}
    changed = {"currentPassword": PASSWORD, "newPassword": "a quite different sentence"}
    reset = {"token": estate.links.get(LinkKind.PASSWORD_RESET), "newPassword": "a quite different sentence"}
    return {
        "Mutation.signIn": {"input": signing_in},
        "Mutation.requestPasswordReset": {"input": {"workspace": estate.mark, "email": people["ana"].email}},
        "Mutation.changePassword": {"input": changed},
        "Mutation.resetPassword": {"input": reset},
        "Mutation.acceptInvitation": {
            "input": {"token": estate.links.get(LinkKind.INVITATION), "password": "a quite different sentence"}
        },
        "Mutation.inviteUser": {"input": {"email": f"new@{estate.mark}.test", "roles": ["AGENT"]}},
        "Mutation.assignRole": {"input": {"role": "AGENT"}},
        "Mutation.removeRole": {"input": {"role": "AGENT"}},
        "Mutation.reactivateUser": {"input": ina},
        "Mutation.deleteUser": {"input": ina | {"confirmation": people["ina"].email, "reason": "OFFBOARDED"}},
        "Mutation.scheduleDeparture": {"input": {"at": (now() + timedelta(days=3)).isoformat()}},
        "Mutation.updateWorkspace": {"input": {"retentionDays": 20, "deleteAfterDays": 500}},
        "Mutation.cancelBulkReassign": {"input": {"operationId": ids.encode("BulkOperation", estate.running_id)}},
    }


def put(variables: dict[str, Any], operation: Operation, place: Place, value: Any, estate: Estate) -> dict[str, Any]:
    """The same variables with a value in its place; what lies on the way there is made."""
    made = deepcopy(variables)
    holder: Any = made
    kind: GraphQLInputType = operation.field.args[str(place.path[0])].type
    for step, following in zip(place.path, (*place.path[1:], None), strict=True):
        named = get_named_type(kind)
        if following is None:
            _set(holder, step, value)
            break
        inner: Any = [] if isinstance(following, int) else _get(holder, step)
        if inner is None:
            inner = _sample(estate, named, str(operation), str(step))
        if isinstance(named, GraphQLInputObjectType) and isinstance(following, str):
            inner = {} if named.is_one_of else inner
            kind = named.fields[following].type
        _set(holder, step, inner)
        holder = inner
    return made


def _get(holder: Any, step: str | int) -> Any:
    return holder.get(step) if isinstance(holder, dict) else None


def _set(holder: Any, step: str | int, value: Any) -> None:
    if isinstance(step, int):
        holder.append(value)
    else:
        holder[step] = value


def _overlay(base: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict):
            _overlay(base[name], value)
        else:
            base[name] = value


def _places(kind: GraphQLInputType, path: tuple[str | int, ...], owner: str) -> Iterator[Place]:
    kind = get_nullable_type(kind)
    if is_list_type(kind):
        yield from _places(kind.of_type, (*path, 0), owner)
    elif isinstance(kind, GraphQLInputObjectType):
        for name, each in kind.fields.items():
            yield from _places(each.type, (*path, name), kind.name)
    else:
        yield Place(path, owner, kind.name)  # type: ignore[union-attr]


def _sample(estate: Estate, kind: GraphQLInputType, owner: str, name: str) -> Any:
    """A value of a type that fits the workspace."""
    kind = get_nullable_type(kind)
    if is_list_type(kind):
        return [_sample(estate, kind.of_type, owner, name)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        if kind.is_one_of:
            return {"unassigned": True}
        return {
            inner: _sample(estate, each.type, kind.name, inner)
            for inner, each in kind.fields.items()
            if is_required_input_field(each)
        }
    if kind.name == "ID":
        thing = Place((name,), owner, "ID").kind
        return ids.encode(thing, estate.things[thing])
    simple = {"String": f"New {estate.mark}", "Int": 1, "Boolean": False, "DateTime": now().isoformat()}
    assert kind.name in simple, f"Say in _sample() what a {kind.name} looks like."
    return simple[kind.name]


@cache
def selection(kind: GraphQLOutputType, depth: int = 2, above: tuple[str, ...] = ()) -> str:
    """Everything that a type shows without being asked with arguments, down to the objects of its objects."""
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLInterfaceType):
        depth -= 1
        inner = [f"... on {each.name} {_fields(each, depth, above)}" for each in PRINTED.get_possible_types(named)]
        return f"{{ __typename {' '.join(inner)} }}"
    assert isinstance(named, GraphQLObjectType)
    return _fields(named, depth, above)


def _fields(kind: GraphQLObjectType, depth: int, above: tuple[str, ...]) -> str:
    deeper = depth if kind.name.endswith(("Connection", "Edge", "Payload")) else depth - 1
    shown = ["__typename"]
    for name, field in kind.fields.items():
        answered = get_named_type(field.type)
        if is_leaf_type(answered):
            # Aliased, as types that share an interface may answer one name with several types.
            shown.append(f"{kind.name}_{name}: {name}")
        elif deeper >= 0 and answered.name not in above and not _is_asked_for(field.args):
            shown.append(f"{kind.name}_{name}: {name} {selection(field.type, deeper, (*above, kind.name))}")
    return f"{{ {' '.join(shown)} }}"


def _is_asked_for(arguments: dict[str, GraphQLArgument]) -> bool:
    return any(is_required_argument(each) for each in arguments.values())
