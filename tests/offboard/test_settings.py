import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from offboard.settings import PREFIX, InvalidSetting, LogFormat, Settings, load_settings

TABLE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_every_setting_is_documented_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `OFFBOARD_(\w+)` \| `?(.*?)`? \|", TABLE.read_text(), re.MULTILINE))
    defaults = Settings().model_dump()
    shown = {
        name.upper(): "none"
        if value in ((), None)
        else TypeAdapter(timedelta).dump_python(value, mode="json")
        if isinstance(value, timedelta)
        else str(value)
        for name, value in defaults.items()
    }
    assert documented == shown


def test_a_plain_sqlite_url_gets_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", "sqlite:////var/lib/offboard.db")
    assert load_settings().database_url == "sqlite+aiosqlite:////var/lib/offboard.db"


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("postgresql://me:secret@db/offboard", "postgresql+asyncpg://me:secret@db/offboard"),
        ("postgresql+asyncpg://me@db:6543/offboard", "postgresql+asyncpg://me@db:6543/offboard"),
        ("postgresql://db/offboard?sslmode=require", "postgresql+asyncpg://db/offboard?ssl=require"),
        ("postgresql:///offboard?host=/run/postgresql", "postgresql+asyncpg:///offboard?host=%2Frun%2Fpostgresql"),
        ("postgresql://me:p%40ss@[::1]/offboard", "postgresql+asyncpg://me:p%40ss@[::1]/offboard"),
    ],
)
def test_a_postgresql_url_gets_the_driver(monkeypatch: pytest.MonkeyPatch, url: str, used: str) -> None:
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", url)
    assert load_settings().database_url == used


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [("3600", timedelta(hours=1)), ("PT90S", timedelta(seconds=90)), ("P2D", timedelta(days=2))],
)
def test_lifetimes_are_seconds_or_durations(monkeypatch: pytest.MonkeyPatch, text: str, lifetime: timedelta) -> None:
    monkeypatch.setenv("OFFBOARD_SESSION_LIFETIME", text)
    assert load_settings().session_lifetime == lifetime


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_ALLOWED_ORIGINS", "https://Console.example.com, http://localhost:5173,")
    assert load_settings().allowed_origins == ("https://console.example.com", "http://localhost:5173")


def test_an_empty_value_counts_as_left_out_and_case_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_MAIL_URL", "")
    monkeypatch.setenv("OFFBOARD_LOG_FORMAT", "JSON")
    settings = load_settings()
    assert settings.mail_url == "console:"
    assert settings.log_format is LogFormat.JSON


@pytest.mark.parametrize("url", ["file:outbox", "file:///tmp/outbox", "smtp://mail:25", "smtp://me:secret@mail:587"])
def test_mail_urls(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OFFBOARD_MAIL_URL", url)
    assert load_settings().mail_url == url


@pytest.mark.parametrize(
    "url",
    [
        "memory:",
        "redis://cache",
        "redis://:secret@[::1]:6379/2",
        "rediss://me:secret@cache?ssl_cert_reqs=none",
        "unix:///run/redis.sock?password=secret",
    ],
)
def test_broker_urls(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OFFBOARD_BROKER_URL", url)
    assert load_settings().broker_url == url


def test_the_broker_of_postgresql_needs_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_BROKER_URL", "postgresql:")
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", "postgresql://db/offboard")
    assert load_settings().broker_url == "postgresql:"
    monkeypatch.setenv("OFFBOARD_DATABASE_URL", "sqlite:///offboard.db")
    with pytest.raises(InvalidSetting) as caught:
        load_settings()
    assert str(caught.value) == (
        "OFFBOARD_BROKER_URL must be memory: or redis://host while OFFBOARD_DATABASE_URL names an SQLite database."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "mysql://me:hunter2@db/offboard"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "postgresql://me:hunter2@db"),
        ("DATABASE_URL", "postgresql://me:hunter2@db:port/offboard"),
        ("DATABASE_URL", "postgresql+psycopg://me:hunter2@db/offboard"),
        ("DATABASE_URL", "postgresql://me@db/offboard?password=hunter2"),
        ("DATABASE_URL", "postgresql://me@db/offboard?sslmode=hunter2"),
        ("BROKER_URL", "hunter2"),
        ("BROKER_URL", "memory"),
        ("BROKER_URL", "postgresql://me:hunter2@db/offboard"),
        ("BROKER_URL", "redis://"),
        ("BROKER_URL", "redis://:hunter2@cache:99999"),
        ("BROKER_URL", "redis://cache?password=hunter2&no_such_option=1"),
        ("BROKER_URL", "rediss://cache?ssl_cert_reqs=hunter2"),
        ("MAIL_URL", "smtps://me:hunter2@mail"),
        ("MAIL_URL", "smtp://me:hunter2@mail:99999"),
        ("MAIL_URL", "file:"),
        ("MAIL_FROM", "nobody"),
        ("PUBLIC_URL", "inbox.example.com"),
        ("SESSION_LIFETIME", "0"),
        ("INVITATION_LIFETIME", "soon"),
        ("PASSWORD_RESET_LIFETIME", "-PT1H"),
        ("EVENT_RETENTION", "P20000D"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("PASSWORD_HASH_COST", "0"),
        ("PASSWORD_HASH_COST", "many"),
        ("RATE_LIMIT_URL", "postgresql:"),
        ("RATE_LIMIT_URL", "redis://cache?password=hunter2&no_such_option=1"),
        ("RESETS_PER_ACCOUNT", "often"),
        ("MAX_DEPTH", "0"),
        ("MAX_COST", "much"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(InvalidSetting) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"OFFBOARD_{name} must ")
    assert "\n" not in message
    assert "hunter2" not in message


def test_secrets_are_not_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOARD_MAIL_URL", "smtp://me:hunter2@mail:25")
    monkeypatch.setenv("OFFBOARD_BROKER_URL", "redis://:hunter2@cache")
    assert "hunter2" not in repr(load_settings())
