"""The ways in: an invitation, and a link for whoever has forgotten the password."""

from playwright.async_api import expect

from tests.e2e.console.browsing import IN_A_BROWSER, Reception, fill_in
from tests.e2e.mail import mailed_token
from tests.e2e.office import PASSWORD, Office

pytestmark = IN_A_BROWSER

NEW_PASSWORD = "rusty kettle on a hill"


async def test_invited_in_and_forgetful(office: Office, reception: Reception) -> None:
    desk, page = await reception.sit_down(office, "Olivia", "/users")
    await page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Zoe")
    await dialog.get_by_label("Email").fill(office.email("Olivia"))
    await dialog.get_by_role("button", name="Send the invitation").click()
    await expect(dialog.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    await dialog.get_by_label("Email").fill(office.email("Zoe"))
    await dialog.get_by_role("button", name="Send the invitation").click()
    people = page.get_by_role("table", name="Users")
    await expect(people.get_by_role("row", name="Zoe")).to_contain_text("Invited")

    token = await mailed_token(office.server.folder, office.email("Zoe"))
    zoe = await desk.tab(f"/invitation?token={token}")
    await zoe.get_by_label("Password").fill("password1234")
    await zoe.get_by_role("button", name="Come in").click()
    await expect(zoe.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    await zoe.get_by_label("Password").fill(PASSWORD)
    await zoe.get_by_role("button", name="Come in").click()
    await expect(zoe.get_by_role("button", name="Zoe")).to_be_visible()
    await expect(page.get_by_role("button", name="Zoe")).to_be_visible()
    await zoe.get_by_role("button", name="Zoe").click()
    await zoe.get_by_role("menuitem", name="Sign out").click()
    for tab in (zoe, page):
        await expect(tab.get_by_role("alert")).to_contain_text("You signed out")

    await zoe.get_by_role("link", name="Forgotten your password?").click()
    await zoe.get_by_label("Workspace").fill(office.slug)
    await zoe.get_by_label("Email").fill(office.email("Zoe"))
    await zoe.get_by_role("button", name="Send the link").click()
    await expect(zoe.get_by_role("heading")).to_have_text("Look into your mail")
    reset = await mailed_token(office.server.folder, office.email("Zoe"), besides=token)
    await zoe.goto(f"/reset-password?token={reset}")
    await zoe.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
    await zoe.get_by_role("button", name="Set the password").click()
    await zoe.get_by_role("link", name="Sign in").click()
    await fill_in(zoe, office.slug, office.email("Zoe"), PASSWORD)
    await expect(zoe.get_by_role("alert")).to_be_visible()
    await fill_in(zoe, office.slug, office.email("Zoe"), NEW_PASSWORD)
    await expect(zoe.get_by_role("button", name="Zoe")).to_be_visible()
    await zoe.goto(f"/reset-password?token={reset}")
    await zoe.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
    await zoe.get_by_role("button", name="Set the password").click()
    await expect(zoe.get_by_role("link", name="Ask for a new link")).to_be_visible()
