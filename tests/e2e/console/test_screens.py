"""Every screen in both themes: axe finds nothing serious, and no phone has to scroll sideways.

With SCREENSHOTS set to a folder the screens are photographed into it: `make screenshots`.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.e2e.conftest import NewServer
from tests.e2e.console.browsing import DESKTOP, IN_A_BROWSER, PHONE, Reception
from tests.e2e.console.conftest import REPOSITORY

pytestmark = IN_A_BROWSER

AXE = REPOSITORY / "console" / "node_modules" / "axe-core" / "axe.min.js"
PHOTOGRAPHED = (
    "users-light",
    "users-dark",
    "users-phone",
    "profile-light",
    "deactivate-light",
    "deactivate-phone",
    "inbox-light",
    "inbox-dark",
    "inbox-phone",
    "conversation-light",
    "audit-log-dark",
    "settings-light",
)

Look = Callable[[Page], Awaitable[Any]]


def shows(text: str) -> Look:
    return lambda page: expect(page.get_by_text(text).first).to_be_visible()


async def open_inbox_dialog(page: Page) -> None:
    await page.get_by_role("checkbox").nth(1).check()
    await page.get_by_role("button", name="Hand over").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def open_deactivate(page: Page) -> None:
    await page.get_by_role("button", name="Deactivate").click()
    await page.get_by_role("radio", name="Share it among several").check()


async def open_delete(page: Page) -> None:
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("What stays")).to_be_visible()


async def open_token(page: Page) -> None:
    await page.get_by_role("button", name="Create an access token").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def open_conversation(page: Page) -> None:
    await page.get_by_role("list", name="Conversations").get_by_role("link").first.click()
    await expect(page.get_by_role("heading", name="Notes")).to_be_visible()


async def open_profile(page: Page) -> None:
    await page.get_by_role("link", name="Ana Ruiz").click()
    await expect(page.get_by_role("heading", name="Workload")).to_be_visible()


SETTLING = 5

Screen = tuple[str, str | None, list[Look]]
"""Its name, where it is, or None for where the one before it is, and what is done there."""

OUTSIDE: list[Screen] = [
    ("sign-in", "/sign-in", [shows("Forgotten your password?")]),
    ("forgotten-password", "/forgotten-password", [shows("Send the link")]),
    ("reset-password", "/reset-password?token=x", [shows("Set the password")]),
    ("invitation", "/invitation?token=x", [shows("Come in")]),
]
INSIDE: list[Screen] = [
    ("users", "/users", [shows("Ana Ruiz")]),
    ("inactive", "/users?tab=inactive", [shows("Left the company")]),
    ("nobody", "/users?q=nobody", [shows("Nobody fits these filters")]),
    ("profile", "/users?q=ana", [open_profile]),
    ("deactivate", None, [open_deactivate]),
    ("delete", None, [open_delete]),
    ("inbox", "/inbox", [shows("Refund for order")]),
    ("hand-over", None, [open_inbox_dialog]),
    ("conversation", "/inbox?status=CLOSED&q=refund", [shows("Refund for order"), open_conversation]),
    ("audit-log", "/audit-log", [shows("signed in.")]),
    ("settings", "/settings", [shows("Access tokens")]),
    ("token", None, [open_token]),
]


async def test_every_screen(new_server: NewServer, reception: Reception) -> None:
    desk = await reception.desk(new_server().start())
    page = await desk.context.new_page()
    await page.emulate_media(reduced_motion="reduce")
    found = {name: await complaints(page, name, path, looks) for name, path, looks in OUTSIDE}
    await desk.enter("demo", "olivia@demo.test", "demo-password")
    found |= {name: await complaints(page, name, path, looks) for name, path, looks in INSIDE}
    assert {name: problems for name, problems in found.items() if problems} == {}


async def complaints(page: Page, name: str, path: str | None, looks: list[Look]) -> list[str]:
    """What is wrong with a screen: in the light, in the dark, and on a phone."""
    found: list[str] = []
    if path is not None:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/graphql") else None)
        await page.goto(path)
        await looks[0](page)
        if len(asked) > 1 and "=" not in path:
            found.append(f"{len(asked)} requests before the first paint")
        await page.evaluate(AXE.read_text())
    for look in looks if path is None else looks[1:]:
        await look(page)
    await photograph(page, f"{name}-light")
    found += await violations(page, {})
    in_the_light = await page.evaluate("getComputedStyle(document.body).color")
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator("body")).not_to_have_css("color", in_the_light)
    await photograph(page, f"{name}-dark")
    found += await lasting_violations(page, {"runOnly": ["color-contrast"]})
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(PHONE)
    await photograph(page, f"{name}-phone")
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the phone")
    await page.set_viewport_size(DESKTOP)
    return found


async def lasting_violations(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe still finds serious once everything has taken on the colours of the dark."""
    found: list[str] = []
    for _ in range(SETTLING):
        if not (found := await violations(page, options)):
            break
        await page.evaluate(
            """() => Promise.all([
                new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
                ...document.getAnimations().map((each) => each.finished.catch(() => null)),
            ]).then(() => null)"""
        )
    return found


async def violations(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe finds serious."""
    found = await page.evaluate(
        "(options) => axe.run(document, {resultTypes: ['violations'], ...options}).then((run) => run.violations)",
        options,
    )
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


async def photograph(page: Page, name: str) -> None:
    """Keep a picture of a screen that is to be shown, if pictures are wanted."""
    if (folder := os.environ.get("SCREENSHOTS")) and name in PHOTOGRAPHED:
        await page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")
