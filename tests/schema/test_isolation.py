"""Tenants are walls (law 7): every operation of the schema, asked with everything that another workspace has.

Whatever is named that exists elsewhere, the answer is the one for what exists nowhere, made with the same statements:
neither words nor numbers nor the time it takes tell of it. What is done in one's own workspace changes no row of the
other, and is answered as if there were no other.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from graphql import get_named_type

from models.events import new_generation
from offboard.feed.audience import Following
from offboard.feed.connection import Connection
from offboard.feed.protocol import Operation as FeedOperation
from schema import ids
from tests.estate import Estate
from tests.schema.asking import KINDS, Operation, Place, operations, put
from tests.schema.worlds import Kept, World, codes_of, keep, opened, plain
from tests.statements import watched
from tests.waiting import until

pytestmark = pytest.mark.long

MINE, THEIRS, NOWHERE = "acmel", "quorl", "quorm"
"""Marks of the same length. THEIRS is in every text of the other workspace, NOWHERE in none."""

ALL = pytest.mark.parametrize("operation", operations(), ids=str)

NAMES_A_WORKSPACE = {"SignInInput.workspace", "RequestPasswordResetInput.workspace"}
"""Where a client says to which workspace it wants to come in: that one may write down that somebody tried."""


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, Kept]:
    """One's own workspace alone, and the same with another beside it."""
    folder = tmp_path_factory.mktemp("worlds")
    alone = keep(folder / "alone.db", MINE)
    return alone, keep(folder / "beside.db", THEIRS, alone)


@pytest.fixture
async def world(worlds: tuple[Kept, Kept], tmp_path: Path) -> AsyncIterator[World]:
    async with opened(worlds[1], tmp_path / "world.db") as world:
        yield world


@pytest.fixture
async def alone(worlds: tuple[Kept, Kept], tmp_path: Path) -> AsyncIterator[World]:
    async with opened(worlds[0], tmp_path / "alone.db") as world:
        yield world


def traces_of(estate: Estate) -> list[str]:
    """All that could tell of a workspace in an answer."""
    things = [*estate.things.values(), *(each.id for each in estate.people.values())]
    shown = [ids.encode(kind, thing) for kind, thing in estate.things.items()]
    shown += [ids.encode("User", each.id) for each in estate.people.values()]
    return [estate.mark, *shown, *map(str, things), *(each.hex for each in things)]


class Walls:
    """Asks one operation as the owner of one workspace, and looks what the answer and the rows tell of the other."""

    def __init__(self, world: World, operation: Operation) -> None:
        self.world = world
        self.operation = operation
        self.mine, self.theirs = world.estates
        self.found: list[str] = []
        self.their_rows = world.rows_of(self.theirs)

    def document(self, variables: dict[str, Any]) -> str:
        """The operation with these arguments."""
        return self.operation.document(*variables.keys() - {"node"})

    async def ask(self, variables: dict[str, Any], *given: str, where: object, may_write: bool = False) -> Any:
        """The answer, and the statements that made it; complains of every trace of the other workspace."""
        with watched(self.world.service.database) as statements:
            answer = await self.world.ask(self.document(variables), self.mine.people["olivia"], variables)
        text = orjson.dumps(answer, default=str).decode()
        for each in given:
            text = text.replace(each, "")
        for trace in traces_of(self.theirs):
            if trace in text.lower() or trace in text:
                self.found.append(f"{where}: the answer tells of {trace}: {text}")
        if self.world.has_changed():
            if self.world.rows_of(self.theirs) != self.their_rows and not may_write:
                self.found.append(f"{where}: rows of the other workspace have changed")
            self.world.put_back()
        return answer, [each.sql for each in statements]

    async def compare(self, place: Place, nowhere: str, *theirs: str) -> Any:
        """Ask with something of nowhere and with things of theirs: nothing may be different. The first answer."""
        base = self.operation.variables(self.mine)
        may_write = f"{place.owner}.{place.name}" in NAMES_A_WORKSPACE
        results = []
        for value in (nowhere, *theirs):
            variables = put(base, self.operation, place, value, self.mine)
            answer, statements = await self.ask(variables, value, where=place, may_write=may_write)
            results.append((plain(answer, value), len(statements) if may_write else statements))
        for value, result in zip(theirs, results[1:], strict=True):
            if result != results[0]:
                self.found.append(f"{place} with {value}: {result} but with nothing: {results[0]}")
        return answer


@pytest.fixture
def walls(world: World, operation: Operation) -> Iterator[Walls]:
    walls = Walls(world, operation)
    yield walls
    assert walls.found == []


@ALL
async def test_what_one_does_in_ones_own_workspace_does_not_depend_on_others(walls: Walls, alone: World) -> None:
    variables = walls.operation.variables(walls.mine)
    answer, statements = await walls.ask(variables, where="own")
    assert codes_of(answer) == [], f"Say in needs() what {walls.operation} needs so that it succeeds: {answer}"
    with watched(alone.service.database) as seen:
        without = await alone.ask(walls.document(variables), walls.mine.people["olivia"], variables)
    assert plain(answer) == plain(without)
    assert statements == [each.sql for each in seen]


@ALL
async def test_what_another_workspace_has_is_nothing_here(walls: Walls) -> None:
    cursors = await their_cursors(walls)
    for place in walls.operation.places:
        if place.type_name == "ID":
            await with_ids(walls, place)
        elif place.name in ("after", "before"):
            for cursor in cursors:
                await walls.compare(place, of_nothing(cursor), cursor)
        elif place.type_name == "String":
            for text in (THEIRS, f"ana@{THEIRS}.test", f"Ana {THEIRS}"):
                await walls.compare(place, text.replace(THEIRS, NOWHERE), text)


async def with_ids(walls: Walls, place: Place) -> None:
    """With ids of every kind: all are refused as one of nothing is."""
    assert walls.theirs.things.keys() == KINDS, "Put one of each kind into tests/estate.py."
    theirs = {kind: ids.encode(kind, thing) for kind, thing in walls.theirs.things.items()}
    if str(walls.operation) == "Query.node":
        for kind, each in theirs.items():
            assert is_not_found(await walls.compare(place, ids.encode(kind, uuid4()), each))
    else:
        answer = await walls.compare(place, ids.encode(place.kind, uuid4()), *theirs.values())
        assert is_not_found(answer) or place.is_in_filter, f"{place}: {answer}"


async def test_nobody_is_told_what_happens_in_another_workspace(world: World) -> None:
    """Whoever follows everything that there is to follow, while everything is done over there that can be done."""
    mine, theirs = world.estates
    ears = [await listen(world, operation, each) for operation in operations() for each in followed(operation)]
    for operation in operations():
        if operation.root == "Mutation":
            variables = operation.variables(theirs)
            await world.ask(operation.document(*variables), theirs.people["olivia"], variables)
    assert [each.heard for each in ears] == [[]] * len(ears)
    olivia = {"userId": ids.encode("User", mine.people["olivia"].id)}
    deactivated = {"userId": ids.encode("User", mine.things["User"])}
    for name, given in (("deactivateUser", deactivated), ("revokeAllSessions", olivia)):
        document = f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ __typename }} }}"
        await world.ask(document, mine.people["olivia"], {"input": given})
    await until(lambda: all(each.heard for each in ears))
    told = b"".join(part for each in ears for part in each.heard).decode()
    assert not [trace for trace in traces_of(theirs) if trace in told]


def followed(operation: Operation) -> Iterator[dict[str, Any]]:
    """How one can subscribe to the feed: with each value of an argument that has some."""
    if operation.root == "Subscription" and "id" not in operation.field.args:
        values = [
            (name, getattr(get_named_type(each.type), "values", ())) for name, each in operation.field.args.items()
        ]
        yield from ({name: value} for name, some in values for value in some)
        yield {}


async def listen(world: World, operation: Operation, variables: dict[str, Any]) -> "Ear":
    ear = Ear()
    connection = Connection(world.estates[0].people["olivia"].viewer, ear)
    await world.service.feed.attach(connection)
    asked = FeedOperation(operation.document(*variables), None, variables)
    following = await world.gateway.execute(connection, asked, {"headers": []})
    assert isinstance(following, Following)
    world.service.feed.follow(connection, "1", following)
    return ear


class Ear:
    """An outlet that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def next(self, _operation_id: str, payload: bytes) -> None:
        self.heard.append(payload)

    async def ready(self) -> None:
        pass

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


async def their_cursors(walls: Walls) -> list[str]:
    """Where the other workspace's feed stands, and the ends of its pages of what is asked for."""
    olivia = walls.theirs.people["olivia"]
    feed = await walls.world.ask("{ feedPosition }", olivia, {})
    answers = [feed["data"]["feedPosition"]]
    if walls.operation.root == "Query":
        answer = await walls.world.ask(walls.operation.document(), olivia, walls.operation.variables(walls.theirs))
        answers += re.findall(r'_endCursor":"([\w-]+)"', orjson.dumps(answer).decode())
    return answers


def of_nothing(cursor: str) -> str:
    """The same cursor for a row, or a feed, that does not exist."""
    text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    if text.startswith("["):
        *places, _row_id = orjson.loads(text)
        text = orjson.dumps([*places, uuid4().hex]).decode()
    else:
        text = f"{new_generation()}:{text.partition(':')[2]}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def is_not_found(answer: Any) -> bool:
    """Refused as NOT_FOUND, or nothing where one thing is asked for."""
    is_null = "errors" not in answer and all(each is None for each in answer["data"].values())
    return is_null or codes_of(answer) == ["NOT_FOUND"]


def test_the_other_workspace_has_rows_in_every_table(world: World) -> None:
    """Otherwise nobody would notice that some of them change."""
    empty = {table for table, rows in world.rows_of(world.estates[1]).items() if not rows}
    assert empty == {"installation"}, "Put a row of the new table into tests/estate.py."
