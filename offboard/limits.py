"""How much a client may ask for at once. Settings choose the numbers; docs/settings.md says what each is for."""

from dataclasses import dataclass

from resolvers.errors import RequestError


class LimitExceeded(RequestError):
    """A request that asks for too much: `limit` names what there is too much of, `maximum` how much may be."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, limit: str, maximum: int, message: str) -> None:
        super().__init__(message)
        self.limit = limit
        self.maximum = maximum


class TimedOut(RequestError):
    """An operation that took too long, and was cancelled. What it had begun to write it has written all the same."""

    code = "TIMED_OUT"

    def __init__(self) -> None:
        super().__init__(
            "This took too long. Ask for less; a mutation may have been carried out, and can safely be repeated."
        )


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What a document and its variables may have at most.

    Together they keep what is done for one document on the event loop under 50 ms: parsing and validating go by its
    tokens, executing by its cost.
    """

    characters: int = 32_768
    tokens: int = 1_500
    aliases: int = 50
    directives: int = 50
    depth: int = 15
    root_fields: int = 20
    cost: int = 10_000
    values: int = 10_000

    def check(self, limit: str, amount: int) -> None:
        """Raise LimitExceeded if there is more of something than its limit of that name."""
        maximum: int = getattr(self, limit)
        if amount > maximum:
            raise LimitExceeded(limit, maximum, _TOO_MUCH[limit].format(amount=amount, maximum=maximum))


_TOO_MUCH = {
    "characters": "The document has {amount:,} characters, more than {maximum:,}.",
    "tokens": "The document has more than {maximum:,} tokens.",
    "aliases": "The document has {amount:,} aliases, more than {maximum:,}.",
    "directives": "The document has {amount:,} directives, more than {maximum:,}.",
    "depth": "The operation's fields are nested deeper than {maximum:,}.",
    "root_fields": "The operation has more than {maximum:,} root fields.",
    "cost": "The operation may come to more than {maximum:,} values: ask for smaller pages, or for less of each row.",
    "values": "The variables have more than {maximum:,} values.",
}
