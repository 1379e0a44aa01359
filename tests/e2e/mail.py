"""Mail that the server wrote into files."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path

from tests.waiting import eventually


async def mailed_token(folder: Path, email: str, *, besides: str | None = None) -> str:
    """The token in the link that is mailed to somebody, once the mail is there; not the one that is known already."""

    async def look() -> str | None:
        for path in (folder / "mail").glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            if mail["To"] == email:
                body = mail.get_body(("plain",))
                assert body is not None
                token = str(body.get_content()).partition("?token=")[2].split()[0]
                if token != besides:
                    return token
        return None

    return await eventually(look)
