"""One departure in the demo workspace, as three people at their browsers live it; and once more without a mouse."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.conftest import NewServer
from tests.e2e.console.browsing import IN_A_BROWSER, PHONE, Reception, fill_in
from tests.e2e.server import Server

pytestmark = IN_A_BROWSER

PASSWORD = "demo-password"


@pytest.fixture
def demo(new_server: NewServer) -> Server:
    """A server with the demo workspace."""
    return new_server().start()


async def test_from_the_button_to_the_audit_log(demo: Server, reception: Reception) -> None:
    phone = await reception.desk(demo, viewport=PHONE)
    ana = await phone.sign_in("demo", "ana@demo.test", PASSWORD, "/inbox")
    await expect(ana.get_by_role("list", name="Conversations")).to_be_visible()
    omar = await (await reception.desk(demo)).sign_in("demo", "omar@demo.test", PASSWORD, "/users")
    olivia = await (await reception.desk(demo)).sign_in("demo", "olivia@demo.test", PASSWORD, "/users")
    people = omar.get_by_role("table", name="Users")
    await expect(people.get_by_role("link", name="Ana Ruiz")).to_be_visible()

    await olivia.get_by_placeholder("Search name or email").fill("ana r")
    await olivia.get_by_role("link", name="Ana Ruiz").click()
    await olivia.get_by_role("button", name="Deactivate").click()
    dialog = olivia.get_by_role("dialog")
    await expect(dialog).to_contain_text("1 session ends at once")
    await expect(dialog).to_contain_text(re.compile("Open115Snoozed33Callbacks20Follow-ups18"))
    await dialog.get_by_role("radio", name="Give it to a colleague").check()
    await dialog.get_by_role("button", name="Deactivate").click()
    await expect(dialog).to_contain_text("Choose at least one colleague.")
    await choose(dialog.get_by_role("combobox", name="Colleague"), "bern", "Bernard Schuster")
    await dialog.get_by_role("button", name="Deactivate").click()
    await expect(olivia.get_by_text("186 pieces of work were handed over")).to_be_visible()

    await expect(ana.get_by_role("alert")).to_contain_text("Your account was deactivated by an administrator")
    await expect(people.get_by_role("link", name="Ana Ruiz")).to_have_count(0)
    await expect(omar.get_by_role("tab", name="Inactive")).to_contain_text("6")
    await omar.get_by_role("tab", name="Inactive").click()
    await expect(people.get_by_role("row", name=re.compile("Ana Ruiz.*Left the company"))).to_be_visible()
    await fill_in(ana, "demo", "ana@demo.test", PASSWORD)
    await expect(ana.get_by_text("Ask an administrator to reactivate it.")).to_be_visible()

    await olivia.get_by_role("button", name="Reactivate").click()
    await olivia.get_by_role("dialog").get_by_role("button", name="Reactivate").click()
    await expect(olivia.get_by_text("Ana Ruiz is active again")).to_be_visible()
    await fill_in(ana, "demo", "ana@demo.test", PASSWORD)
    await expect(ana.get_by_role("heading", name="Inbox")).to_be_visible()

    await olivia.get_by_role("button", name="Delete").click()
    await dialog.get_by_role("radio", name="Privacy request").check()
    await dialog.get_by_label("Type ana@demo.test to confirm").fill("ana@demo.tes")
    await dialog.get_by_role("button", name="Delete for good").click()
    await expect(dialog.get_by_label("Type ana@demo.test to confirm")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_label("Type ana@demo.test to confirm").fill("ana@demo.test")
    await dialog.get_by_role("button", name="Delete for good").click()
    await expect(ana.get_by_role("alert")).to_contain_text("Your account was deleted by an administrator")
    await olivia.get_by_role("link", name="Audit log").click()
    await expect(olivia.get_by_text("deleted the account of Deleted user (privacy request)")).to_be_visible()
    await expect(olivia.get_by_text("Ana Ruiz")).to_have_count(0)


async def test_the_only_owner_stays_and_is_told_the_way_out(demo: Server, reception: Reception) -> None:
    desk = await reception.desk(demo)
    page = await desk.sign_in("demo", "olivia@demo.test", PASSWORD, "/users?role=OWNER")
    await page.get_by_role("link", name="Omar Osei").click()
    await page.get_by_role("checkbox", name="Owner").click()
    await expect(page.get_by_text("Omar Osei is Owner no more")).to_be_visible()
    await page.get_by_role("link", name="Users", exact=True).click()
    await page.get_by_role("link", name="Olivia Owens").click()
    await expect(page.get_by_text("Only owner")).to_be_visible()
    await page.get_by_role("button", name="Deactivate").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("alert")).to_contain_text("only active owner")
    await expect(dialog.get_by_role("button", name="Deactivate")).to_have_count(0)
    await expect(dialog).to_contain_text("Make somebody else Owner first")
    await choose(dialog.get_by_role("combobox", name="Colleague"), "bern", "Bernard Schuster")
    await dialog.get_by_role("button", name="Make Owner").click()
    await expect(dialog.get_by_role("button", name="Deactivate")).to_be_enabled()


async def test_without_a_mouse(demo: Server, reception: Reception) -> None:
    page = await (await reception.desk(demo)).tab("/users?q=ana+r")
    for name, text in (("Workspace", "demo"), ("Email", "olivia@demo.test"), ("Password", PASSWORD)):
        await tab_to(page, name)
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Ana Ruiz")).to_be_visible()
    await tab_to(page, "Ana Ruiz")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Workload")).to_be_visible()
    await tab_to(page, "Deactivate")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("combobox", name="Reason")).to_be_focused()
    await tab_to(page, "Leave it with them")
    await page.keyboard.press("ArrowDown")
    await tab_to(page, "Colleague")
    await page.keyboard.type("bern")
    await expect(page.get_by_role("option")).to_have_text(["Bernard Schuster"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await tab_to(page, "Deactivate")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("186 pieces of work were handed over")).to_be_visible()
    await expect(dialog).to_have_count(0)


async def choose(field: Locator, typed: str, option: str) -> None:
    """Type into a field that offers what fits, and take one."""
    await field.fill(typed)
    await field.page.get_by_role("option", name=option).click()


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        named = await page.evaluate(
            """() => {
              const at = document.activeElement;
              return at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent;
            }"""
        )
        if named == name:
            return
    pytest.fail(f"Tab does not lead to {name}")
