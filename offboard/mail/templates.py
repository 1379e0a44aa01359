"""What the mails say, as plain text and as HTML of the same words."""

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from html import escape

from models.enums import LinkKind
from models.types import now


@dataclass(frozen=True, slots=True)
class Letter:
    """Whom a link is for, and what to say about it. `invited_by` is None if a partner or nobody known invited."""

    kind: LinkKind
    email: str
    name: str
    workspace: str
    url: str
    lifetime: timedelta
    invited_by: str | None = None


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The mail with both of its forms."""
    subject, lead, action, close = _invitation(letter) if letter.kind is LinkKind.INVITATION else _reset(letter)
    valid = f"The link works once, for {in_words(letter.lifetime)}."
    message = new_message(sender, letter.email, subject)
    greeting = f"Hello {one_line(letter.name)},"
    plain = "\n\n".join((greeting, lead, f"{action}:\n{letter.url}", valid, close)) + "\n"
    # Left as it is where that is allowed, so that the link can be copied from the file.
    message.set_content(plain, cte="7bit" if plain.isascii() else "quoted-printable")
    paragraphs = (
        escape(greeting),
        escape(lead),
        f'<a href="{escape(letter.url)}">{escape(action)}</a>',
        escape(valid),
        escape(close),
    )
    add_html(message, "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs))
    return message


def new_message(sender: str, email: str, subject: str) -> EmailMessage:
    """A mail that says nothing yet."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = email
    message["Subject"] = one_line(subject)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = make_msgid(domain=sender.rstrip(">").rpartition("@")[2] or "offboard")
    message["Auto-Submitted"] = "auto-generated"
    return message


def add_html(message: EmailMessage, body: str) -> None:
    """Add the same words as HTML to a mail that has its plain text."""
    message.add_alternative(f"<!doctype html>\n<html>\n<body>\n{body}\n</body>\n</html>\n", subtype="html")


def in_words(lifetime: timedelta) -> str:
    """A span of time as people say it, in the largest unit that divides it; less than a minute is rounded up to one."""
    minutes = max(1, round(lifetime / timedelta(minutes=1)))
    size, unit = next(each for each in ((24 * 60, "day"), (60, "hour"), (1, "minute")) if minutes % each[0] == 0)
    count = minutes // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _invitation(letter: Letter) -> tuple[str, str, str, str]:
    workspace = one_line(letter.workspace)
    lead = (
        f"you are invited to the workspace {workspace}."
        if letter.invited_by is None
        else f"{one_line(letter.invited_by)} invites you to the workspace {workspace}."
    )
    return (
        f"Your invitation to {workspace}",
        f"{lead} Choose a password to come in. If you have one already, from another workspace, use that one.",
        "Accept the invitation",
        "If you did not expect this, ignore this mail: nothing happens without you.",
    )


def _reset(letter: Letter) -> tuple[str, str, str, str]:
    workspace = one_line(letter.workspace)
    return (
        f"Reset your password for {workspace}",
        f"somebody, probably you, asked for a new password for {workspace}. Setting it signs you out on every device.",
        "Set a new password",
        "If it was not you, ignore this mail: your password stays as it is.",
    )


def one_line(text: str) -> str:
    """A text without line breaks, which a header must not have."""
    return " ".join(text.split())
