"""The admin console's files: a page for each of its addresses, and assets whose names change with their contents."""

from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

PAGES = (
    "/",
    "/sign-in",
    "/forgotten-password",
    "/reset-password",
    "/invitation",
    "/users",
    "/users/{id}",
    "/inbox",
    "/inbox/{id}",
    "/audit-log",
    "/settings",
)
"""The console's addresses. Which screen it is, the console sees by itself."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing but this server's own files: no inline script or style, no other host, no frame around it."""

HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
"""What a page says besides offboard.headers."""

MISSING = """Offboard is running, without its admin console.

The API is at /graphql. To have the console here, build it with Node.js 20 or later, in the repository's folder:

    make console

or set OFFBOARD_CONSOLE_DIR to the folder of a console that was built elsewhere.
"""


def console_routes(folder: Path) -> list[BaseRoute]:
    """Routes to the console in `folder`, which need not be there yet."""
    assets = Assets(directory=folder / "assets", check_dir=False)
    return [
        *(Route(path, Page(folder / "index.html").__call__) for path in PAGES),
        Mount("/assets", assets, middleware=[Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=6)]),
    ]


class Page:
    """Answers with the console's one page, or says how to get it."""

    def __init__(self, index: Path) -> None:
        self._index = index

    async def __call__(self, _request: Request) -> Response:
        """The page."""
        if not self._index.is_file():
            return PlainTextResponse(MISSING, headers=HEADERS)
        return FileResponse(self._index, headers=HEADERS)


class Assets(StaticFiles):
    """Files that never change: a new content has a new name."""

    async def check_config(self) -> None:
        """A console that is not built has none: they are not found."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, to be kept for ever."""
        response = super().file_response(*args, **kwargs)
        response.headers.update({**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"})
        return response
