"""Web sessions: a browser's session token travels in a cookie, out of the reach of every script.

Browsers attach a cookie whoever made the page that asks. So it counts only with proof that the page is this server's
own, which no other page can give:

- a POST must carry the header X-Offboard-Session, which other origins may not send, and the Origin of this server;
- a GET must carry Sec-Fetch-Site: same-origin, which browsers set and scripts cannot;
- a socket must be opened with the Origin of this server.

Without the proof a cookie is as good as none. Where a bearer token is given, no cookie is looked at.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from models.types import now

HEADER = "X-Offboard-Session"
COOKIE = "offboard_session"

_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Browser:
    """What the headers of one request, or of a handshake, say of a browser's session.

    `token` is the one in its cookie, None without one or without the proof; then `is_unproven` says that there is a
    cookie, and it does not count. `is_wanted`: a page of this server asks that the session which the request opens or
    ends be kept in a cookie.
    """

    token: str | None
    is_unproven: bool
    is_wanted: bool
    _is_secure: bool

    def keep(self, response: Response, token: str, expires_at: datetime) -> None:
        """Set the cookie; it lasts as long as the session."""
        self._set(response, token, max(0, int((expires_at - now()).total_seconds())))

    def drop(self, response: Response) -> None:
        """Clear the cookie."""
        self._set(response, "", 0)

    def _set(self, response: Response, value: str, max_age: int) -> None:
        response.set_cookie(
            _name(self._is_secure),
            value,
            max_age=max_age,
            path="/",
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )


class WebSessions:
    """The cookies of one deployment. `public_url` is where people reach it; its origin is this server's own.

    So is the one that a request was sent to, as its header Host has it: a foreign page cannot send there under its own
    name.
    """

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._public_origin = f"{parts.scheme}://{parts.netloc}".lower()
        self._is_public_https = parts.scheme == "https"

    def read(self, scope: Scope) -> Browser:
        """What an ASGI scope says of a browser's session."""
        headers, is_secure = Headers(scope=scope), self._is_public_https or _scheme(scope) == "https"
        sent = headers.get("cookie")
        token = cookie_parser(sent).get(_name(is_secure)) if sent else None
        is_page = HEADER in headers
        is_proven = (token is not None or is_page) and self._is_proven(scope, headers)
        return Browser(
            token=token if is_proven else None,
            is_unproven=token is not None and not is_proven,
            is_wanted=is_page and is_proven and "authorization" not in headers,
            _is_secure=is_secure,
        )

    def _is_proven(self, scope: Scope, headers: Headers) -> bool:
        if scope["type"] == "websocket":
            return self._is_own(scope, headers)
        if scope["method"] == "GET":
            return headers.get("sec-fetch-site") == "same-origin"
        is_foreign = headers.get("sec-fetch-site", "same-origin") != "same-origin"
        return HEADER in headers and self._is_own(scope, headers) and not is_foreign

    def _is_own(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin", "").lower()
        return origin in (self._public_origin, f"{_scheme(scope)}://{headers.get('host', '')}".lower())


def _name(is_secure: bool) -> str:
    """With the prefix, browsers take the cookie from this host alone, and over https."""
    return f"__Host-{COOKIE}" if is_secure else COOKIE


def _scheme(scope: Scope) -> str:
    scheme = str(scope["scheme"])
    return _HTTP_SCHEMES.get(scheme, scheme)
