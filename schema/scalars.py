"""Scalars: the point in time."""

import re
from datetime import UTC, datetime

import strawberry

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _serialize(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse(text: object) -> datetime:
    try:
        if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
            raise ValueError
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "DateTime must be an RFC 3339 time with a UTC offset, such as 2026-03-01T09:30:00.000Z."
        ) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


DateTime = strawberry.scalar(
    name="DateTime",
    description="A point in time: RFC 3339, always UTC, millisecond precision, such as 2026-03-01T09:30:00.000Z.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=_serialize,
    parse_value=_parse,
)
