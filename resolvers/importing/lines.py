"""What a line of an import file may say: one model per kind, and the error that names the line and the key."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from models.enums import ConversationStatus, FollowUpKind, Role, UserStatus
from resolvers.emails import normalize_email
from resolvers.importing.tally import KINDS
from resolvers.texts import LONGEST_NAME, storable

_SUBJECT = re.compile(r"^(Input|String) should ")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


class BadLine(Exception):
    """A line that cannot be imported. Nothing of its batch is written; `imported` lines before that batch were."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"line {number}: {problem}")
        self.number = number
        self.imported = 0


def _moment(value: Any) -> datetime:
    text = value.upper() if isinstance(value, str) else ""
    try:
        if not _RFC_3339.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment", "must be a time as in 2026-12-01T10:00:00Z (RFC 3339)") from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@lru_cache(maxsize=10_000)
def _email(text: str) -> str:
    try:
        return normalize_email(text)
    except ValueError:
        raise PydanticCustomError("email", "must be an email address") from None


def _storable(text: str) -> str:
    if not storable(text):
        raise PydanticCustomError("nul", "must not contain the character NUL")
    return text


Moment = Annotated[datetime, BeforeValidator(_moment)]
Email = Annotated[str, AfterValidator(_email)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_storable)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME), AfterValidator(_storable)
]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_storable)]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class TeamLine(_Keys):
    """A team, by its name."""

    kind: Literal["team"]
    name: Name


class UserLine(_Keys):
    """Somebody, by email. Has no password until invited or reset."""

    kind: Literal["user"]
    email: Email
    name: Name
    roles: list[Role] | None = None
    teams: list[Name] | None = None
    status: UserStatus | None = None
    created_at: Moment | None = None


class CustomerKeys(_Keys):
    """Whom a conversation is with."""

    name: Name | None = None
    email: Email | None = None


class ConversationLine(_Keys):
    """A conversation, by its id in the other system."""

    kind: Literal["conversation"]
    external_id: ExternalId
    subject: Text
    status: ConversationStatus | None = None
    snoozed_until: Moment | None = None
    customer: CustomerKeys | None = None
    assignee: Email | None = None
    team: Name | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None

    @model_validator(mode="after")
    def _snooze_ends(self) -> "ConversationLine":
        if self.status is ConversationStatus.SNOOZED and self.snoozed_until is None:
            raise PydanticCustomError("snooze", 'key "snoozedUntil": required when status is SNOOZED')
        return self


class NoteLine(_Keys):
    """An internal note on a conversation."""

    kind: Literal["note"]
    external_id: ExternalId
    conversation: ExternalId
    body: Text
    author: Email
    created_at: Moment | None = None


class FollowUpLine(_Keys):
    """A pending callback or follow-up."""

    kind: Literal["followUp"]
    external_id: ExternalId
    conversation: ExternalId
    type: FollowUpKind
    due_at: Moment
    assignee: Email | None = None


class CsatLine(_Keys):
    """A customer's answer, one per conversation."""

    kind: Literal["csat"]
    conversation: ExternalId
    rating: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, AfterValidator(_storable)] | None = None
    responded_at: Moment | None = None
    handled_by: Email | None = None


Line = TeamLine | UserLine | ConversationLine | NoteLine | FollowUpLine | CsatLine

_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


def parse_line(number: int, text: bytes) -> Line:
    """What a line says; raises BadLine with every key that is at fault."""
    try:
        return _LINE.validate_json(text)
    except ValidationError as invalid:
        problems = [_problem(error) for error in invalid.errors(include_url=False)]
        raise BadLine(number, "; ".join(problems)) from None


def _problem(error: ErrorDetails) -> str:
    # The location of an error inside a kind begins with the kind.
    key = ".".join(str(part) for part in error["loc"][1:])
    match error["type"]:
        case "json_invalid":
            return f"not JSON: {error['ctx']['error'].replace(' at line 1 column', ' at column')}"
        case "union_tag_not_found":
            return 'missing key "kind"'
        case "union_tag_invalid":
            return f'key "kind": there is no kind "{error["ctx"]["tag"]}"; the kinds are {", ".join(KINDS)}'
        case "extra_forbidden":
            return f'unknown key "{key}"'
        case "missing":
            return f'missing key "{key}"'
        case "snooze":
            return error["msg"]
    return f'key "{key}": {_SUBJECT.sub("must ", error["msg"])}' if key else "not a JSON object"
