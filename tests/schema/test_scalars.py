"""DateTime."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from schema.root import schema

DATE_TIME = schema._schema.type_map["DateTime"]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01T09:30:00.000Z"),
        (datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC), "2026-03-01T09:30:00.123Z"),
        (datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T07:30:00.000Z"),
    ],
)
def test_times_are_shown_in_utc_to_the_millisecond(moment: datetime, text: str) -> None:
    assert DATE_TIME.coerce_output_value(moment) == text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["2026-03-01T09:30:00Z", "2026-03-01T10:30:00+01:00", "2026-03-01T09:30:00.000999Z", "2026-03-01t09:30:00z"]
)
def test_times_are_read_with_any_offset(text: str) -> None:
    assert DATE_TIME.coerce_input_value(text) == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T09:30:00",
        "2026-03-01",
        "yesterday",
        "",
        5,
        None,
        "0001-01-01T00:00:00+14:00",
        "20260301T093000Z",
        "2026-W10-1T09:30:00Z",
        "2026-03-01T09Z",
        "2026-03-01T09:30:00+00:00:30",
    ],
)
def test_anything_else_is_refused_with_advice(text: object) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        DATE_TIME.coerce_input_value(text)  # type: ignore[union-attr]
