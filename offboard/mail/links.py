"""Mail with a link: invitations and password resets.

A link's token exists only while its mail is being sent; the row keeps the hash.
"""

from functools import partial
from typing import Any

from sqlalchemy import Row, Table, Update, select, update

from models.database import WORKSPACE, Reader, table
from models.enums import LinkKind
from models.people import Actor, MailedLink, User
from models.types import now
from offboard.mail.post import Prepared, Waiting
from offboard.mail.templates import Letter, compose
from resolvers.links import LINK_PREFIX
from resolvers.viewer import digest, new_secret

LINK = table(MailedLink)
USER = table(User)
ACTOR = table(Actor)
SENDER = USER.alias("sender")

_PATHS = {LinkKind.INVITATION: "invitation", LinkKind.PASSWORD_RESET: "reset-password"}


class Links:
    """Links that wait to be mailed."""

    rows: Table = LINK

    def __init__(self, public_url: str, sender: str) -> None:
        self._public_url = public_url
        self._sender = sender

    async def due(self, reader: Reader, limit: int) -> list[Waiting]:
        """The links whose mail is due; one that has expired is stale."""
        found = await reader.rows(
            select(
                LINK,
                USER.c.email,
                USER.c.name,
                WORKSPACE.c.name.label("workspace"),
                SENDER.c.name.label("invited_by"),
            )
            .join(USER, USER.c.id == LINK.c.user_id)
            .join(WORKSPACE, WORKSPACE.c.id == LINK.c.workspace_id)
            .outerjoin(ACTOR, ACTOR.c.id == LINK.c.sent_by_id)
            .outerjoin(SENDER, SENDER.c.id == ACTOR.c.user_id)
            .where(LINK.c.mail_due_at <= now())
            .order_by(LINK.c.mail_due_at)
            .limit(limit)
        )
        return [
            Waiting(
                row.id, row.kind, row.mail_due_at, row.attempts, row.expires_at <= now(), partial(self._prepare, row)
            )
            for row in found
        ]

    def settled(self) -> Update:
        """The row stays until the link is used or void."""
        return update(LINK).values(mail_due_at=None)

    def _prepare(self, link: Row[Any]) -> Prepared:
        token = new_secret(LINK_PREFIX)
        letter = Letter(
            kind=link.kind,
            email=link.email,
            name=link.name,
            workspace=link.workspace,
            url=f"{self._public_url}/{_PATHS[link.kind]}?token={token}",
            lifetime=link.expires_at - link.created_at,
            invited_by=link.invited_by,
        )
        return Prepared(compose(letter, self._sender), {"token_hash": digest(token)})
