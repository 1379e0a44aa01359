"""The engine: how it is set up, what a transaction promises, and what a reader sees."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from models.database import TRIES, Database, Overtaken, Tx, table
from models.enums import Role
from models.people import Account, Team, Workspace
from models.types import now
from tests.statements import watched
from tests.workshop import Workshop

WORKSPACE = table(Workspace)


async def rename(tx: Tx, name: str) -> None:
    await tx.run(update(WORKSPACE).values(name=name))


async def name_of(shop: Workshop) -> str:
    async with shop.database.read() as reader:
        return str(await reader.scalar(select(WORKSPACE.c.name).where(WORKSPACE.c.id == shop.workspace_id)))


async def test_a_signed_in_person_is_a_viewer(workshop: Workshop) -> None:
    """The workshop itself stands: what it makes can be read back."""
    assert workshop.olivia.viewer.roles == {Role.OWNER}
    assert workshop.olivia.viewer.user_id == workshop.olivia.id


async def test_a_failure_leaves_nothing_and_tells_nobody(workshop: Workshop) -> None:
    told: list[Tx] = []

    async def listen(tx: Tx) -> None:
        told.append(tx)

    async def fail(tx: Tx) -> None:
        await rename(tx, "Half")
        await tx.add(Team(workspace_id=workshop.workspace_id, name="Half"))
        raise LookupError

    workshop.database.after_commit.append(listen)
    with pytest.raises(LookupError):
        await workshop.database.transact(fail)
    assert (await name_of(workshop), await workshop.count(Team), told) == ("Acme", 0, [])
    await workshop.database.transact(lambda tx: rename(tx, "Whole"))
    assert (await name_of(workshop), len(told)) == ("Whole", 1)


async def test_what_was_overtaken_runs_again_from_its_start(workshop: Workshop) -> None:
    told: list[Tx] = []
    seen: list[str] = []

    async def listen(tx: Tx) -> None:
        told.append(tx)

    async def work(tx: Tx) -> None:
        seen.append(await tx.scalar(select(WORKSPACE.c.name)))
        await rename(tx, f"Try {len(seen)}")
        if len(seen) < 3:
            raise Overtaken

    workshop.database.after_commit.append(listen)
    await workshop.database.transact(work)
    assert (seen, await name_of(workshop), len(told)) == (["Acme"] * 3, "Try 3", 1)


async def test_what_is_overtaken_every_time_is_given_up(workshop: Workshop) -> None:
    seen: list[Tx] = []

    async def work(tx: Tx) -> None:
        seen.append(tx)
        raise Overtaken

    with pytest.raises(Overtaken):
        await workshop.database.transact(work)
    assert len(seen) == TRIES


async def test_listeners_are_told_after_the_commit_each_in_turn(workshop: Workshop, node: Database) -> None:
    told: list[tuple[str, str, bool]] = []

    def listener(name: str) -> Any:
        async def listen(tx: Tx) -> None:
            async with node.read() as reader:
                told.append((name, await reader.scalar(select(WORKSPACE.c.name)), tx.mail_due))

        return listen

    async def work(tx: Tx) -> str:
        await rename(tx, "Committed")
        tx.mail_due = True
        assert told == []
        return "answer"

    workshop.database.after_commit += [listener("feed"), listener("mail")]
    assert await workshop.database.transact(work) == "answer"
    assert told == [("feed", "Committed", True), ("mail", "Committed", True)]


async def test_a_listener_that_fails_does_not_make_a_commit_look_failed(workshop: Workshop) -> None:
    told: list[Tx] = []

    async def fail(_tx: Tx) -> None:
        raise RuntimeError("the listener's own trouble")

    async def listen(tx: Tx) -> None:
        told.append(tx)

    workshop.database.after_commit += [fail, listen]
    team = Team(workspace_id=workshop.workspace_id, name="Billing")
    await workshop.database.transact(lambda tx: tx.add(team))
    assert await workshop.count(Team) == 1
    assert len(told) == 1


async def test_from_the_lock_to_the_hint_nothing_cancels(workshop: Workshop) -> None:
    locked, go_on, told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(tx: Tx) -> None:
        await tx.lock(workshop.workspace_id)
        locked.set()
        await go_on.wait()
        await rename(tx, "Finished")

    async def listen(_tx: Tx) -> None:
        told.set()

    workshop.database.after_commit.append(listen)
    caller = asyncio.create_task(workshop.database.transact(work))
    await locked.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await workshop.database.drain()
    assert told.is_set()
    assert await name_of(workshop) == "Finished"


async def test_closing_waits_for_what_is_under_way(workshop: Workshop, node: Database) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(tx: Tx) -> None:
        begun.set()
        await go_on.wait()
        await rename(tx, "Finished")

    caller = asyncio.create_task(node.transact(work))
    await begun.wait()
    closing = asyncio.create_task(node.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    await caller
    assert await name_of(workshop) == "Finished"


async def test_time_stands_still_from_the_lock_on(workshop: Workshop) -> None:
    async def work(tx: Tx) -> None:
        begun = tx.now
        await asyncio.to_thread(lambda: [now() for _ in iter(lambda: now() > begun, True)])
        assert tx.now == begun
        await tx.lock(workshop.workspace_id)
        assert tx.now > begun

    await workshop.database.transact(work)


async def test_the_lock_is_a_statement_of_its_own_in_the_order_of_ids(workshop: Workshop) -> None:
    """On SQLite it is BEGIN IMMEDIATE."""
    other = await Workshop.open(workshop.database, "other")
    with watched(workshop.database) as statements:
        await workshop.database.transact(lambda tx: tx.lock(other.workspace_id, workshop.workspace_id))
    if workshop.database.engine.dialect.name == "postgresql":
        (statement,) = statements
        assert "ORDER BY workspace.id" in statement.sql
        assert "FOR NO KEY UPDATE" in statement.sql
    else:
        assert statements == []


async def test_a_reader_sees_one_moment_until_it_lets_go(workshop: Workshop) -> None:
    name = select(WORKSPACE.c.name)
    async with workshop.database.read() as reader:
        assert await reader.scalar(name) == "Acme"
        await workshop.database.transact(lambda tx: rename(tx, "Later"))
        assert [await reader.scalar(name) for _ in range(2)] == ["Acme", "Acme"]
        await reader.refresh()
        assert await reader.scalar(name) == "Later"


async def test_a_reader_takes_its_snapshot_with_its_first_statement(workshop: Workshop) -> None:
    async with workshop.database.read() as reader:
        await workshop.database.transact(lambda tx: rename(tx, "Later"))
        assert await reader.scalar(select(WORKSPACE.c.name)) == "Later"
        assert await reader.scalar(select(WORKSPACE.c.name).where(WORKSPACE.c.slug == "none")) is None


@pytest.mark.only_on("postgresql")
async def test_a_snapshot_whose_server_is_gone_is_let_go(workshop: Workshop) -> None:
    async with workshop.database.read() as reader:
        pid = await reader.scalar(select(func.pg_backend_pid()))
        async with workshop.database.begin() as tx:
            await tx.rows(select(func.pg_terminate_backend(pid)))
        await reader.refresh()
        assert await reader.scalar(select(WORKSPACE.c.name)) == "Acme"


async def test_statements_of_one_reader_take_turns(workshop: Workshop) -> None:
    async with workshop.database.read() as reader:
        names = await asyncio.gather(*(reader.scalar(select(WORKSPACE.c.name)) for _ in range(5)))
    assert names == ["Acme"] * 5


async def test_objects_are_loaded_as_the_database_has_them(workshop: Workshop) -> None:
    async def work(tx: Tx) -> None:
        before = await tx.get(Workspace, id=workshop.workspace_id)
        await rename(tx, "Newer")
        after = await tx.get(Workspace, id=workshop.workspace_id)
        assert after is before
        assert after is not None
        assert after.name == "Newer"
        assert await tx.get(Workspace, slug="none") is None
        assert await tx.row(select(WORKSPACE.c.name).where(WORKSPACE.c.slug == "none")) is None

    await workshop.database.transact(work)


async def test_a_database_that_is_not_there_does_not_answer(tmp_path: Path, database: Database) -> None:
    await database.ping()
    missing = Database(f"sqlite+aiosqlite:///{tmp_path / 'no' / 'such.db'}")
    threads = set(threading.enumerate())
    with pytest.raises(OperationalError):
        await missing.ping()
    await missing.close()
    for of_the_driver in set(threading.enumerate()) - threads:
        of_the_driver.join()


async def test_an_error_of_the_database_does_not_repeat_what_was_to_be_stored(workshop: Workshop) -> None:
    account = Account(email="olivia@acme.test", password_hash="$argon2id$secret", created_at=now())
    with pytest.raises(IntegrityError) as caught:
        await workshop.database.transact(lambda tx: tx.add(account))
    assert "secret" not in str(caught.value)
    assert "olivia" not in str(caught.value)


async def test_what_is_opened_to_read_only_cannot_be_changed(database_url: str, workshop: Workshop) -> None:
    reading = Database(database_url, read_only=True)
    async with reading.read() as reader:
        assert await reader.scalar(select(WORKSPACE.c.slug)) == "acme"
    with pytest.raises(DBAPIError, match=r"read-?only"):
        await reading.transact(lambda tx: rename(tx, "Other"))
    await reading.close()
    assert await name_of(workshop) == "Acme"
