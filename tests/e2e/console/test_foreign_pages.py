"""A page of another origin, in the browser of somebody who is signed in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

from playwright.async_api import expect

from tests.e2e.console.browsing import IN_A_BROWSER, Reception
from tests.e2e.office import Office

pytestmark = IN_A_BROWSER

PAGE = b"<title>Foreign</title>"
SIGN_OUT = '{"query": "mutation { signOut { signedOut } }", "x": "'


@asynccontextmanager
async def foreign_site() -> AsyncIterator[str]:
    """A page on another port: another origin of the same site, to whose requests SameSite lets the cookie through."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with (
            closing(writer),
            suppress(asyncio.IncompleteReadError),
        ):  # browsers also connect in advance, and say nothing
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<title>Foreign</title>"
            )
            await writer.drain()

    async with await asyncio.start_server(answer, "127.0.0.1") as site:
        yield f"http://127.0.0.1:{site.sockets[0].getsockname()[1]}/"


async def test_neither_form_nor_fetch_nor_socket_acts_with_the_session(office: Office, reception: Reception) -> None:
    desk, page = await reception.sit_down(office, "Olivia", "/users")
    await expect(page.get_by_role("link", name="Olivia")).to_be_visible()
    async with foreign_site() as url:
        evil = await desk.tab(url)
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
