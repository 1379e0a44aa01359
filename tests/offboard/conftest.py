"""The application behind its sockets, and the command line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from offboard.cli import app
from offboard.gateway import Gateway
from offboard.service import Service
from offboard.settings import Settings
from tests.offboard.commands import Run


@pytest.fixture
async def gateway(database_url: str) -> AsyncIterator[Gateway]:
    """What answers, without clock and mailer, on a database that others may write to as well."""
    service = Service(Settings(database_url=database_url, password_hash_cost=1))
    await service.feed.start()
    yield Gateway(service)
    await service.feed.stop()
    await service.database.close()


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in a folder of its own, without a database."""
    monkeypatch.delenv("OFFBOARD_DATABASE_URL", raising=False)
    monkeypatch.setenv("OFFBOARD_PASSWORD_HASH_COST", "1")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(app, [str(each) for each in arguments], **options)
