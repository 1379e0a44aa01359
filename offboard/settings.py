"""Settings: environment variables with the prefix OFFBOARD_, checked once at the start. docs/settings.md lists them."""

from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from limits import RateLimitItem, parse
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from offboard.feed.limits import SocketLimits
from offboard.limits import DocumentLimits
from offboard.trusted import read_manifest

PREFIX = "OFFBOARD_"

CONSOLE = Path(__file__).parents[1] / "console" / "dist"
"""Where `make console` puts the admin console, beside the program."""


class InvalidSetting(Exception):
    """A setting that cannot be used. The message is one line, names the variable and never repeats its value."""


class Environment(StrEnum):
    """Whether the server helps those who explore the schema, or keeps it to itself."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """For eyes, or for machines."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _database_url(text: str) -> str:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("must be a database URL such as sqlite:///offboard.db") from None
    if url.drivername in ("sqlite", "sqlite+aiosqlite"):
        if not url.database or url.database == ":memory:":
            raise ValueError("must name a file, as in sqlite:///offboard.db")
        return url.set(drivername="sqlite+aiosqlite").render_as_string(hide_password=False)
    if url.drivername in ("postgresql", "postgresql+asyncpg"):
        return _postgresql_url(url).render_as_string(hide_password=False)
    raise ValueError("must begin with sqlite:/// or postgresql://")


def _postgresql_url(url: URL) -> URL:
    if not url.database:
        raise ValueError("must name a database, as in postgresql://user:password@host/offboard")
    options = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    if not options.keys() <= {"host", "ssl"}:
        raise ValueError(
            "must have no options but host and sslmode, as in postgresql://user@db/offboard?sslmode=require"
        )
    if options.get("ssl", "prefer") not in _SSL_MODES:
        raise ValueError(f"must have as sslmode one of {', '.join(_SSL_MODES)}")
    return url.set(drivername="postgresql+asyncpg", query=options)


_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _broker_url(text: str, info: ValidationInfo) -> str:
    if text == "memory:":
        return text
    if text == "postgresql:":
        if info.data.get("database_url", "").startswith("sqlite"):
            raise ValueError(f"must be memory: or redis://host while {PREFIX}DATABASE_URL names an SQLite database")
        return text
    if _is_redis(text):
        return text
    raise ValueError("must be memory:, postgresql: or redis://[[user]:password@]host[:port]")


def _rate_limit_url(text: str) -> str:
    if text == "memory:" or _is_redis(text):
        return text
    raise ValueError("must be memory: or redis://[[user]:password@]host[:port]")


def _is_redis(text: str) -> bool:
    parts = _split(text)
    if parts is not None and ((parts.scheme in ("redis", "rediss") and parts.hostname) or parts.scheme == "unix"):
        # Only who has a Redis waits for its library.
        from redis.asyncio import ConnectionPool

        with suppress(Exception):
            ConnectionPool.from_url(text).make_connection()  # type: ignore[no-untyped-call]
            return True
        raise ValueError("must be a URL as redis-py takes it: one of its options cannot be used")
    return False


def _mail_url(text: str) -> str:
    scheme, _, rest = text.partition(":")
    if scheme == "console" and not rest:
        return text
    if scheme == "file" and rest.removeprefix("//"):
        return text
    if scheme == "smtp":
        parts = _split(text)
        if parts is not None and parts.hostname and not parts.path.strip("/"):
            return text
    raise ValueError("must be console:, file:DIR or smtp://[user:password@]host[:port]")


def _web_url(text: str) -> str:
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL such as https://inbox.example.com")
    return text.rstrip("/")


def _traces_url(text: str) -> str:
    if find_spec("opentelemetry") is None:
        raise ValueError("needs the extra offboard[otel], which is not installed")
    return _web_url(text)


def _origin(text: str) -> str:
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or text != text.rstrip("/"):
        raise ValueError("must be origins such as https://console.example.com, separated by commas")
    if parts.path or parts.query or parts.username is not None:
        raise ValueError("must be origins without a path, such as https://console.example.com")
    return text.lower()


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _pieces(value: Any) -> Any:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def _manifest(path: Path) -> Path:
    read_manifest(path)
    return path


def _rate(value: Any) -> Any:
    return parse(value) if isinstance(value, str) else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Lifetime = Annotated[timedelta, BeforeValidator(_seconds), Field(ge=timedelta(seconds=1), le=timedelta(days=3650))]

Rate = Annotated[RateLimitItem, BeforeValidator(_rate)]
Amount = Annotated[int, Field(ge=1, le=1_000_000_000)]
_OF_DOCUMENTS = DocumentLimits()
_OF_SOCKETS = SocketLimits()


class Settings(BaseSettings):
    """What an operator may choose. Every field has a default that works on one machine."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        validate_default=True,
        arbitrary_types_allowed=True,
    )

    database_url: Annotated[str, AfterValidator(_database_url)] = Field("sqlite+aiosqlite:///offboard.db", repr=False)
    broker_url: Annotated[str, AfterValidator(_broker_url)] = Field("memory:", repr=False)
    mail_url: Annotated[str, AfterValidator(_mail_url)] = Field("console:", repr=False)
    mail_from: Annotated[str, Field(pattern=r"^[^\r\n]*[^\s@]+@[^\s@]+$")] = "Offboard <offboard@localhost>"
    public_url: Annotated[str, AfterValidator(_web_url)] = "http://127.0.0.1:8000"
    session_lifetime: Lifetime = timedelta(days=30)
    invitation_lifetime: Lifetime = timedelta(days=7)
    password_reset_lifetime: Lifetime = timedelta(hours=1)
    allowed_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_pieces)
    ] = ()
    console_dir: Path | None = None
    traces_url: Annotated[str, AfterValidator(_traces_url)] | None = Field(None, repr=False)
    environment: Annotated[Environment, BeforeValidator(_lower)] = Environment.DEVELOPMENT
    trusted_documents: Annotated[Path, AfterValidator(_manifest)] | None = None
    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = LogFormat.CONSOLE
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = LogLevel.INFO
    password_hash_cost: Annotated[int, Field(ge=1, le=20)] = 2
    event_retention: Lifetime = timedelta(days=7)
    max_document_characters: Amount = _OF_DOCUMENTS.characters
    max_document_tokens: Amount = _OF_DOCUMENTS.tokens
    max_aliases: Amount = _OF_DOCUMENTS.aliases
    max_directives: Amount = _OF_DOCUMENTS.directives
    max_depth: Amount = _OF_DOCUMENTS.depth
    max_root_fields: Amount = _OF_DOCUMENTS.root_fields
    max_cost: Amount = _OF_DOCUMENTS.cost
    max_variable_values: Amount = _OF_DOCUMENTS.values
    max_body_bytes: Amount = 262_144
    max_message_bytes: Amount = 65_536
    max_operations_per_socket: Amount = _OF_SOCKETS.operations
    max_sockets_per_session: Amount = _OF_SOCKETS.sockets_per_session
    max_sockets_per_workspace: Amount = _OF_SOCKETS.sockets_per_workspace
    rate_limit_url: Annotated[str, AfterValidator(_rate_limit_url)] = Field("memory:", repr=False)
    failed_sign_ins_per_account: Rate = parse("10 per 15 minutes")
    failed_sign_ins_per_address: Rate = parse("100 per 15 minutes")
    resets_per_account: Rate = parse("5 per hour")
    resets_per_address: Rate = parse("50 per hour")
    operation_timeout: Lifetime = timedelta(seconds=30)
    request_timeout: Lifetime = timedelta(seconds=20)

    @property
    def console(self) -> Path:
        """The folder with the admin console, which need not be there yet."""
        return self.console_dir or CONSOLE

    @property
    def document_limits(self) -> DocumentLimits:
        """How much an operation may ask for."""
        return DocumentLimits(
            characters=self.max_document_characters,
            tokens=self.max_document_tokens,
            aliases=self.max_aliases,
            directives=self.max_directives,
            depth=self.max_depth,
            root_fields=self.max_root_fields,
            cost=self.max_cost,
            values=self.max_variable_values,
        )

    @property
    def socket_limits(self) -> SocketLimits:
        """How many sockets and operations there may be at once."""
        return SocketLimits(
            operations=self.max_operations_per_socket,
            sockets_per_session=self.max_sockets_per_session,
            sockets_per_workspace=self.max_sockets_per_workspace,
        )


_ADVICE = {
    "session_lifetime": "must be seconds, or an ISO 8601 duration such as P30D",
    "invitation_lifetime": "must be seconds, or an ISO 8601 duration such as P7D",
    "password_reset_lifetime": "must be seconds, or an ISO 8601 duration such as PT1H",
    **dict.fromkeys(
        (
            "failed_sign_ins_per_account",
            "failed_sign_ins_per_address",
            "resets_per_account",
            "resets_per_address",
        ),
        "must be a number in a time, such as 10 per 15 minute",
    ),
    "operation_timeout": "must be seconds, or an ISO 8601 duration such as PT30S",
    "request_timeout": "must be seconds, or an ISO 8601 duration such as PT20S",
    "event_retention": "must be seconds, or an ISO 8601 duration such as P7D",
    "environment": "must be development or production",
    "log_format": "must be console or json",
    "log_level": "must be debug, info, warning or error",
    "mail_from": "must be an address such as Offboard <offboard@example.com>",
    "password_hash_cost": "must be a whole number from 1 to 20",
}

_WHOLE_NUMBER = "must be a whole number, 1 or more"


def load_settings() -> Settings:
    """The settings of this process; raises InvalidSetting for the first one that cannot be used."""
    try:
        return Settings()
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        advice = (
            _ADVICE.get(name)
            or (name.startswith("max_") and _WHOLE_NUMBER)
            or first["msg"].removeprefix("Value error, ")
        )
        raise InvalidSetting(f"{PREFIX}{name.upper()} {advice}.") from None
