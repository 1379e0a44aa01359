"""PostgreSQL's own means: how connections are set up, what they survive, and what becomes of transactions that meet."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from models import postgresql
from models.database import TRIES, Database, Tx, table
from models.people import Account, Team, Workspace
from models.types import new_id, now
from tests.engines import others
from tests.models.test_database import name_of, rename
from tests.races import until_it_waits
from tests.services.postgresql import PostgreSQL
from tests.waiting import eventually
from tests.workshop import Workshop

pytestmark = pytest.mark.only_on("postgresql")

ACCOUNT, TEAM, WORKSPACE = table(Account), table(Team), table(Workspace)


def sqlstate(caught: pytest.ExceptionInfo[DBAPIError]) -> Any:
    return getattr(caught.value.orig, "sqlstate", None)


async def shown(place: Any, setting: str) -> Any:
    return await place.scalar(text(f"SHOW {setting}"))


async def test_every_connection_is_set_up(database: Database) -> None:
    async with database.read() as reader:
        answers = {setting: await shown(reader, setting) for setting in postgresql.SESSION}
    assert answers == postgresql.SESSION | {"statement_timeout": "1min", "idle_in_transaction_session_timeout": "1min"}
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        ours = raw._transport.get_extra_info("socket")  # type: ignore[union-attr]
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


async def test_readers_see_a_snapshot_and_writers_what_is_committed(database: Database) -> None:
    settings = ("transaction_isolation", "transaction_read_only")
    async with database.read() as reader:
        assert [await shown(reader, each) for each in settings] == ["repeatable read", "on"]
    async with database.begin() as tx:
        assert [await shown(tx, each) for each in settings] == ["read committed", "off"]


async def test_every_text_is_compared_by_code_point(database: Database) -> None:
    """Whatever the collation of the database: the order of pages and the ranges of searches rest on it."""
    collations = text(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type IN ('character varying', 'text') AND table_name <> 'alembic_version'"
    )
    async with database.read() as reader:
        rows = await reader.rows(collations)
    assert [row for row in rows if row.collation_name != "C"] == []
    assert {row.table_name for row in rows} > {"user", "user_word", "conversation_word", "account", "team"}
    assert {each.name for each in SQLModel.metadata.sorted_tables} > {row.table_name for row in rows}


async def end_connections(node: Database) -> None:
    """What a restart of the server does to the connections of others, but for those that are kept for later tests.

    One of them could be taken before the event loop has heard of its end, and nobody looks for that in a new one.
    """
    async with node.begin() as tx:
        await tx.scalar(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                f"WHERE {others()} AND application_name = 'offboard'"
            )
        )


async def test_a_connection_that_the_server_has_ended_is_replaced_unnoticed(workshop: Workshop, node: Database) -> None:
    async with workshop.database.engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
    await end_connections(node)

    async def noticed() -> bool | None:
        return raw.is_closed() or None

    await eventually(noticed)
    assert await name_of(workshop) == "Acme"
    await workshop.database.transact(lambda tx: rename(tx, "Replaced"))
    assert await name_of(workshop) == "Replaced"


async def test_a_transaction_that_loses_its_connection_fails_and_leaves_nothing(
    workshop: Workshop, node: Database
) -> None:
    async def work(tx: Tx) -> None:
        await rename(tx, "Half")
        await end_connections(node)
        await rename(tx, "Whole")

    with pytest.raises(DBAPIError):
        await workshop.database.transact(work)
    assert await name_of(workshop) == "Acme"


async def test_a_server_that_is_restarted_is_survived() -> None:
    with PostgreSQL() as server:
        database = Database(server.url)
        await database.ping()
        server.stop()
        with pytest.raises(DBAPIError) as lost:
            await database.transact(lambda tx: tx.scalar(text("SELECT 1")))
        assert lost.value.connection_invalidated  # what it says depends on when the loop hears of the end
        with pytest.raises(DBAPIError, match="nothing listens there"):
            await database.transact(lambda tx: tx.scalar(text("SELECT 1")))
        server.start()
        assert await database.transact(lambda tx: tx.scalar(text("SELECT 1"))) == 1
        async with database.read() as reader:
            assert await reader.scalar(text("SELECT 1")) == 1
        await database.close()


async def test_transactions_that_block_each_other_both_succeed_in_the_end(workshop: Workshop, node: Database) -> None:
    one, two = [await workshop.team(name) for name in ("One", "Two")]
    both_begun = asyncio.Barrier(2)
    begun: list[Database] = []

    def crossing(database: Database, first: Any, second: Any) -> Any:
        async def work(tx: Tx) -> None:
            begun.append(database)
            await tx.run(text("SET LOCAL deadlock_timeout = '1ms'"))
            await tx.run(update(TEAM).where(TEAM.c.id == first).values(name=f"First {first}"))
            if begun.count(database) == 1:
                await both_begun.wait()
            await tx.run(update(TEAM).where(TEAM.c.id == second).values(name=f"Second {second}"))

        return database.transact(work)

    await asyncio.gather(crossing(workshop.database, one, two), crossing(node, two, one))
    assert len(begun) == 3


async def test_who_inserts_the_same_runs_again_and_sees_it(workshop: Workshop, node: Database) -> None:
    looked = asyncio.Barrier(2)
    tries: list[bool] = []

    async def work(tx: Tx) -> bool:
        known = await tx.get(Account, email="new@acme.test") is not None
        tries.append(known)
        if len(tries) <= 2:
            await looked.wait()
        if not known:
            await tx.add(Account(email="new@acme.test", created_at=tx.now))
        return known

    assert sorted(await asyncio.gather(workshop.database.transact(work), node.transact(work))) == [False, True]
    assert tries == [False, False, True]
    assert await workshop.count(Account, email="new@acme.test") == 1


async def test_what_never_succeeds_is_given_up(workshop: Workshop) -> None:
    tries: list[Tx] = []

    async def work(tx: Tx) -> None:
        tries.append(tx)
        await tx.add(Account(email=workshop.olivia.email, created_at=tx.now))

    with pytest.raises(DBAPIError) as caught:
        await workshop.database.transact(work)
    assert sqlstate(caught) == "23505"
    assert len({id(tx) for tx in tries}) == TRIES


async def test_an_error_does_not_name_the_key_that_was_there_nor_a_value_that_cannot_be_sent(
    workshop: Workshop,
) -> None:
    for email in (workshop.olivia.email, "unsendable\ud800@acme.test"):
        account = Account(email=email, created_at=now())
        with pytest.raises(DBAPIError) as caught:
            await workshop.database.transact(lambda tx, account=account: tx.add(account))  # type: ignore[misc]
        error: BaseException | None = caught.value
        while error is not None:
            assert "acme.test" not in f"{error} {error!r}"
            error = error.__cause__


async def waits_for_a_lock(tx: Tx, node: Database) -> None:
    workspace_id = await tx.scalar(select(WORKSPACE.c.id))

    async def hold(other: Tx) -> None:
        await other.lock(workspace_id)
        with pytest.raises(DBAPIError) as caught:
            await tx.lock(workspace_id)
        assert sqlstate(caught) == "55P03"
        raise caught.value

    await node.transact(hold)


async def takes_long(tx: Tx, _node: Database) -> None:
    await tx.scalar(text("SELECT pg_sleep(60)"))


async def does_nothing(tx: Tx, _node: Database) -> None:
    raw: Any = (await tx._connection.get_raw_connection()).driver_connection

    async def ended() -> bool | None:
        return raw.is_closed() or None

    await eventually(ended)
    await tx.scalar(text("SELECT 1"))


@pytest.mark.parametrize(
    ("setting", "work"),
    [
        ("lock_timeout", waits_for_a_lock),
        ("statement_timeout", takes_long),
        ("idle_in_transaction_session_timeout", does_nothing),
    ],
)
async def test_nothing_waits_for_ever(workshop: Workshop, node: Database, setting: str, work: Any) -> None:
    assert setting in postgresql.SESSION

    async def soon(tx: Tx) -> None:
        await tx.run(text(f"SET LOCAL {setting} = '10ms'"))
        await work(tx, node)

    with pytest.raises(DBAPIError):
        await workshop.database.transact(soon)
    assert await name_of(workshop) == "Acme"


async def test_time_under_the_lock_is_the_servers_and_later_than_the_last_holders(
    workshop: Workshop, node: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when the time is read beside the rows, without the CTE: then it is read before the wait for the lock."""
    monkeypatch.setattr("models.database.now", lambda: datetime(2000, 1, 1, tzinfo=UTC))
    waiting: list[asyncio.Task[datetime]] = []

    async def time_of(tx: Tx) -> datetime:
        await tx.lock(workshop.workspace_id)
        return tx.now

    async def holding(tx: Tx) -> datetime:
        await tx.lock(workshop.workspace_id)
        waiting.append(asyncio.create_task(node.transact(time_of)))
        await until_it_waits(tx, waiting[0])
        return await tx.scalar(select(func.clock_timestamp()))

    let_go = await workshop.database.transact(holding)
    assert await waiting[0] > let_go - timedelta(milliseconds=1)


async def test_nobody_refers_to_what_is_held(workshop: Workshop, node: Database) -> None:
    account_id = new_id()
    async with workshop.database.begin() as tx:
        await tx.add(Account(id=account_id, email="held@acme.test", created_at=tx.now))
    elsewhere = Workshop(node, workshop.workspace_id, workshop.system_id)
    arrivals: list[asyncio.Task[Any]] = []

    async def hold(tx: Tx) -> None:
        assert await tx.hold(Account, id=account_id) is not None
        arrivals.append(asyncio.create_task(elsewhere.person("Hal", email="held@acme.test")))
        await until_it_waits(tx, arrivals[0])

    await workshop.database.transact(hold)
    await arrivals[0]
