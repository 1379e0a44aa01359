"""A page of another origin, in the browser of somebody who is signed in."""

import pytest
from playwright.async_api import expect

from tests.e2e.console.browsing import Reception
from tests.e2e.office import Office

pytestmark = pytest.mark.only_on("sqlite")

SIGN_OUT = '{"query": "mutation { signOut { signedOut } }", "x": "'


async def test_neither_form_nor_fetch_nor_socket_acts_with_the_session(office: Office, reception: Reception) -> None:
    desk, page = await reception.sit_down(office, "Olivia", "/users")
    await expect(page.get_by_role("link", name="Olivia")).to_be_visible()
    # The same site, so that SameSite lets the cookie through: only the port differs.
    foreign = "http://127.0.0.1:9/"
    await desk.context.route(
        foreign, lambda route: route.fulfill(body="<title>Foreign</title>", content_type="text/html")
    )
    evil = await desk.tab(foreign)
    outcome = await evil.evaluate(
        """async (url) => {
          const ask = (headers) => fetch(url, {
            method: 'POST', credentials: 'include', headers, body: '{"query": "mutation { signOut { signedOut } }"}',
          }).then(() => 'answered', () => 'refused');
          const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
          socket.onopen = () => socket.send('{"type": "connection_init"}');
          const closed = await new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
          return [
            await ask({ 'Content-Type': 'application/json', 'X-Offboard-Session': 'cookie' }),
            await ask({ 'Content-Type': 'application/json' }),
            await ask({}),
            closed,
          ];
        }""",
        office.server.url,
    )
    assert outcome == ["refused", "refused", "refused", 4401]
    async with evil.expect_response(office.server.url) as sent:
        await evil.evaluate(
            """([url, name]) => {
              const form = document.createElement('form');
              Object.assign(form, { method: 'POST', action: url, enctype: 'text/plain' });
              form.append(Object.assign(document.createElement('input'), { name, value: '"}' }));
              document.body.append(form);
              form.submit();
            }""",
            [office.server.url, SIGN_OUT],
        )
    assert (await sent.value).status == 415
    assert await office.olivia.works()
    await page.reload()
    await expect(page.get_by_role("link", name="Olivia")).to_be_visible()
    desk.problems.clear()  # the browser has rightly complained of what the foreign page tried
