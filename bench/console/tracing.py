"""What Chromium's own tracing tells of one page load."""

import asyncio
from dataclasses import dataclass
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Page

CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline,loading,blink.user_timing,toplevel"
LONG_TASK = 50.0
"""Milliseconds from which a task of the main thread keeps somebody waiting."""

QUIET = 1_000
"""Milliseconds after the rows are there in which no long task must come."""

READY = "rows are there"
LONGEST = 60
"""Seconds after which a page that does not come is given up."""

WATCH = """async ([text, mark]) => {
  while (!document.body?.textContent.includes(text)) await new Promise(requestAnimationFrame);
  performance.mark(mark);
}"""


@dataclass(frozen=True, slots=True)
class Load:
    """One page load, in milliseconds from the navigation: when something was to be seen, the rows, and idle hands.

    `interactive` is when the rows were there and the main thread had finished its last long task. `graphql` counts the
    requests to the API, `transferred` the bytes of everything, as they went over the wire.
    """

    painted: float
    rows: float
    interactive: float
    blocked: float
    graphql: int
    transferred: int


async def measure(context: BrowserContext, path: str, ready: str, slowdown: int) -> Load:
    """Open a page with an empty cache, on a processor slowed down so many times, until `ready` is to be seen."""
    page = await context.new_page()
    client = await context.new_cdp_session(page)
    await client.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    await client.send("Network.enable")
    await client.send("Network.setCacheDisabled", {"cacheDisabled": True})
    traffic = Traffic(client)
    events = await _traced(client, page, path, ready)
    load = _read(events, traffic)
    await page.close()
    return load


class Traffic:
    """Counts what goes over the wire."""

    def __init__(self, client: CDPSession) -> None:
        self.graphql = 0
        self.transferred = 0
        client.on("Network.requestWillBeSent", self._sent)
        client.on("Network.loadingFinished", self._finished)

    def _sent(self, event: dict[str, Any]) -> None:
        self.graphql += event["request"]["url"].endswith("/graphql")

    def _finished(self, event: dict[str, Any]) -> None:
        self.transferred += int(event["encodedDataLength"])


async def _traced(client: CDPSession, page: Page, path: str, ready: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    ended = asyncio.Event()
    client.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    client.on("Tracing.tracingComplete", lambda _: ended.set())
    await client.send("Tracing.start", {"categories": CATEGORIES, "transferMode": "ReportEvents"})
    await page.goto(path, wait_until="commit")
    async with asyncio.timeout(LONGEST):
        await page.evaluate(WATCH, [ready, READY])
    await page.wait_for_timeout(QUIET)
    await client.send("Tracing.end")
    await ended.wait()
    return events


def _read(events: list[dict[str, Any]], traffic: Traffic) -> Load:
    mark = next(each for each in events if _is(each, READY))
    rows, thread = mark["ts"], mark["tid"]
    started = rows - 1000 * mark["args"]["data"]["startTime"]
    painted = min(each["ts"] for each in events if _is(each, "firstContentfulPaint") and each["ts"] > started)
    tasks = [
        (each["ts"] + each["dur"], each["dur"] / 1000)
        for each in events
        if each["name"] == "RunTask" and each["tid"] == thread and each["ts"] > started and "dur" in each
    ]
    long = [(end, took) for end, took in tasks if took > LONG_TASK]
    return Load(
        painted=(painted - started) / 1000,
        rows=(rows - started) / 1000,
        interactive=(max([rows, *(end for end, _ in long)]) - started) / 1000,
        blocked=sum(took - LONG_TASK for _, took in long),
        graphql=traffic.graphql,
        transferred=traffic.transferred,
    )


def _is(event: dict[str, Any], name: str) -> bool:
    return bool(event.get("name") == name)
