"""The admin console's files: a page for each of its addresses, and assets whose names change with their contents."""

from collections.abc import Sequence
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

EVERY_PAGE = (
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
"""What holds for every page that is served from here."""

POLICY = (
    *EVERY_PAGE,
    "style-src 'self'",
    "img-src 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
"""Nothing but this server's own files: no inline script or style, no other host, no frame around it."""

MISSING = """Offboard is running, without its admin console.

The API is at /graphql. To have the console here, build it with Node.js 20 or later, in the repository's folder:

    make console

or set OFFBOARD_CONSOLE_DIR to the folder of a console that was built elsewhere.
"""


def console_routes(folder: Path) -> list[BaseRoute]:
    """Routes to the console in `folder`, which need not be there yet."""
    page = Page(folder / "index.html", POLICY, MISSING)
    return [*(Route(path, page.__call__) for path in PAGES), mount_assets("/assets", folder / "assets", POLICY)]


class Page:
    """Answers with a page, or says how to get it. The policy is what the browser lets the page do."""

    def __init__(self, index: Path, policy: Sequence[str], missing: str) -> None:
        self._index = index
        self._headers = {"Content-Security-Policy": "; ".join(policy), "Cache-Control": "no-cache"}
        self._missing = missing

    async def __call__(self, _request: Request) -> Response:
        """The page."""
        if not self._index.is_file():
            return PlainTextResponse(self._missing, headers=self._headers)
        return FileResponse(self._index, headers=self._headers)


def mount_assets(path: str, folder: Path, policy: Sequence[str]) -> BaseRoute:
    """The files of a page, compressed. What runs as a worker obeys its own file's policy: it is the page's."""
    compressed = Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=6)
    return Mount(path, Assets(folder, policy), middleware=[compressed])


class Assets(StaticFiles):
    """Files that never change: a new content has a new name."""

    def __init__(self, folder: Path, policy: Sequence[str]) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._headers = {
            "Content-Security-Policy": "; ".join(policy),
            "Cache-Control": "public, max-age=31536000, immutable",
        }

    async def check_config(self) -> None:
        """A page that is not built has none: they are not found."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, to be kept for ever."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(self._headers)
        return response
