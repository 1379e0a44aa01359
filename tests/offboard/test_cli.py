import asyncio
import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from models.database import Database
from models.enums import ClientKind, Role
from offboard.cli import data
from resolvers.signing_in import SignedIn, sign_in
from tests.offboard.commands import OWNER, PASSWORD, USER, Run, change, refused
from tests.records import Dump, dump

EXAMPLE = Path(__file__).parents[2] / "docs" / "example.jsonl"


@pytest.fixture
def offboard(empty: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same on a migrated database."""
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", database_url)
    return empty


@pytest.fixture
def acme(offboard: Run) -> Run:
    """The same with the workspace acme and its owner."""
    assert offboard(*OWNER, "--password-stdin", input=PASSWORD).exit_code == 0
    return offboard


def enter(url: str, workspace: str, email: str, password: str = PASSWORD) -> SignedIn:
    async def work() -> SignedIn:
        database = Database(url)
        try:
            return await sign_in(
                database,
                workspace=workspace,
                email=email,
                password=password,
                lifetime=timedelta(days=1),
                hash_cost=1,
                client=ClientKind.WEB,
                device_name=None,
                user_agent=None,
                ip_address=None,
            )
        finally:
            await database.close()

    return asyncio.run(work())


def test_the_doctor_says_what_is_broken_and_changes_nothing(acme: Run, database_url: str) -> None:
    sound = acme("doctor")
    assert (sound.exit_code, sound.stderr) == (0, "")
    assert "keeps every law" in sound.stdout
    change(database_url, 'UPDATE "user" SET pending = true')
    before = asyncio.run(rows(database_url))
    broken = acme("doctor")
    assert (broken.exit_code, broken.stderr) == (1, "")
    assert broken.stdout.splitlines() == [
        "Broken: Every workspace has an active owner.",
        "  workspace acme",
        "  What to do: Let one in again with `offboard create-user --role OWNER`, with an address that is not in the "
        "workspace yet.",
    ]
    assert asyncio.run(rows(database_url)) == before


async def rows(url: str) -> Dump:
    database = Database(url)
    try:
        return await dump(database)
    finally:
        await database.close()


@pytest.mark.only_on("sqlite")
def test_the_doctor_makes_no_file(empty: Run, tmp_path: Path) -> None:
    assert "not migrated" in refused(empty("doctor"))
    assert list(tmp_path.iterdir()) == []


def test_help_lists_every_command(empty: Run) -> None:
    result = empty("--help")
    assert result.exit_code == 0
    for command in (
        "serve",
        "migrate",
        "create-workspace",
        "create-user",
        "import",
        "demo",
        "restored",
        "doctor",
        "schema",
    ):
        assert command in result.stdout


def test_no_command_prints_the_help(empty: Run) -> None:
    result = empty()
    assert result.exit_code == 2
    assert "create-workspace" in result.output


@pytest.mark.parametrize(
    "arguments",
    [["dance"], ["serve", "--port", "http"], ["serve", "--port", "70000"], ["create-user"], ["import", "--workspace"]],
)
def test_bad_use_is_one_line(empty: Run, arguments: list[str]) -> None:
    refused(empty(*arguments))


def test_a_bad_setting_is_one_line(empty: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_LOG_LEVEL", "loud")
    assert "OFFBOARD_LOG_LEVEL must be" in refused(empty("migrate"))


def test_migrate_makes_the_database_in_the_working_folder_and_may_run_again(empty: Run, tmp_path: Path) -> None:
    for _ in range(2):
        result = empty("migrate")
        assert (result.exit_code, result.stdout) == (0, "The database offboard.db is up to date.\n")
    with sqlite3.connect(tmp_path / "offboard.db") as connection:
        assert connection.execute("SELECT count(*) FROM workspace").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(
    "arguments", [["serve"], ["demo"], ["restored"], [*USER, "--password-stdin"], ["import", "--workspace", "a", "b"]]
)
def test_an_unmigrated_database_is_refused_and_not_made(empty: Run, tmp_path: Path, arguments: list[str]) -> None:
    assert 'Run "offboard migrate" first' in refused(empty(*arguments))
    assert list(tmp_path.iterdir()) == []
    sqlite3.connect(tmp_path / "offboard.db").close()
    (tmp_path / "offboard.db").touch()
    assert 'Run "offboard migrate" first' in refused(empty(*arguments))


def test_a_database_of_a_later_release_is_refused(bare_url: str, empty: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", bare_url)
    offboard = empty
    assert offboard("migrate").exit_code == 0
    change(bare_url, "UPDATE alembic_version SET version_num = '9999'")
    assert "later release" in refused(offboard("migrate"))


def test_a_database_that_cannot_be_used_is_one_line(
    empty: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", "sqlite:///missing/offboard.db")
    assert "missing/offboard.db cannot be used: unable to open" in refused(empty("migrate"))
    (tmp_path / "letter.db").write_text("Dear Olivia, this is no database." * 40)
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", "sqlite:///letter.db")
    for command in ("migrate", "demo"):
        assert "letter.db cannot be used: file is not a database" in refused(empty(command))


@pytest.mark.only_on("sqlite")
def test_a_database_that_is_locked_is_one_line(acme: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.sqlite.BUSY_TIMEOUT_MS", 1)
    writer = sqlite3.connect(database_url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert "The database cannot be used: database is locked." in refused(acme("restored"))
    writer.close()


def test_a_workspace_and_its_users_can_sign_in(acme: Run, database_url: str) -> None:
    assert Role.OWNER in enter(database_url, "acme", "o@acme.test").viewer.roles
    result = acme(*USER, "--role", "viewer", "--password-stdin", input=PASSWORD + "\r\nignored\n")
    assert (result.exit_code, result.stdout) == (0, "ana@acme.test can sign in to workspace acme.\n")
    assert enter(database_url, "acme", "ana@acme.test").viewer.roles == {Role.AGENT, Role.VIEWER}


def test_the_password_is_asked_for_twice_and_never_shown(
    offboard: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offboard.cli.frame.is_terminal", lambda: True)
    result = offboard(*OWNER, input=f"{PASSWORD}\nanother\n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert "do not match" in result.output
    assert PASSWORD not in result.output
    assert enter(database_url, "acme", "o@acme.test").token


def test_an_abandoned_prompt_is_one_line(offboard: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offboard.cli.frame.is_terminal", lambda: True)
    result = offboard(*OWNER, input="")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "Error: Stopped."


@pytest.mark.parametrize(
    ("stdin", "problem"),
    [
        (b"short", "too short"),
        (b"", "first line of standard input is empty"),
        (b"\n" + PASSWORD.encode(), "first line of standard input is empty"),
        (b"correct horse \xff\xfe", "not UTF-8"),
    ],
)
def test_a_password_that_cannot_be_is_refused(offboard: Run, stdin: bytes, problem: str) -> None:
    assert problem in refused(offboard(*OWNER, "--password-stdin", input=stdin))


def test_without_a_terminal_the_password_must_come_on_stdin(offboard: Run) -> None:
    assert "--password-stdin" in refused(offboard(*OWNER))


def test_refusals_are_one_line(acme: Run) -> None:
    assert "is taken" in refused(acme(*OWNER, "--password-stdin", input=PASSWORD))
    taken = [part.replace("ana@", "o@") for part in USER]
    assert "already" in refused(acme(*taken, "--password-stdin", input=PASSWORD))
    nowhere = [part.replace("acme", "nowhere") if part == "acme" else part for part in USER]
    assert 'no workspace "nowhere"' in refused(acme(*nowhere, "--password-stdin", input=PASSWORD))
    assert 'no team "X\'s"' in refused(acme(*USER, "--team", "X's", "--password-stdin", input=PASSWORD))
    other = [part.replace("acme", "other") if part == "acme" else part for part in OWNER]
    assert "another password" in refused(acme(*other, "--password-stdin", input="another horse battery"))


def test_import_says_what_it_did(acme: Run) -> None:
    first = acme("import", "--workspace", "acme", EXAMPLE)
    assert first.exit_code == 0
    assert first.stderr == ""
    assert [line.split()[:3] for line in first.stdout.splitlines()] == [
        ["team:", "2", "created,"],
        ["user:", "3", "created,"],
        ["conversation:", "3", "created,"],
        ["note:", "2", "created,"],
        ["followUp:", "2", "created,"],
        ["csat:", "1", "created,"],
    ]
    second = acme("import", "--workspace", "acme", EXAMPLE)
    assert [line.split()[1] for line in second.stdout.splitlines()] == ["0"] * 6


def test_import_names_the_bad_line_and_says_what_was_imported(
    acme: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.importing.stream.BATCH_LINES", 2)
    lines = [{"kind": "team", "name": name} for name in "ABC"]
    file = tmp_path / "teams.jsonl"
    file.write_text("\n".join(map(json.dumps, [*lines, {"kind": "team", "nme": "D"}])))
    line = refused(acme("import", "--workspace", "acme", file))
    assert f'{file}, line 4: missing key "name"; unknown key "nme". The first 2 lines are imported.' in line
    file.write_text("{}")
    assert "Nothing is imported." in refused(acme("import", "--workspace", "acme", file))


def test_import_refuses_what_it_cannot_read(acme: Run, tmp_path: Path) -> None:
    assert "No such file" in refused(acme("import", "--workspace", "acme", "missing.jsonl"))
    assert "Is a directory" in refused(acme("import", "--workspace", "acme", tmp_path))
    assert 'no workspace "nowhere"' in refused(acme("import", "--workspace", "nowhere", EXAMPLE))


def test_import_shows_a_bar_on_a_terminal(acme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    console = data.Console
    monkeypatch.setattr(data, "Console", lambda **options: console(**options, force_terminal=True, width=120))
    result = acme("import", "--workspace", "acme", EXAMPLE)
    assert result.exit_code == 0
    assert "100%" in result.stderr


def test_demo_runs_once_and_says_how_to_sign_in(offboard: Run, database_url: str) -> None:
    first = offboard("demo")
    assert (first.exit_code, first.stderr) == (0, "")
    assert "demo is ready" in first.stdout
    second = offboard("demo")
    assert second.exit_code == 0
    assert "there already; nothing was changed" in second.stdout
    for result in (first, second):
        assert "password demo-password" in result.stdout
    assert enter(database_url, "demo", "ana@demo.test", "demo-password").viewer.roles == {Role.AGENT}


def test_restored_ends_every_session(acme: Run, database_url: str) -> None:
    enter(database_url, "acme", "o@acme.test")
    result = acme("restored")
    assert (result.exit_code, result.stdout) == (0, "The restored database is safe to serve. Sessions ended: 1.\n")


def test_schema_prints_the_sdl(empty: Run) -> None:
    result = empty("schema")
    assert result.exit_code == 0
    assert "type Mutation" in result.stdout
