"""Workspaces side by side in one database that can be put back to how it was, and a way to ask it anything."""

import asyncio
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import make_url
from sqlmodel import SQLModel

from models.database import Database
from models.migrate import migrate
from offboard.feed.audience import Following
from offboard.feed.connection import Connection
from offboard.feed.errors import OperationFailed, Unauthorized
from offboard.feed.protocol import Operation
from offboard.gateway import Gateway
from offboard.service import Service
from offboard.settings import Settings
from resolvers import passwords
from tests.estate import Estate, furnish
from tests.schema.asking import PASSWORD
from tests.workshop import Person


@dataclass
class Kept:
    """Furnished workspaces in a file of their own, to be copied."""

    file: Path
    estates: list[Estate]


def keep(file: Path, mark: str, beside: Kept | None = None) -> Kept:
    """Furnish a workspace in a database of its own, or in a copy of one that has some already."""

    async def make() -> Estate:
        database = Database(f"sqlite+aiosqlite:///{file}")
        await migrate(database)
        estate = await furnish(database, mark, await passwords.hash_password(PASSWORD, 1))
        await database.truncate_wal()
        await database.close()
        return estate

    if beside is not None:
        shutil.copy(beside.file, file)
    return Kept(file, [*(beside.estates if beside else ()), asyncio.run(make())])


class World:
    """A running service on a copy of what was kept."""

    def __init__(self, kept: Kept, service: Service) -> None:
        self._kept = kept
        self.service = service
        self.gateway = Gateway(service)
        self.estates = [replace(each, shop=replace(each.shop, database=service.database)) for each in kept.estates]
        self._file = make_url(service.settings.database_url).database or ""
        self._watch = sqlite3.connect(self._file)
        self._version = self._looked()

    def has_changed(self) -> bool:
        """Whether anything was committed since the last look, or since it was put back."""
        before, self._version = self._version, self._looked()
        return before != self._version

    def rows_of(self, estate: Estate) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that belongs to a workspace: it carries its id, or no workspace's but that of a row which does."""
        rows = {table: list(self._watch.execute(f'SELECT * FROM "{table}"')) for table in SQLModel.metadata.tables}
        here = estate.shop.workspace_id.hex
        others = {each.shop.workspace_id.hex for each in self.estates} - {here}
        ids = {each for some in rows.values() for row in some if here in row for each in row if _is_id(each)}
        return {
            table: sorted((row for row in some if others.isdisjoint(row) and not ids.isdisjoint(row)), key=repr)
            for table, some in rows.items()
        }

    def put_back(self) -> None:
        """Make every row what it was at the beginning."""
        with closing(sqlite3.connect(self._kept.file)) as source:
            source.backup(self._watch)
        self._version = self._looked()

    def close(self) -> None:
        """Let go of the file."""
        self._watch.close()

    def _looked(self) -> int:
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    async def ask(self, document: str, person: Person, variables: dict[str, Any]) -> Any:
        """See ask()."""
        return await ask(self.gateway, document, person, variables)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


async def ask(gateway: Gateway, document: str, person: Person, variables: dict[str, Any]) -> Any:
    """What somebody who is signed in is answered: of a subscription, what it starts with."""
    connection = Connection(person.viewer, _Nowhere())
    try:
        answer = await gateway.execute(connection, Operation(document, None, variables), _SCOPE)
        if isinstance(answer, Following):
            return {"data": {"following": answer.topic}}
        if isinstance(answer, AsyncIterator):
            async with aclosing(answer):  # type: ignore[type-var]
                return await anext(answer)
    except OperationFailed as failed:
        return {"errors": list(failed.errors)}
    except Unauthorized as refusal:
        return {"errors": [{"message": str(refusal), "extensions": {"code": "UNAUTHENTICATED"}}]}
    return answer


@asynccontextmanager
async def opened(kept: Kept, file: Path) -> AsyncIterator[World]:
    """A world in a file of its own."""
    shutil.copy(kept.file, file)
    service = Service(Settings(database_url=f"sqlite:///{file}", password_hash_cost=1, **UNLIMITED))
    await service.feed.start()
    world = World(kept, service)
    yield world
    world.close()
    await service.feed.stop()
    await service.database.close()


def codes_of(answer: Any) -> list[str]:
    """Why something was refused as a whole: the payload's refusals, and errors but for those of fields further down."""
    refused = [each for payload in (answer.get("data") or {}).values() for each in _refusals(payload)]
    return refused + [each["extensions"]["code"] for each in answer.get("errors", ()) if len(each.get("path", ())) < 2]


def _refusals(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return []
    errors: list[Any] = next((value for name, value in payload.items() if name.endswith("Payload_errors")), [])
    return [each["MutationError_code"] for each in errors]


def plain(answer: Any, *given: str) -> str:
    """An answer without what was given, and without what is new each time."""
    text = orjson.dumps(answer, default=str).decode()
    for each in given:
        text = text.replace(orjson.dumps(each).decode()[1:-1], "<given>")
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>", text)
    return re.sub(r'"[\w-]{30,}"', '"<new>"', text)


class _Nowhere:
    """An outlet through which nothing goes."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


UNLIMITED: dict[str, Any] = {name: 1_000_000 for name in Settings.model_fields if name.startswith("max_")}
"""Documents that select everything ask for more than clients may."""

_SCOPE = {"headers": [], "client": ("192.0.2.1", 1)}
