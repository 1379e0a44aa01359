"""What tests share must not tell them of each other."""

import pytest
from sqlalchemy import text

from models.database import Database
from tests.engines import kept_pids

LEFT = text(
    "SELECT pg_backend_pid(), current_setting('application_name'), array(SELECT pg_listening_channels()), "
    "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
)


@pytest.mark.only_on("postgresql")
async def test_a_connection_that_is_kept_comes_back_as_a_new_one(database_url: str) -> None:
    """Red where it is not kept, or not reset."""
    first, second = Database(database_url), Database(database_url)
    async with first.means.engine.connect() as connection:
        before = (await connection.execute(LEFT)).one()
        for statement in ("SET application_name = 'left'", "LISTEN left_over", "SELECT pg_advisory_lock(1)"):
            await connection.execute(text(statement))
        await connection.commit()
    await first.close()
    assert before[0] in kept_pids()
    async with second.means.engine.connect() as connection:
        assert (await connection.execute(LEFT)).one() == before
    await second.close()
