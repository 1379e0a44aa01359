"""Users in the console: ten thousand of them, and a change that a colleague makes."""

from playwright.async_api import expect

from models.enums import Role
from tests.e2e.callers import deactivate
from tests.e2e.console.browsing import IN_A_BROWSER, Reception
from tests.e2e.office import Office
from tests.e2e.staff import hire_many

pytestmark = IN_A_BROWSER

CROWD = 9_998


async def test_ten_thousand_users(office: Office, reception: Reception) -> None:
    await hire_many(office, CROWD)
    ana = await office.hire("Ana", Role.AGENT)
    _, page = await reception.sit_down(office, "Olivia", "/users")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/graphql") else None)
    await page.reload()
    people = page.get_by_role("table", name="Users")
    await expect(people.get_by_role("link", name="Ana")).to_be_visible()
    assert len(asked) == 1, "a screen's first paint takes one request"
    await expect(page.get_by_role("tab", name="Active", exact=False).first).to_contain_text("10,000")

    await people.evaluate(
        """async (table) => {
          while (!table.textContent.includes('Olivia')) {
            table.scrollTo(0, table.scrollHeight);
            await new Promise(requestAnimationFrame);
          }
        }"""
    )
    await expect(people.get_by_role("row", name="Olivia")).to_have_attribute("aria-rowindex", "10001")
    assert await people.get_by_role("row").count() < 60
    await people.evaluate("(table) => table.scrollTo(0, 0)")
    await page.get_by_placeholder("Search name or email").fill("n99")
    await expect(page.get_by_role("tab", name="Active", exact=False).first).to_contain_text("109")

    await page.get_by_placeholder("Search name or email").fill("")
    await expect(people.get_by_role("link", name="Ana")).to_be_visible()
    await deactivate(office.olivia, ana.id)
    await expect(people.get_by_role("link", name="Ana")).to_have_count(0)
    await page.get_by_role("tab", name="Inactive").click()
    await expect(people.get_by_role("link")).to_have_text(["Ana"])
