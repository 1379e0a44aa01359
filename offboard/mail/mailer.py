"""Sends every mail that is due.

Before a mail goes out, its row is claimed in one committed statement: it gets a later time at which it is due again,
and a link a new token. Only a mail that was handed over is taken off the list. So a crash anywhere in between costs a
second mail and never the mail.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Delete, Update, update

from models.database import Database, Tx
from models.types import now
from offboard.alarm import Alarm
from offboard.mail.links import Links
from offboard.mail.notices import Notices
from offboard.mail.post import Post, Waiting
from offboard.mail.transports import Transport

POLL_S = 5
BATCH = 50
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)

log = structlog.get_logger(__name__)


class Mailer:
    """The background task that sends mail. Several may run on one database: each mail is claimed by one."""

    def __init__(self, database: Database, transport: Transport, *, public_url: str, sender: str) -> None:
        self._database = database
        self._transport = transport
        self._posts: tuple[Post, ...] = (Links(public_url.rstrip("/"), sender), Notices(sender))
        self._alarm = Alarm()

    async def committed(self, tx: Tx) -> None:
        """Listen to commits (Database.after_commit): a mail that has just become due is sent at once."""
        if tx.mail_due:
            self._alarm.ring()

    async def run(self) -> None:
        """Send what is due, now and whenever something becomes due, until cancelled."""
        while True:
            try:
                while await self.send_due() >= BATCH:
                    pass
            except Exception:
                log.exception("mailer_failed")
            await self._alarm.wait(POLL_S)

    async def send_due(self) -> int:
        """Try to send each mail that is due, at most BATCH of each kind; says how many were tried."""
        tried = 0
        for post in self._posts:
            async with self._database.read() as reader:
                due = await post.due(reader, BATCH)
            for mail in due:
                await self._send(post, mail)
            tried += len(due)
        return tried

    async def _send(self, post: Post, mail: Waiting) -> None:
        if mail.stale:
            await self._change(post, mail, post.settled(), mail.due_at)
            log.error("mail_given_up", link=str(mail.id), kind=mail.kind, attempts=mail.attempts)
            return
        message, columns = mail.prepare()
        due_again = now() + min(FIRST_RETRY * 2 ** min(mail.attempts, 16), LONGEST_RETRY)
        claim = update(post.rows).values(mail_due_at=due_again, attempts=mail.attempts + 1, **columns)
        if not await self._change(post, mail, claim, mail.due_at):
            return
        try:
            if message is not None:
                await self._transport.send(message)
        except Exception as error:  # noqa: BLE001 - whatever a transport raises, the mail is due again later
            # The error's own text may hold the address: its kind must do.
            log.warning(
                "mail_failed", link=str(mail.id), kind=mail.kind, attempts=mail.attempts + 1, error=type(error).__name__
            )
        else:
            await self._change(post, mail, post.settled(), due_again)

    async def _change(self, post: Post, mail: Waiting, statement: Update | Delete, due_at: datetime) -> int:
        """Change the row if it is still due at that time: if nobody else claimed, replaced or voided it."""
        still = statement.where(post.rows.c.id == mail.id, post.rows.c.mail_due_at == due_at)
        return await self._database.transact(lambda tx: tx.run(still))
