"""The walls on PostgreSQL: what test_isolation.py asks on SQLite one by one is asked here in one go."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from models.database import Database
from offboard.gateway import Gateway
from offboard.service import Service
from offboard.settings import Settings
from resolvers.passwords import hash_password
from schema import ids
from tests.estate import furnish
from tests.records import dump, of_workspace
from tests.schema.asking import PASSWORD, operations, put
from tests.schema.worlds import UNLIMITED, ask, plain

MINE, THEIRS = "acmel", "quorl"
pytestmark = [pytest.mark.long, pytest.mark.only_on("postgresql")]


@pytest.fixture
async def gateway(database_url: str) -> AsyncIterator[Gateway]:
    service = Service(Settings(database_url=database_url, password_hash_cost=1, **UNLIMITED))
    yield Gateway(service)
    await service.database.close()


async def test_nothing_passes_a_wall(database: Database, gateway: Gateway) -> None:
    password_hash = await hash_password(PASSWORD, 1)
    mine, theirs = [await furnish(database, mark, password_hash) for mark in (MINE, THEIRS)]
    before = of_workspace(await dump(database), theirs.shop)
    olivia = mine.people["olivia"]
    for operation in operations():
        base = operation.variables(mine)
        for place in (each for each in operation.places if each.type_name == "ID" and not each.is_in_filter):
            answers = []
            for row_id in (theirs.things[place.kind], uuid4()):
                named = ids.encode(place.kind, row_id)
                given = put(base, operation, place, named, mine)
                answer = await ask(gateway, operation.document(*given.keys() - {"node"}), olivia, given)
                answers.append(plain(answer, named))
            assert answers[0] == answers[1], f"{operation} {place}"
    for operation in operations():
        variables = operation.variables(mine)
        answer = await ask(gateway, operation.document(*variables.keys() - {"node"}), olivia, variables)
        assert THEIRS not in plain(answer).lower()
    assert of_workspace(await dump(database), theirs.shop) == before
