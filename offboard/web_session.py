"""Web sessions: a browser's session token travels in a cookie, out of the reach of every script.

Browsers attach a cookie whoever made the page that asks. So it counts only with proof that the page is this server's
own, which no other page can give:

- a POST must carry the header X-Offboard-Session, which other origins may not send, and the Origin of this server;
- a GET must carry Sec-Fetch-Site: same-origin, which browsers set and scripts cannot;
- a socket must be opened with the Origin of this server.

Without the proof a cookie is as good as none. Where a bearer token is given, no cookie is looked at.
"""

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


class WebSessions:
    """The cookies of one deployment. `public_url` is where people reach it; its origin is this server's own.

    So is the one that a request was sent to, as its header Host has it: a foreign page cannot send there under its own
    name. Methods take ASGI scopes.
    """

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._public_origin = f"{parts.scheme}://{parts.netloc}".lower()
        self._is_public_https = parts.scheme == "https"

    def token(self, scope: Scope) -> str | None:
        """The session token in a request's or a handshake's cookie; None without one, or without the proof."""
        token = self._cookie(scope)
        return token if token is not None and self._is_proven(scope) else None

    def is_unproven(self, scope: Scope) -> bool:
        """There is a cookie, and it does not count."""
        return self._cookie(scope) is not None and not self._is_proven(scope)

    def is_wanted(self, scope: Scope) -> bool:
        """A page of this server asks that the session which a request opens or ends be kept in a cookie."""
        headers = Headers(scope=scope)
        return HEADER in headers and "authorization" not in headers and self._is_proven(scope)

    def keep(self, scope: Scope, response: Response, token: str, expires_at: datetime) -> None:
        """Set the cookie; it lasts as long as the session."""
        lifetime = int((expires_at - now()).total_seconds())
        self._set(scope, response, token, max(0, lifetime))

    def drop(self, scope: Scope, response: Response) -> None:
        """Clear the cookie."""
        self._set(scope, response, "", 0)

    def _set(self, scope: Scope, response: Response, value: str, max_age: int) -> None:
        response.set_cookie(
            self._name(scope),
            value,
            max_age=max_age,
            path="/",
            secure=self._is_secure(scope),
            httponly=True,
            samesite="strict",
        )

    def _cookie(self, scope: Scope) -> str | None:
        header = next((value for name, value in scope["headers"] if name == b"cookie"), None)
        return cookie_parser(header.decode("latin-1")).get(self._name(scope)) if header else None

    def _name(self, scope: Scope) -> str:
        """With the prefix, browsers take the cookie from this host alone, and over https."""
        return f"__Host-{COOKIE}" if self._is_secure(scope) else COOKIE

    def _is_secure(self, scope: Scope) -> bool:
        return self._is_public_https or _scheme(scope) == "https"

    def _is_proven(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            return self._is_own(scope, headers)
        if scope["method"] == "GET":
            return headers.get("sec-fetch-site") == "same-origin"
        is_foreign = headers.get("sec-fetch-site", "same-origin") != "same-origin"
        return HEADER in headers and self._is_own(scope, headers) and not is_foreign

    def _is_own(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin", "").lower()
        return origin in (self._public_origin, f"{_scheme(scope)}://{headers.get('host', '')}".lower())


def _scheme(scope: Scope) -> str:
    scheme = str(scope["scheme"])
    return _HTTP_SCHEMES.get(scheme, scheme)
