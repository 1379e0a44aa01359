"""What is no sign-out: a network that is gone for a while, and a server that is restarted."""

from playwright.async_api import expect

from models.enums import Role
from tests.e2e.callers import deactivate
from tests.e2e.conftest import NewServer
from tests.e2e.console.browsing import IN_A_BROWSER, Reception
from tests.e2e.office import Office

pytestmark = IN_A_BROWSER


async def test_what_happened_meanwhile_is_shown_afterwards(
    new_server: NewServer, http: object, reception: Reception
) -> None:
    server = new_server().start()
    office = await Office.open(server, http)  # type: ignore[arg-type]
    ana, bo = await office.hire("Ana", Role.AGENT), await office.hire("Bo", Role.AGENT)
    desk, page = await reception.sit_down(office, "Olivia", "/users")
    people = page.get_by_role("table", name="Users")
    reconnecting = page.get_by_text("Reconnecting")
    await expect(people.get_by_role("link")).to_have_text(["Ana", "Bo", "Olivia"])

    await desk.context.set_offline(True)
    await expect(reconnecting).to_be_visible()
    await deactivate(office.olivia, ana.id)
    await desk.context.set_offline(False)
    await expect(people.get_by_role("link")).to_have_text(["Bo", "Olivia"])
    await expect(reconnecting).to_be_hidden()

    server.stop()
    await expect(reconnecting).to_be_visible()
    server.start()
    await deactivate(office.olivia, bo.id)
    await expect(people.get_by_role("link")).to_have_text(["Olivia"])
    await expect(page.get_by_role("tab", name="Inactive")).to_contain_text("2")
    await expect(reconnecting).to_be_hidden()
