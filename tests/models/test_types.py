"""Ids, times and enumerations, in the program and in the database."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, insert, select, text
from sqlalchemy.dialects import postgresql

from models.database import Database
from models.enums import Role
from models.types import EPOCH, NEVER, NOBODY, Named, Timestamp, from_millis, new_id, now, to_millis

MOMENT = datetime(2026, 3, 1, 9, 30, 0, 123_000, tzinfo=UTC)


def test_ids_are_new_and_of_version_7_and_in_order() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}
    assert NOBODY not in ids


def test_the_present_is_utc_and_cut_to_the_millisecond() -> None:
    before = datetime.now(UTC)
    moment = now()
    assert before - timedelta(milliseconds=1) < moment <= datetime.now(UTC)
    assert (moment.tzinfo, moment.microsecond % 1000) == (UTC, 0)


@given(st.integers(-(10**13), 10**14))
def test_milliseconds_come_back_as_they_went(millis: int) -> None:
    assert to_millis(from_millis(millis)) == millis


def test_milliseconds_count_from_1970() -> None:
    assert to_millis(EPOCH) == to_millis(NEVER) == 0
    assert to_millis(MOMENT) == 1772357400123
    assert to_millis(MOMENT + timedelta(microseconds=999)) == 1772357400123


async def test_what_the_database_stores(database: Database) -> None:
    on_sqlite = database.engine.dialect.name == "sqlite"
    type_of = "typeof(at)" if on_sqlite else "CAST(pg_typeof(at) AS text)"
    columns = (Column("at", Timestamp), Column("role", Named(Role)))
    things = Table("thing", MetaData(), *columns, prefixes=["TEMPORARY"])
    async with database.engine.begin() as connection:
        await connection.run_sync(things.create)
        await connection.execute(insert(things), [{"at": MOMENT, "role": Role.ADMIN}, {"at": None, "role": None}])
        stored = (await connection.execute(text(f"SELECT at, role, {type_of} FROM thing"))).all()
        read = (await connection.execute(select(things).where(things.c.at >= MOMENT))).one()
        assert (await connection.execute(select(things.c.at).where(things.c.at.is_(None)))).one() == (None,)
    if on_sqlite:
        assert [tuple(row) for row in stored] == [(1772357400123, "ADMIN", "integer"), (None, None, "null")]
    else:
        kind = "timestamp with time zone"
        assert [tuple(row) for row in stored] == [(MOMENT, "ADMIN", kind), (None, None, kind)]
    assert (read.at, read.role) == (MOMENT, Role.ADMIN)
    assert isinstance(read.role, Role)


def test_elsewhere_a_time_is_a_time() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    assert Timestamp().compile(dialect=dialect) == "TIMESTAMP WITH TIME ZONE"
    assert Timestamp().process_bind_param(MOMENT + timedelta(microseconds=999), dialect) == MOMENT
    assert Timestamp().process_result_value(MOMENT, dialect) is MOMENT
