"""SQLite's own means: how connections are set up, who writes when, and what becomes of erased bytes."""

import asyncio
import os
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from models.database import Database, Tx, table
from models.people import Team, Workspace
from models.sqlite import STEP_BACK
from tests.models.test_database import name_of, rename
from tests.waiting import until
from tests.workshop import Workshop

pytestmark = pytest.mark.only_on("sqlite")

WORKSPACE = table(Workspace)


def stored(shop: Workshop, ending: str = "") -> bytes:
    """The bytes of the database's file, or of the one beside it."""
    return Path(shop.database.url.removeprefix("sqlite+aiosqlite:///") + ending).read_bytes()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1), ("foreign_keys", 1), ("busy_timeout", 15_000)],
)
async def test_every_connection_is_set_up(database: Database, pragma: str, value: Any) -> None:
    async with database.engine.connect() as one, database.engine.connect() as another:
        for connection in (one, another):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
    async with database.begin() as tx:
        assert await tx.scalar(text(f"PRAGMA {pragma}")) == value


async def test_a_new_file_may_be_opened_by_several_at_once(bare_url: str) -> None:
    """To turn its log on, SQLite itself waits for nobody: red without trying again."""
    with closing(sqlite3.connect(bare_url.removeprefix("sqlite+aiosqlite:///"))) as another:
        another.execute("BEGIN IMMEDIATE")
        database = Database(bare_url)
        opening = asyncio.create_task(database.ping())
        await asyncio.sleep(0.1)
        assert not opening.done()
        another.rollback()
        await opening
        await database.close()


async def test_deleted_bytes_are_overwritten(workshop: Workshop) -> None:
    team = await workshop.team("Zanzibar Quorum")
    assert await workshop.database.truncate_wal()
    assert b"Zanzibar Quorum" in stored(workshop)
    async with workshop.database.begin() as tx:
        await tx.run(table(Team).delete().where(table(Team).c.id == team))
    assert await workshop.database.truncate_wal()
    assert b"Zanzibar Quorum" not in stored(workshop)


async def test_the_log_is_emptied_unless_a_reader_needs_it(workshop: Workshop, node: Database) -> None:
    async with node.read() as reader:
        await reader.scalar(select(WORKSPACE.c.name))
        await workshop.database.transact(lambda tx: rename(tx, "Other"))
        assert await workshop.database.truncate_wal() is False
        assert stored(workshop, "-wal")
    assert await workshop.database.truncate_wal() is True
    assert stored(workshop, "-wal") == b""


async def test_the_log_begins_anew_without_anybody_waiting(workshop: Workshop, node: Database) -> None:
    """What a reader needs stays in it. Red without the checkpoint: the log grows with each transaction."""

    async def rename_often() -> int:
        for number in range(20):
            await workshop.database.transact(lambda tx, number=number: rename(tx, str(number)))  # type: ignore[misc]
            await workshop.database.checkpoint()
        return len(stored(workshop, "-wal"))

    once = await rename_often()
    assert await rename_often() == once
    async with node.read() as reader:
        await reader.scalar(select(WORKSPACE.c.name))
        assert await rename_often() > once
    assert await name_of(workshop) == "19"


async def test_a_writer_begins_as_a_writer(workshop: Workshop, node: Database) -> None:
    """Nobody writes between the first read of a transaction and its commit."""
    begun: list[str] = []
    event.listen(workshop.database.engine.sync_engine, "before_cursor_execute", lambda *call: begun.append(call[2]))
    event.listen(node.engine.sync_engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 0"))
    async with workshop.database.begin() as tx:
        await tx.scalar(select(WORKSPACE.c.name))
        with pytest.raises(OperationalError, match="locked"):
            await node.transact(lambda other: rename(other, "Theirs"))
        await rename(tx, "Ours")
    assert begun[0] == "BEGIN IMMEDIATE"
    assert await name_of(workshop) == "Ours"
    assert begun[-2] == "BEGIN"


async def test_writers_of_one_process_take_turns(workshop: Workshop) -> None:
    at_work: list[int] = []

    async def work(tx: Tx, number: int) -> None:
        assert at_work == []
        at_work.append(number)
        await rename(tx, str(number))
        await asyncio.sleep(0)
        assert at_work == [number]
        at_work.clear()

    await asyncio.gather(*(workshop.database.transact(lambda tx, each=each: work(tx, each)) for each in range(8)))  # type: ignore[misc]
    assert await name_of(workshop) == "7"


async def test_a_writer_is_told_whether_another_one_waited(workshop: Workshop) -> None:
    async def work(tx: Tx) -> Tx:
        await rename(tx, "Other")
        return tx

    async def work_beside_another(tx: Tx) -> tuple[Tx, asyncio.Task[Tx]]:
        other = asyncio.create_task(workshop.database.transact(work))
        await until(lambda: workshop.database.means.is_awaited)
        return tx, other

    first, other = await workshop.database.transact(work_beside_another)
    assert first.was_awaited
    assert not (await other).was_awaited
    assert first.held_s > 0


async def test_what_is_not_durable_is_done_in_one_go(workshop: Workshop) -> None:
    """From its beginning to its end in its connection's thread: whatever else this process does is not in between."""

    async def work(tx: Tx) -> threading.Thread:
        await rename(tx, "Other")
        return threading.current_thread()

    assert await workshop.database.transact(work) is threading.main_thread()
    assert await workshop.database.transact(work, durable=False) is not threading.main_thread()
    assert await name_of(workshop) == "Other"


@pytest.mark.skipif(sys.platform != "linux", reason="Threads have priorities on Linux alone.")
async def test_what_is_not_durable_comes_after_other_threads(workshop: Workshop) -> None:
    async def work(_tx: Tx) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    priority = await workshop.database.transact(work)
    assert await workshop.database.transact(work, durable=False) == min(priority + STEP_BACK, 19)


async def test_where_priorities_are_forbidden_it_is_done_all_the_same(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbid)
    await workshop.database.transact(lambda tx: rename(tx, "Other"), durable=False)
    assert await name_of(workshop) == "Other"


@pytest.mark.parametrize("durable", [True, False])
async def test_what_fails_leaves_nothing(workshop: Workshop, durable: bool) -> None:
    before = await name_of(workshop)

    async def work(tx: Tx) -> None:
        await rename(tx, "Other")
        raise LookupError

    with pytest.raises(LookupError):
        await workshop.database.transact(work, durable=durable)
    assert await name_of(workshop) == before


async def test_what_is_not_durable_waits_for_nothing_else(workshop: Workshop) -> None:
    before = await name_of(workshop)

    async def work(tx: Tx) -> None:
        await rename(tx, "Other")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited"):
        await workshop.database.transact(work, durable=False)
    assert await name_of(workshop) == before
