"""The console in a real browser: Debian's Chromium, driven by Playwright."""

from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from offboard.web_session import HEADER
from tests.e2e.callers import SIGN_IN
from tests.e2e.office import PASSWORD, Office
from tests.e2e.server import Server
from tests.waiting import LIMIT

DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)

IN_A_BROWSER = pytest.mark.only_on("sqlite")
"""For tests of pages, on which the engine makes no difference."""

expect.set_options(timeout=LIMIT * 1000)


@dataclass
class Desk:
    """One browser profile: its tabs share cookies, and nothing with other desks."""

    context: BrowserContext
    origin: str
    problems: list[str]

    @classmethod
    async def open(
        cls, browser: Browser, origin: str, *, viewport: ViewportSize = DESKTOP, dark: bool = False
    ) -> "Desk":
        context = await browser.new_context(
            viewport=viewport, color_scheme="dark" if dark else "light", base_url=origin, locale="en-GB"
        )
        context.set_default_timeout(LIMIT * 1000)
        desk = cls(context, origin, [])
        context.on("weberror", lambda error: desk.problems.append(str(error.error)))
        context.on("console", lambda line: desk.note(line.type, line.text))
        return desk

    def note(self, kind: str, text: str) -> None:
        """Keep what the browser complains of: a broken policy, a failed script. Connections may be lost."""
        if kind == "error" and not text.startswith(("Failed to load resource", "WebSocket connection to")):
            self.problems.append(text)

    async def tab(self, path: str = "/") -> Page:
        """One more tab."""
        page = await self.context.new_page()
        await page.goto(path)
        return page

    async def enter(self, workspace: str, email: str, password: str) -> None:
        """Let the API sign somebody in, which takes a browser less than the form."""
        given = {"workspace": workspace, "email": email, "password": password}
        answer = await self.context.request.post(
            "/graphql",
            data={"query": SIGN_IN, "variables": {"input": given}},
            headers={HEADER: "cookie", "Origin": self.origin},
        )
        assert (await answer.json())["data"]["signIn"]["errors"] == []

    async def sign_in(self, workspace: str, email: str, password: str, path: str = "/") -> Page:
        """A tab of somebody who has signed in."""
        await self.enter(workspace, email, password)
        page = await self.tab(path)
        await expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        return page


async def fill_in(page: Page, workspace: str, email: str, password: str = PASSWORD) -> None:
    """Fill in the form of the sign-in page, and send it."""
    await page.get_by_label("Workspace").fill(workspace)
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("textbox", name="Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


@dataclass
class Reception:
    """Opens desks for people of an office."""

    browser: Browser
    desks: list[Desk]

    async def desk(self, server: Server, **options: object) -> Desk:
        """A new browser profile."""
        desk = await Desk.open(self.browser, server.url.removesuffix("/graphql"), **options)  # type: ignore[arg-type]
        self.desks.append(desk)
        return desk

    async def sit_down(self, office: Office, name: str, path: str = "/", **options: object) -> tuple[Desk, Page]:
        """Somebody at a desk, signed in."""
        desk = await self.desk(office.server, **options)
        return desk, await desk.sign_in(office.slug, office.email(name), PASSWORD, path)
