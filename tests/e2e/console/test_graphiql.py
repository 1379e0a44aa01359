"""GraphiQL in a browser: it asks nobody but the server that it came from."""

import json

from playwright.async_api import Page, expect

from tests.e2e.callers import deactivate
from tests.e2e.console.browsing import IN_A_BROWSER, Reception
from tests.e2e.office import Office

pytestmark = IN_A_BROWSER


async def write(page: Page, editor: str, text: str) -> None:
    """Put a text into one of the editors, in the place of what is in it."""
    await page.get_by_role("region", name=editor).get_by_role("textbox").focus()
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(text)


async def run(page: Page) -> None:
    """Run what is written, once the editor has shown it."""
    await expect(page.get_by_role("region", name="Operation Editor").get_by_text("{").first).to_be_visible()
    await page.get_by_role("button", name="Execute query").click()


async def test_as_who_is_signed_in_to_the_console(office: Office, reception: Reception) -> None:
    ana = await office.hire("Ana")
    start = await office.olivia.feed_position()
    desk, _ = await reception.sit_down(office, "Olivia")
    asked: list[str] = []
    desk.context.on("request", lambda request: asked.append(request.url))
    desk.context.on("page", lambda tab: tab.on("websocket", lambda socket: asked.append(socket.url)))
    page = await desk.tab("/graphiql")
    await run(page)
    result = page.get_by_role("region", name="Result Window")
    await expect(result).to_contain_text("Olivia")
    await write(
        page, "Operation Editor", f'subscription {{ sessionRevoked(scope: WORKSPACE, after: "{start}") {{ reason }} }}'
    )
    await run(page)
    await deactivate(office.olivia, ana.id)
    await expect(result).to_contain_text("USER_DEACTIVATED")
    assert {url for url in asked if not url.startswith((desk.origin, office.server.socket_url, "data:"))} == set()


async def test_as_whoever_a_header_names(office: Office, reception: Reception) -> None:
    desk = await reception.desk(office.server)
    page = await desk.tab("/graphiql")
    await page.get_by_role("button", name="Headers").click()
    await write(page, "Headers", json.dumps({"Authorization": f"Bearer {office.olivia.token}"}))
    await run(page)
    await expect(page.get_by_role("region", name="Result Window")).to_contain_text("Olivia")
