"""Sends every mailed link that is due.

A link's token exists only while its mail is being sent; the row keeps the hash. Before a mail goes out, the row is
claimed in one committed statement: a new token, and a later time at which it is due again. Only a mail that was handed
over clears that time. So a crash anywhere in between costs a second mail with a fresh token and never the mail.
"""

import asyncio
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Row, select, update

from models.database import WORKSPACE, Database, Tx, table
from models.enums import LinkKind
from models.people import Actor, MailedLink, User
from models.types import now
from offboard.mail.templates import Letter, compose
from offboard.mail.transports import Transport
from resolvers.links import LINK_PREFIX
from resolvers.viewer import digest, new_secret

LINK = table(MailedLink)
USER = table(User)
ACTOR = table(Actor)
SENDER = USER.alias("sender")

POLL_S = 5
BATCH = 50
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)

_PATHS = {LinkKind.INVITATION: "invitation", LinkKind.PASSWORD_RESET: "reset-password"}

log = structlog.get_logger(__name__)


class Mailer:
    """The background task that mails links. Several may run on one database: each mail is claimed by one."""

    def __init__(self, database: Database, transport: Transport, *, public_url: str, sender: str) -> None:
        self._database = database
        self._transport = transport
        self._public_url = public_url.rstrip("/")
        self._sender = sender
        self._wake = asyncio.Event()

    async def committed(self, tx: Tx) -> None:
        """Listen to commits (Database.after_commit): a mail that has just become due is sent at once."""
        if tx.mail_due:
            self._wake.set()

    async def run(self) -> None:
        """Send what is due, now and whenever something becomes due, until cancelled."""
        while True:
            self._wake.clear()
            try:
                while await self.send_due() == BATCH:
                    pass
            except Exception:
                log.exception("mailer_failed")
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_S)
            except TimeoutError:
                continue

    async def send_due(self) -> int:
        """Try to send each mail that is due, at most BATCH of them; says how many were tried."""
        due = await self._due()
        for link in due:
            await self._send(link)
        return len(due)

    async def _due(self) -> list[Row[Any]]:
        async with self._database.read() as reader:
            return list(
                await reader.rows(
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
                    .limit(BATCH)
                )
            )

    async def _send(self, link: Row[Any]) -> None:
        if link.expires_at <= now():
            await self._settle(link.mail_due_at, link)
            log.error("mail_given_up", link=str(link.id), kind=link.kind, attempts=link.attempts)
            return
        token = new_secret(LINK_PREFIX)
        due_again = now() + min(FIRST_RETRY * 2 ** min(link.attempts, 16), LONGEST_RETRY)
        claim = {"token_hash": digest(token), "mail_due_at": due_again, "attempts": link.attempts + 1}
        if not await self._update(link, link.mail_due_at, **claim):
            return
        try:
            await self._transport.send(compose(self._letter(link, token), self._sender))
        except Exception as error:  # noqa: BLE001 - whatever a transport raises, the mail is due again later
            # The error's own text may hold the address: its kind must do.
            log.warning(
                "mail_failed", link=str(link.id), kind=link.kind, attempts=link.attempts + 1, error=type(error).__name__
            )
        else:
            await self._settle(due_again, link)

    async def _settle(self, due_at: Any, link: Row[Any]) -> None:
        await self._update(link, due_at, mail_due_at=None)

    async def _update(self, link: Row[Any], due_at: Any, **values: Any) -> int:
        """Change the row if it is still due at that time: if nobody else claimed, replaced or voided it."""
        statement = update(LINK).where(LINK.c.id == link.id, LINK.c.mail_due_at == due_at).values(**values)
        return await self._database.transact(lambda tx: tx.run(statement))

    def _letter(self, link: Row[Any], token: str) -> Letter:
        return Letter(
            kind=link.kind,
            email=link.email,
            name=link.name,
            workspace=link.workspace,
            url=f"{self._public_url}/{_PATHS[link.kind]}?token={token}",
            lifetime=link.expires_at - link.created_at,
            invited_by=link.invited_by,
        )
