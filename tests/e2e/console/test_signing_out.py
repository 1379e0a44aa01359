"""The moment of forced sign-out, as people see it."""

from playwright.async_api import Page, expect

from models.enums import Role
from tests.e2e.callers import deactivate
from tests.e2e.console.browsing import IN_A_BROWSER, Reception
from tests.e2e.office import Office

pytestmark = IN_A_BROWSER

DEACTIVATED = "Your account was deactivated by an administrator"


async def shows_nothing_but_why(page: Page, why: str) -> None:
    """The tab says why it is signed out, and has kept nothing that the session could read."""
    await expect(page.get_by_role("alert")).to_contain_text(why)
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    text = await page.evaluate("document.documentElement.outerHTML + JSON.stringify([localStorage, sessionStorage])")
    assert "Olivia" not in text


async def test_three_tabs_at_once(office: Office, reception: Reception) -> None:
    ana = await office.hire("Ana", Role.ADMIN)
    desk, first = await reception.sit_down(office, "Ana", "/users")
    second, third = await desk.tab(f"/users/{office.olivia.id}"), await desk.tab("/users?tab=inactive")
    await expect(first.get_by_role("link", name="Olivia")).to_be_visible()
    await first.get_by_role("link", name="Olivia").click()
    for page in (first, second):
        await expect(page.get_by_role("heading", name="Olivia")).to_be_visible()
    await expect(third.get_by_text("Nobody is inactive")).to_be_visible()

    await deactivate(office.olivia, ana.id)
    for page in (first, second, third):
        await shows_nothing_but_why(page, DEACTIVATED)
    await first.go_back()
    await shows_nothing_but_why(first, DEACTIVATED)
    await second.reload()
    await expect(second.get_by_role("button", name="Sign in")).to_be_visible()
    fourth = await desk.tab(f"/users/{office.olivia.id}")
    await expect(fourth.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(fourth.get_by_text("Olivia")).to_have_count(0)


async def test_offline_at_that_moment(office: Office, reception: Reception) -> None:
    ana = await office.hire("Ana", Role.ADMIN)
    desk, page = await reception.sit_down(office, "Ana", f"/users/{office.olivia.id}")
    await expect(page.get_by_role("heading", name="Olivia")).to_be_visible()
    await desk.context.set_offline(True)
    await expect(page.get_by_text("Reconnecting")).to_be_visible()
    await deactivate(office.olivia, ana.id)
    await desk.context.set_offline(False)
    await shows_nothing_but_why(page, DEACTIVATED)
