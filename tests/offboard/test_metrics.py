import threading
from collections.abc import Iterable

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tests.api import Api
from tests.workshop import Workshop


async def test_anybody_who_reaches_it_reads_numbers_and_nothing_of_a_tenant(api: Api, workshop: Workshop) -> None:
    await api.data("{ viewer { id } }", workshop.olivia)
    answer = await api.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for name in ("open_sockets", "subscriptions", "events_delivered", "broker_lag_seconds", "closed_after_seconds"):
        assert f"\n# TYPE offboard_{name}" in answer.text
    assert "process_resident_memory_bytes" in answer.text
    assert "_created" not in answer.text
    assert "acme" not in answer.text
    assert str(workshop.workspace_id) not in answer.text


async def test_openmetrics_for_who_asks(api: Api) -> None:
    accepted = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = await api.client.get("/metrics", headers=accepted)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/nowhere", 404)])
async def test_requests_are_counted_by_status(api: Api, path: str, status: int) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("offboard_http_requests_total", {"status": str(status)}) or 0

    before = counted()
    await api.client.get(path)
    assert counted() == before + 1


async def test_the_loop_goes_on_while_the_numbers_are_gathered(api: Api) -> None:
    class Noting(Collector):
        def collect(self) -> Iterable[Metric]:
            gathering.append(threading.current_thread())
            return []

    gathering: list[threading.Thread] = []
    collector = Noting()
    REGISTRY.register(collector)
    try:
        gathering.clear()
        await api.client.get("/metrics")
    finally:
        REGISTRY.unregister(collector)
    assert gathering
    assert threading.main_thread() not in gathering
