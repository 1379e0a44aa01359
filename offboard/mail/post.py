"""What the mailer asks of each kind of mail that waits in the rows of a table."""

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Delete, Table, Update

from models.database import Reader


class Prepared(NamedTuple):
    """A mail that can go out, and the columns that its row gets before it does. No mail: there is nothing to say."""

    message: EmailMessage | None
    columns: dict[str, Any]


class Waiting(NamedTuple):
    """A mail that is due. One that is `stale` came too late to be of use."""

    id: UUID
    kind: str
    due_at: datetime
    attempts: int
    stale: bool
    prepare: Callable[[], Prepared]


class Post(Protocol):
    """One kind of mail. Its rows have an `id`, `mail_due_at` and `attempts`."""

    @property
    def rows(self) -> Table:
        """Where the mails wait."""

    async def due(self, reader: Reader, limit: int) -> list[Waiting]:
        """The mails that are due, the longest waiting first."""

    def settled(self) -> Update | Delete:
        """The statement that takes a mail off the list, without its condition."""
