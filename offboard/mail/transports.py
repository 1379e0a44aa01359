"""Where mail goes: to the console, into files, or to an SMTP server."""

import asyncio
import os
import sys
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from models.types import new_id

SMTP_TIMEOUT_S = 20


class Transport(Protocol):
    """Takes a mail and brings it on its way; raises if it could not."""

    async def send(self, message: EmailMessage) -> None:
        """Hand the mail over; when this returns, it is somebody else's to deliver."""


def open_transport(url: str) -> Transport:
    """The transport that a MAIL_URL names; raises ValueError, saying what it may be, for any other text."""
    scheme, _, rest = url.partition(":")
    if scheme == "console" and not rest:
        return ConsoleTransport()
    if scheme == "file" and rest.removeprefix("//"):
        return FileTransport(Path(rest.removeprefix("//")))
    if scheme == "smtp":
        parts = urlsplit(url)
        if parts.hostname:
            user, password = parts.username, parts.password
            return SmtpTransport(
                parts.hostname,
                parts.port or 25,
                unquote(user) if user else None,
                unquote(password) if password else None,
            )
    raise ValueError("MAIL_URL must be console:, file:DIR, or smtp://[USER:PASSWORD@]HOST[:PORT]")


class ConsoleTransport:
    """Prints the plain text of a mail: for trying things out."""

    async def send(self, message: EmailMessage) -> None:
        """Print the mail."""
        body = message.get_body(("plain",))
        assert body is not None
        sys.stdout.write(f"\n--- mail to {message['To']}: {message['Subject']}\n\n{body.get_content()}---\n\n")
        sys.stdout.flush()


class FileTransport:
    """Writes each mail into a file of its own; a file that ends in .eml is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write the mail; raises OSError if the folder cannot be written."""
        await asyncio.to_thread(self._write, message)

    def _write(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{new_id()}.eml"
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(message.as_bytes(policy=SMTP if str(message["To"]).isascii() else SMTPUTF8))
        os.replace(unfinished, path)


class SmtpTransport:
    """Hands each mail to an SMTP server, encrypted when the server offers STARTTLS."""

    def __init__(self, host: str, port: int, user: str | None = None, password: str | None = None) -> None:
        self.host = host
        self.port = port
        self._user = user
        self._password = password

    async def send(self, message: EmailMessage) -> None:
        """Send the mail; raises OSError or aiosmtplib.SMTPException if the server does not take it."""
        await aiosmtplib.send(
            message,
            hostname=self.host,
            port=self.port,
            username=self._user,
            password=self._password,
            timeout=SMTP_TIMEOUT_S,
        )
