"""What a node says of itself."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.server import Server
from tests.waiting import eventually


async def measured(server: Server, http: httpx.AsyncClient, name: str, **labels: str) -> float:
    """The sum of a metric over the samples with some labels; 0 if there is none yet."""
    text = (await http.get(server.url.replace("/graphql", "/metrics"))).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())


async def readiness(server: Server, http: httpx.AsyncClient, **parts: str) -> None:
    """Wait until a node says of its parts that they are so."""

    async def look() -> bool | None:
        said = (await http.get(server.url.replace("/graphql", "/readyz"))).json()
        return parts.items() <= said.items() or None

    await eventually(look, every=0.1)  # a node that is asked while a part fails logs why
