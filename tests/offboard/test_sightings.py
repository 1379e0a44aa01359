"""Noting when sessions and access tokens were used last."""

from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import AsyncMock

import pytest

from models.enums import TokenScope
from models.people import AccessToken, UserSession
from models.types import now
from offboard import sightings
from offboard.sightings import SEEN_EVERY, Sightings
from resolvers.viewer import Viewer
from tests.api import Api
from tests.waiting import eventually
from tests.workshop import Workshop

EARLIER = now() - 2 * SEEN_EVERY


@pytest.fixture
async def olivia(workshop: Workshop) -> Viewer:
    """Somebody who was seen two minutes ago."""
    await workshop.change(UserSession, workshop.olivia.viewer.session_id, last_seen_at=EARLIER)  # type: ignore[arg-type]
    return replace(workshop.olivia.viewer, last_seen_at=EARLIER)


async def seen(workshop: Workshop, viewer: Viewer) -> datetime:
    last: datetime = (await workshop.load(UserSession, id=viewer.session_id)).last_seen_at
    return last


async def test_whoever_asks_is_noted(
    api: Api, workshop: Workshop, olivia: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings, "LATER_S", 0)
    await api.data("{ viewer { id } }", workshop.olivia)
    await eventually(lambda: _later(workshop, olivia))


async def _later(workshop: Workshop, viewer: Viewer) -> bool | None:
    return await seen(workshop, viewer) > EARLIER or None


async def test_use_is_noted_once_a_minute(workshop: Workshop, olivia: Viewer) -> None:
    noting = Sightings(workshop.database)
    noting.note(olivia)
    await noting.finish()
    first = await seen(workshop, olivia)
    assert first > EARLIER
    noting.note(replace(olivia, last_seen_at=first))
    await noting.finish()
    assert await seen(workshop, olivia) == first


async def test_many_are_noted_some_at_a_time(
    workshop: Workshop, olivia: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when what does not fit is forgotten."""
    monkeypatch.setattr(sightings, "AT_ONCE", 1)
    partner = await workshop.partner(TokenScope.USERS_READ)
    noting = Sightings(workshop.database)
    for viewer in (olivia, partner.viewer):
        noting.note(viewer)
    await noting.finish()
    assert await seen(workshop, olivia) > EARLIER
    assert (await workshop.load(AccessToken, id=partner.id)).last_used_at is not None


async def test_what_cannot_be_noted_stops_nobody(
    workshop: Workshop, olivia: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when a failure ends the loop."""
    noting = Sightings(workshop.database)
    noting.note(olivia)
    with monkeypatch.context() as broken:
        broken.setattr(workshop.database, "transact", AsyncMock(side_effect=ConnectionError))
        await noting.finish()
    noting.note(olivia)
    await noting.finish()
    assert now() - await seen(workshop, olivia) < timedelta(minutes=1)
