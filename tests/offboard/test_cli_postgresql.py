"""Commands on a PostgreSQL that is not there, or not ready: one line that says what to do, and never the password."""

import pytest
from sqlalchemy import make_url

from tests.offboard.commands import OWNER, USER, Run, change, refused
from tests.services.service import free_port

pytestmark = pytest.mark.only_on("postgresql")

SECRET = "hunter2"
COMMANDS = [
    ["serve"],
    ["demo"],
    ["restored"],
    ["doctor"],
    [*OWNER, "--password-stdin"],
    [*USER, "--password-stdin"],
    ["import", "--workspace", "a", "b"],
]


@pytest.fixture
def on(empty: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the database of a URL; what it says on stderr has no password in it."""

    def run(url: str, *arguments: str) -> str:
        monkeypatch.setenv("OFFBOARD_DATABASE_URL", url)
        line = refused(empty(*arguments))
        assert SECRET not in line
        return line

    return run


def with_secret(url: str, **changed: object) -> str:
    return make_url(url).set(password=SECRET, **changed).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [["migrate"], *COMMANDS], ids=lambda arguments: arguments[0])
def test_a_server_that_does_not_run(on: Run, database_url: str, arguments: list[str]) -> None:
    port = free_port()
    line = on(with_secret(database_url, port=port, database="offboard"), *arguments)
    assert line == f"Error: The database offboard on 127.0.0.1:{port} cannot be used: nothing listens there."


def test_what_else_keeps_a_command_from_the_database(on: Run, database_url: str) -> None:
    assert "no such database. Make it first" in on(with_secret(database_url, database="missing"), "migrate")
    assert 'role "nobody" does not exist' in on(with_secret(database_url, username="nobody"), "migrate")
    assert "there is no such host" in on(with_secret(database_url, host="no-such-host.invalid"), "migrate")
    assert "rejected SSL" in on(with_secret(database_url) + "?sslmode=require", "migrate")
    nowhere = on("postgresql:///offboard?host=/nowhere", "migrate")
    assert "offboard on /nowhere:5432 cannot be used: No such file or directory" in nowhere


def test_a_database_that_cannot_hold_every_text(on: Run, bare_url: str) -> None:
    options = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    url = make_url(bare_url)
    change(bare_url, f"CREATE DATABASE {url.database}_latin {options}", outside_of_a_transaction=True)
    line = on(with_secret(bare_url, database=f"{url.database}_latin"), "migrate")
    assert "its encoding is LATIN1 and must be UTF8" in line


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_a_database_that_is_not_migrated(on: Run, bare_url: str, arguments: list[str]) -> None:
    assert 'Run "offboard migrate" first' in on(bare_url, *arguments)


def test_migrate_says_which_database_it_was(empty: Run, bare_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_url(with_secret(bare_url, drivername="postgresql"))
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", url.render_as_string(hide_password=False))
    for _ in range(2):
        result = empty("migrate")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == f"The database {url.database} on 127.0.0.1:{url.port} is up to date.\n"
