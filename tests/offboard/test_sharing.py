"""Sharing never leaks: whoever shares an answer gets, byte for byte, what it would get alone.

Every field that an event of the feed leads to is tried for viewers of every role and scope, two of each.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLNamedType, GraphQLObjectType, get_named_type, is_leaf_type

from models.enums import DeletionReason, EventKind, RevocationReason, Role, TokenScope, UserChangeKind
from models.events import FeedEvent, session_revoked, user_changed
from models.people import AccessToken, User
from models.types import new_id, now
from offboard.documents import GRAPHQL, Documents
from offboard.feed import Operation
from offboard.gateway import FeedAnswers, Gateway
from resolvers.deletion import delete_user
from resolvers.lifecycle import deactivate_user
from resolvers.roles import assign_role, remove_role
from resolvers.viewer import Standing, recheck
from tests.offboard.feed.stage import Client
from tests.offboard.watchers import alone, connect, last_event, subscribe
from tests.records import Verb
from tests.waiting import until
from tests.workshop import Person, Workshop

pytestmark = [pytest.mark.long, pytest.mark.only_on("sqlite")]  # who shares does not depend on the database

Path = tuple[str, ...]
Rights = tuple[Role, ...] | tuple[TokenScope, ...]

STANDINGS: list[Rights] = [
    (Role.OWNER,),
    (Role.ADMIN, Role.VIEWER),
    (Role.AGENT,),
    (Role.VIEWER,),
    (TokenScope.USERS_READ,),
    tuple(TokenScope),
]


def leaves(kind: GraphQLNamedType, above: Path = ()) -> Iterator[Path]:
    """The way to every scalar below a type; through each type once, but through users twice."""
    if isinstance(kind, GraphQLInterfaceType):
        for possible in GRAPHQL.get_possible_types(kind):
            for path in leaves(possible, (*above, kind.name)):
                yield (f"... on {possible.name}", *path)
    if above.count(kind.name) > (kind.name == "User"):
        return
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            yield (name,)
        else:
            for path in leaves(inner, (*above, kind.name)):
                yield (name, *path)


def document(root: str, paths: list[Path]) -> str:
    """A subscription that selects some paths."""
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for step in path:
            node = node.setdefault(step, {})

    def written(node: dict[str, Any]) -> str:
        return " ".join(f"{step} {{ {written(inner)} }}" if inner else step for step, inner in node.items())

    return f"subscription {{ {root} {{ {written(tree)} }} }}"


DOCUMENTS = Documents()
CHANGE = list(leaves(GRAPHQL.type_map["UserChange"]))
REVOCATION = list(leaves(GRAPHQL.type_map["SessionRevocation"]))


@dataclass
class Pair:
    """Two viewers of one standing."""

    one: Person
    other: Person

    @property
    def standing(self) -> Standing:
        assert self.one.viewer.standing == self.other.viewer.standing
        return self.one.viewer.standing


async def pair(shop: Workshop, standing: Rights, name: str = "Pat") -> Pair:
    """Two of a standing. The first belongs to a team, has work, and has created an access token if it is a user."""
    if isinstance(standing[0], TokenScope):
        partners = [await shop.partner(*standing) for _ in range(2)]  # type: ignore[arg-type]
        for partner in partners:  # used just now for as long as the test runs, so that nobody writes it down meanwhile
            await shop.change(AccessToken, partner.id, last_used_at=now() + timedelta(hours=1))
        return Pair(*partners)
    one, other = [await shop.person(f"{name}{number} Pair", *standing) for number in (1, 2)]  # type: ignore[arg-type]
    for person in (one, one, other):
        await shop.sign_in(person)
    await shop.team(f"Team {name}", one)
    await shop.conversation(assignee=one)
    await shop.partner(TokenScope.INBOX_READ, creator=one)
    return Pair(one, other)


async def leaver(shop: Workshop, by: Person, name: str = "Gus") -> Person:
    """An inactive user whom somebody has deactivated."""
    gus = await shop.person(f"{name} Gone", Role.AGENT, inactive=True)
    await shop.change(User, gus.id, deactivated_by_id=by.actor_id)
    await shop.partner(TokenScope.INBOX_READ, creator=gus)
    return gus


def told(shop: Workshop, event: FeedEvent) -> FeedEvent:
    return replace(event, workspace_id=shop.workspace_id, position=1, generation="x", occurred_at=now())


def answers(gateway: Gateway, query: str, standing: Standing) -> FeedAnswers:
    watched: Any = None
    return FeedAnswers(gateway, Operation(query), DOCUMENTS.prepare(query, None), standing, watched)


async def sort(gateway: Gateway, standing: Standing, event: FeedEvent) -> tuple[list[Path], list[Path]]:
    """Which paths are answered for everybody of a standing, and which depend on who asks."""
    shared, personal = list[Path](), list[Path]()
    groups = [list(paths) for _, paths in groupby(sorted(CHANGE), lambda path: path[:-1])]
    while groups:
        paths = groups.pop()
        if await answers(gateway, document("userChanged", paths), standing).for_all(event) is not None:
            shared += paths
        elif len(paths) == 1:
            personal += paths
        else:
            groups += [[path] for path in paths]
    return shared, personal


@pytest.mark.parametrize("standing", STANDINGS, ids="+".join)
async def test_what_is_shared_is_what_each_would_get(gateway: Gateway, workshop: Workshop, standing: Rights) -> None:
    """Red when a field that depends on who asks is read without asking."""
    viewers = await pair(workshop, standing)
    subjects = [await leaver(workshop, viewers.one)]
    if Role.ADMIN in standing or viewers.one.viewer.is_token:
        subjects.append(workshop.olivia)
    if not viewers.one.viewer.is_token:
        subjects.append(viewers.one)
    for subject in subjects:
        event = told(workshop, user_changed(subject.id, UserChangeKind.DEACTIVATED))
        shared, personal = await sort(gateway, viewers.standing, event)
        assert all("sessions" in path for path in personal)
        assert ("user", "sessions", "current") in personal or subject is subjects[0]
        query = document("userChanged", shared)
        together = await answers(gateway, query, viewers.standing).for_all(event)
        for person in (viewers.one, viewers.other):
            assert await alone(gateway, person.viewer, query, event) == together


async def test_the_end_of_a_session_is_the_same_for_everybody(gateway: Gateway, workshop: Workshop) -> None:
    """Red when something of it depends on rights: who follows its own sessions keeps its audience when they change."""
    event = told(workshop, session_revoked(new_id(), workshop.olivia.id, RevocationReason.SIGNED_OUT))
    query = document("sessionRevoked", REVOCATION)
    workspace, none = workshop.workspace_id, frozenset[Any]()
    people = [Standing(workspace, False, frozenset(roles), none) for roles in ((), *([role] for role in Role))]
    partners = [Standing(workspace, True, none, frozenset([scope])) for scope in TokenScope]
    found = {await answers(gateway, query, standing).for_all(event) for standing in people + partners}
    assert len(found) == 1
    assert None not in found


class Office:
    """Two subscribers of each standing, each with every document, and what they would get alone."""

    def __init__(self, gateway: Gateway, shop: Workshop, queries: list[str]) -> None:
        self.gateway = gateway
        self.shop = shop
        self.queries = queries
        self.clients: list[tuple[Client, Person]] = []
        self.told = 0

    async def admit(self, person: Person) -> None:
        client = await connect(self.gateway, person)
        self.clients.append((client, person))
        for number, query in enumerate(self.queries):
            await subscribe(self.gateway, client, query, str(number))

    async def do(self, verb: Verb, **words: Any) -> None:
        """Call a verb as Olivia. Everybody hears of it what it would hear alone."""
        olivia = self.shop.olivia.viewer
        await self.gateway.service.database.transact(lambda tx: verb(tx, olivia, **words))
        event = await last_event(self.gateway, olivia)
        assert event.kind is EventKind.USER_CHANGED
        self.told += 1
        for client, _ in self.clients:
            for number in range(len(self.queries)):
                await until(lambda: len(client.told[str(number)]) == self.told)  # noqa: B023
        for client, person in self.clients:
            async with self.gateway.service.database.read() as reader:
                viewer = await recheck(reader, person.viewer)
            for number, query in enumerate(self.queries):
                assert client.told[str(number)][-1] == await alone(self.gateway, viewer, query, event), query


async def test_everybody_hears_what_it_would_hear_alone(gateway: Gateway, workshop: Workshop) -> None:
    """Red when an audience holds people of two standings, or one whose rights have changed since."""
    some = random.Random(7).sample(CHANGE, 20)
    queries = [document("userChanged", paths) for paths in (some, [("user", "sessions", "current")], [("cursor",)])]
    third = await workshop.person("Tom Third", Role.AGENT)
    pairs = [await pair(workshop, standing, "+".join(standing)) for standing in STANDINGS]
    office = Office(gateway, workshop, queries)
    for each in pairs:
        await office.admit(each.one)
        await office.admit(each.other)
    _owners, admins, agents, *_ = pairs
    await office.do(assign_role, user_id=third.id, role=Role.VIEWER)
    await office.do(deactivate_user, user_id=third.id)
    await office.do(assign_role, user_id=agents.one.id, role=Role.ADMIN)
    await office.do(remove_role, user_id=admins.one.id, role=Role.ADMIN)
    await office.do(delete_user, user_id=third.id, confirmation=third.email, reason=DeletionReason.PRIVACY_REQUEST)
