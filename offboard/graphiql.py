"""GraphiQL, for those who explore the schema in a browser: served from here, so that no other host takes part."""

from pathlib import Path

from starlette.routing import BaseRoute, Route

from offboard.console import EVERY_PAGE, Page, mount_assets

PATH = "/graphiql"

POLICY = (
    *EVERY_PAGE,
    "worker-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self' data:",
    "img-src 'self' data:",
)
"""As strict as the console's with scripts and hosts. Its editor, Monaco, writes styles of its own into the page."""

MISSING = """Offboard is running, without GraphiQL.

The API is at /graphql. GraphiQL is built together with the admin console, with Node.js 20 or later, in the
repository's folder:

    make console

or set OFFBOARD_CONSOLE_DIR to the folder of a console that was built elsewhere.
"""


def graphiql_routes(console: Path) -> list[BaseRoute]:
    """Routes to GraphiQL in the folder of the console, which need not be there yet."""
    folder = console / "graphiql"
    page = Page(folder / "index.html", POLICY, MISSING)
    return [Route(PATH, page.__call__), mount_assets(f"{PATH}/assets", folder / "assets", POLICY)]
