"""Which form of an answer a client takes: the header Accept, RFC 9110, section 12.5.1."""

RESPONSE_TYPE = "application/graphql-response+json"
JSON = "application/json"
STREAM = "text/event-stream"

_EVERYTHING = "*/*"


class Accepted:
    """The media ranges of a header Accept and how much each is wanted. Without the header everything is taken."""

    def __init__(self, header: str | None) -> None:
        self._wanted = dict(map(_range, (header or _EVERYTHING).split(",")))

    @property
    def form(self) -> str | None:
        """The form of JSON that the client takes, plain where it does not ask for the other; None if it takes none."""
        if RESPONSE_TYPE in self._wanted and self._weight(RESPONSE_TYPE) >= self._weight(JSON):
            return RESPONSE_TYPE if self._weight(RESPONSE_TYPE) else None
        return JSON if self._weight(JSON) else None

    @property
    def streams(self) -> bool:
        """The client asks for event streams by name."""
        return self._wanted.get(STREAM, 0) > 0

    @property
    def only_streams(self) -> bool:
        """The client takes nothing but event streams."""
        return self._wanted.keys() == {STREAM}

    def _weight(self, media_type: str) -> float:
        family = f"{media_type.partition('/')[0]}/*"
        return next((self._wanted[each] for each in (media_type, family, _EVERYTHING) if each in self._wanted), 0)


def _range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_type, float(value)
            except ValueError:
                return media_type, 0
    return media_type, 1
