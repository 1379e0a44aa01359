"""Subscriptions as they are executed: through whose eyes each event is answered."""

from contextlib import aclosing
from typing import Any, cast

from models.enums import Role
from offboard.documents import prepare
from offboard.execution import shown, start
from offboard.service import Service
from offboard.settings import Settings
from resolvers.roles import assign_role, remove_role
from tests.workshop import Workshop

WATCHED = "subscription { userChanged { kind user { name sessions { ipAddress } } } }"


async def test_who_lost_a_role_sees_the_next_events_without_it(database_url: str, workshop: Workshop) -> None:
    omar, ana = await workshop.person("Omar", Role.ADMIN, Role.AGENT), await workshop.person("Ana", Role.AGENT)
    await workshop.sign_in(omar)
    service = Service(Settings(database_url=database_url))
    transact, olivia = service.database.transact, workshop.olivia.viewer
    async with service.running():
        context = service.context(caller=omar.viewer)
        stream: Any = await start(prepare(WATCHED, None), context, None)
        async with aclosing(stream):
            waiting = stream.__aiter__()
            await transact(lambda tx: assign_role(tx, olivia, user_id=ana.id, role=Role.VIEWER))
            before = shown(await anext(waiting))
            assert before["data"]["userChanged"]["user"] == {"name": "Ana", "sessions": []}
            await transact(lambda tx: remove_role(tx, olivia, user_id=omar.id, role=Role.ADMIN))
            assert shown(await anext(waiting))["data"]["userChanged"]["user"]["name"] == "Omar"
            await transact(lambda tx: remove_role(tx, olivia, user_id=ana.id, role=Role.VIEWER))
            after = cast("dict[str, Any]", shown(await anext(waiting)))
        await context.reader.refresh()
    assert after["data"]["userChanged"]["user"] == {"name": "Ana", "sessions": None}
    assert [error["extensions"]["code"] for error in after["errors"]] == ["FORBIDDEN"]
