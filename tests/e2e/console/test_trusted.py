"""The console of a server that runs nothing but trusted documents, and was given none."""

import re
from pathlib import Path

from playwright.async_api import expect

from tests.e2e.conftest import NewServer
from tests.e2e.console.browsing import IN_A_BROWSER, Reception, fill_in

pytestmark = IN_A_BROWSER


async def test_its_own_documents_are_trusted(new_server: NewServer, reception: Reception, tmp_path: Path) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text("{}")
    server = new_server(TRUSTED_DOCUMENTS=str(manifest), ENVIRONMENT="production").start()
    desk = await reception.desk(server)
    page = await desk.tab("/users?q=ana+r")
    await fill_in(page, "demo", "olivia@demo.test", "demo-password")
    await page.get_by_role("link", name="Ana Ruiz").click()
    await page.get_by_role("button", name="Deactivate").click()
    await page.get_by_role("dialog").get_by_role("radio", name="Move it to Unassigned").check()
    await page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    await expect(page.get_by_role("button", name="Reactivate")).to_be_visible()
    await page.get_by_role("link", name="Inbox").click()
    await page.get_by_role("list", name="Conversations").get_by_role("link").first.click()
    await expect(page.get_by_role("heading", name="Notes")).to_be_visible()
    await page.get_by_role("link", name="Audit log").click()
    await expect(page.get_by_text(re.compile("deactivated Ana Ruiz"))).to_be_visible()
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved")).to_be_visible()
    await page.get_by_role("button", name="Olivia Owens").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("alert")).to_contain_text("You signed out")
