"""A hand-over that takes a while, as whoever asked for it sees it."""

import re

from playwright.async_api import expect

from models.enums import Role
from tests.e2e.console.browsing import IN_A_BROWSER, Reception
from tests.e2e.office import Office
from tests.e2e.workload import give_work

pytestmark = IN_A_BROWSER

MANY = 40_000


async def test_followed_stopped_and_taken_back(office: Office, reception: Reception) -> None:
    ana, _ = await office.hire("Ana", Role.AGENT), await office.hire("Ben", Role.AGENT)
    await give_work(office, ana, MANY)
    _, page = await reception.sit_down(office, "Olivia", f"/inbox?assignee={ana.id}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/graphql") else None)
    await page.reload()
    await expect(page.get_by_text("10,000+ conversations")).to_be_visible()
    await expect(page.get_by_role("combobox", name="Assigned to")).to_have_value("Ana")
    assert len(asked) == 1, "a screen's first paint takes one request"

    await page.get_by_role("checkbox", name="Select all that are shown").check()
    await page.get_by_role("button", name="Select all 10,000+ that match").click()
    await page.get_by_role("button", name="Hand over").click()
    dialog = page.get_by_role("dialog", name="Hand over 10,000+ conversations")
    await dialog.get_by_role("combobox", name="Colleague").fill("ben")
    await page.get_by_role("option", name="Ben").click()
    await expect(dialog).to_contain_text("40,000 pieces of work would be handed over")
    await dialog.get_by_role("button", name="Hand over").click()

    operation = page.get_by_role("status", name="Hand-over")
    await expect(operation).to_contain_text("of 40,000")
    await expect(operation.get_by_role("progressbar")).to_be_visible()
    await operation.get_by_role("button", name="Stop").click()
    await expect(operation).to_contain_text(re.compile("Stopped after [1-3]?[0-9],?[0-9]{1,3} conversations?"))
    await expect(operation.get_by_role("progressbar")).to_have_count(0)
    await operation.get_by_role("button", name="Undo").click()
    await expect(operation).to_contain_text("Given back")
    await expect(page.get_by_text("10,000+ conversations")).to_be_visible()
