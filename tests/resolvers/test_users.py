"""Reading users and what hangs on them."""

from datetime import timedelta
from typing import Any

import pytest

from models.enums import ConversationStatus, DeactivationReason, FollowUpKind, Role, TokenScope, UserStatus
from models.people import AccessToken, Actor, User, UserSession
from models.types import NEVER, NOBODY, new_id, now
from resolvers import credentials, sets, teams, users
from resolvers.actors import actors_by_id
from resolvers.errors import Forbidden
from resolvers.pages import OrderDirection, PageArgs
from resolvers.rows import DeactivationRow, DeletedUserRow, ServiceActorRow, SystemActorRow, UserRow, WorkloadRow
from resolvers.users import UserFilter, UserOrder, UserOrderField
from resolvers.viewer import Viewer
from tests import crowd
from tests.statements import Plans, watched
from tests.workshop import Workshop


@pytest.fixture
async def other(workshop: Workshop) -> Workshop:
    """Another workspace in the same database."""
    return await Workshop.open(workshop.database, "other")


async def names(shop: Workshop, filter: UserFilter | None = None, order: UserOrder | None = None) -> list[str]:
    wanted = filter or UserFilter()
    async with shop.database.read() as reader:
        page = await users.users_page(reader, shop.olivia.viewer, wanted, order or UserOrder(), PageArgs())
        assert await users.count_users(reader, shop.olivia.viewer, wanted) == len(page.rows)
    return [row.name.split()[0] for row in page.rows]


async def ask(shop: Workshop, read: Any, *args: Any, viewer: Viewer | None = None) -> Any:
    async with shop.database.read() as reader:
        return await read(reader, viewer or shop.olivia.viewer, *args)


async def test_users_come_by_lower_case_name_unless_ordered_otherwise(workshop: Workshop) -> None:
    for name in ("bo", "Ana", "Zoe", "ábel"):
        await workshop.person(name, Role.AGENT)
    assert await names(workshop) == ["Ana", "bo", "Olivia", "Zoe", "ábel"]


async def test_every_order(workshop: Workshop) -> None:
    await workshop.change(User, workshop.olivia.id, created_at=crowd.minute(5), last_signed_in_at=NEVER)
    ana = await workshop.person("Ana", Role.AGENT, created_at=crowd.minute(9))
    bo = await workshop.person("Bo", Role.AGENT, created_at=crowd.minute(1))
    await workshop.change(User, ana.id, last_signed_in_at=crowd.minute(1))
    await workshop.change(User, bo.id, last_signed_in_at=crowd.minute(2))
    expected = {
        UserOrderField.NAME: ["Ana", "Bo", "Olivia"],
        UserOrderField.CREATED_AT: ["Bo", "Olivia", "Ana"],
        UserOrderField.LAST_SIGNED_IN_AT: ["Olivia", "Ana", "Bo"],
    }
    for field, ascending in expected.items():
        assert await names(workshop, order=UserOrder(field, OrderDirection.ASC)) == ascending
        assert await names(workshop, order=UserOrder(field, OrderDirection.DESC)) == ascending[::-1]


async def test_every_filter_and_all_of_them_together(workshop: Workshop, other: Workshop) -> None:
    support = await workshop.team("Support")
    ana = await workshop.person("Ana O'Brien", Role.AGENT, Role.VIEWER, teams=(support,))
    await workshop.person("Bo Brandt", Role.AGENT, teams=(support,), inactive=True)
    await workshop.person("Cy Stone", Role.VIEWER, email="brian@acme.test")
    await other.person("Brenda", Role.AGENT)
    assert await names(workshop, UserFilter(status=UserStatus.INACTIVE)) == ["Bo"]
    assert await names(workshop, UserFilter(role=Role.AGENT)) == ["Ana", "Bo"]
    assert await names(workshop, UserFilter(team_id=support)) == ["Ana", "Bo"]
    assert await names(workshop, UserFilter(team_id=NOBODY)) == []
    assert await names(workshop, UserFilter(search="BR")) == ["Ana", "Bo", "Cy"]
    assert await names(workshop, UserFilter(search="o'b  ana")) == ["Ana"]
    assert await names(workshop, UserFilter(search=" ")) == ["Ana", "Bo", "Cy", "Olivia"]
    together = UserFilter(status=UserStatus.ACTIVE, role=Role.VIEWER, team_id=support, search="br")
    assert await names(workshop, together) == ["Ana"]
    assert await names(other, UserFilter(team_id=support)) == []
    found = await ask(workshop, users.users_by_id, [ana.id])
    assert found[ana.id].email == "ana@acme.test"


async def test_a_row_tells_all_of_a_user(workshop: Workshop) -> None:
    row = (await ask(workshop, users.users_by_id, [workshop.olivia.id]))[workshop.olivia.id]
    assert isinstance(row, UserRow)
    assert (row.workspace_id, row.actor_id) == (workshop.workspace_id, workshop.olivia.actor_id)
    assert (row.name, row.display_name, row.status) == ("Olivia Owens", "Olivia Owens", UserStatus.ACTIVE)
    assert (row.last_signed_in_at, row.invitation_pending, row.deactivation) == (None, False, None)
    gone = await workshop.person("Gus", Role.AGENT, inactive=True, pending=True)
    values = {"deactivated_at": crowd.minute(3), "deactivation_note": "Bye", "last_signed_in_at": crowd.minute(1)}
    await workshop.change(User, gone.id, deactivation_reason=DeactivationReason.LEFT_COMPANY, **values)
    row = (await ask(workshop, users.users_by_actor, [gone.actor_id]))[gone.actor_id]
    assert row.deactivation == DeactivationRow(
        crowd.minute(3), workshop.system_id, DeactivationReason.LEFT_COMPANY, "Bye"
    )
    assert row.last_signed_in_at == crowd.minute(1)
    assert row.invitation_pending
    await workshop.change(User, gone.id, status=UserStatus.ACTIVE)
    assert (await ask(workshop, users.users_by_id, [gone.id]))[gone.id].deactivation is None


async def test_roles_and_teams_in_their_orders(workshop: Workshop, other: Workshop) -> None:
    billing, apes = await workshop.team("Billing"), await workshop.team("Apes")
    ana = await workshop.person("Ana", Role.VIEWER, Role.OWNER, Role.AGENT, teams=(billing, apes))
    nobody = await workshop.person("Nil")
    asked = [ana.id, nobody.id, other.olivia.id]
    assert await ask(workshop, users.roles_of, asked) == {ana.id: [Role.OWNER, Role.AGENT, Role.VIEWER]}
    found = await ask(workshop, teams.teams_of, asked)
    assert {user_id: [team.name for team in each] for user_id, each in found.items()} == {ana.id: ["Apes", "Billing"]}
    assert [team.name for team in await ask(workshop, teams.teams)] == ["Apes", "Billing"]
    assert await ask(other, teams.teams) == []
    assert set(await ask(workshop, teams.teams_by_id, [billing, NOBODY])) == {billing}
    assert await ask(other, teams.teams_by_id, [billing]) == {}


async def test_workloads_count_what_is_unfinished_up_to_a_limit(
    workshop: Workshop, other: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bo = await workshop.person("Ana", Role.AGENT), await workshop.person("Bo", Role.AGENT)
    for status, times in (
        (ConversationStatus.OPEN, 3),
        (ConversationStatus.SNOOZED, 2),
        (ConversationStatus.CLOSED, 1),
    ):
        for _ in range(times):
            conversation = await workshop.conversation(assignee=ana, status=status)
    await workshop.conversation()
    for kind in (FollowUpKind.CALLBACK, FollowUpKind.FOLLOW_UP, FollowUpKind.FOLLOW_UP):
        await workshop.follow_up(conversation, ana, kind)
    await workshop.follow_up(conversation, bo, FollowUpKind.CALLBACK)
    found = await ask(workshop, users.workloads, [ana.actor_id, bo.actor_id, workshop.olivia.actor_id])
    assert found == {
        ana.actor_id: WorkloadRow(open=3, snoozed=2, callbacks=1, follow_ups=2),
        bo.actor_id: WorkloadRow(callbacks=1),
        workshop.olivia.actor_id: WorkloadRow(),
    }
    assert await ask(other, users.workloads, [ana.actor_id]) == {ana.actor_id: WorkloadRow()}
    assert users.WORK_COUNTED_EXACTLY == 5_000
    monkeypatch.setattr(users, "WORK_COUNTED_EXACTLY", 1)
    found = await ask(workshop, users.workloads, [ana.actor_id])
    assert found == {ana.actor_id: WorkloadRow(open=2, snoozed=2, callbacks=1, follow_ups=2)}


async def test_the_sole_owner_is_the_only_active_one_who_has_accepted(workshop: Workshop, other: Workshop) -> None:
    asked = [workshop.workspace_id, other.workspace_id]
    assert await ask(workshop, users.sole_owners, asked) == {workshop.workspace_id: workshop.olivia.id}
    assert await ask(workshop, users.sole_owners, [other.workspace_id]) == {}
    await workshop.person("Inga", Role.OWNER, inactive=True)
    await workshop.person("Pia", Role.OWNER, pending=True)
    assert await ask(workshop, users.sole_owners, asked) == {workshop.workspace_id: workshop.olivia.id}
    await workshop.person("Omar", Role.OWNER)
    assert await ask(workshop, users.sole_owners, asked) == {}


async def test_sessions_are_the_live_ones_newest_first(workshop: Workshop) -> None:
    ana = await workshop.person("Ana", Role.AGENT)
    made = [(await workshop.sign_in(ana)).session_id for _ in range(4)]
    late = (await workshop.sign_in(ana)).session_id
    for number, session_id in enumerate(made):
        assert session_id is not None
        await workshop.change(UserSession, session_id, created_at=crowd.minute(number))
    assert made[2]
    assert made[3]
    await workshop.change(UserSession, made[2], ended_at=now())
    await workshop.change(UserSession, made[3], expires_at=now() - timedelta(seconds=1))
    found = await ask(workshop, credentials.sessions_of, [ana.id], viewer=ana.viewer)
    assert [(row.id, row.current) for row in found[ana.id]] == [(late, True), (made[1], False), (made[0], False)]
    assert await ask(workshop, credentials.live_session_counts, [ana.id]) == {ana.id: 3}
    await workshop.change(User, ana.id, epoch=1)
    assert await ask(workshop, credentials.sessions_of, [ana.id]) == {}
    await workshop.change(User, ana.id, epoch=0, status=UserStatus.INACTIVE)
    assert await ask(workshop, credentials.sessions_of, [ana.id]) == {}
    assert await ask(workshop, credentials.live_session_counts, [ana.id]) == {}


async def test_sessions_are_ones_own_or_an_administrators_to_see(workshop: Workshop, other: Workshop) -> None:
    ana, adam = await workshop.person("Ana", Role.AGENT), await workshop.person("Adam", Role.ADMIN)
    await workshop.sign_in(ana)
    await workshop.sign_in(adam)
    everybody = [ana.id, adam.id, workshop.olivia.id]
    partner = await workshop.partner(*TokenScope)
    for viewer, seen in (
        (ana.viewer, {ana.id}),
        (adam.viewer, set(everybody)),
        (workshop.olivia.viewer, set(everybody)),
        (partner.viewer, set()),
        (other.olivia.viewer, set()),
    ):
        assert set(await ask(workshop, credentials.sessions_of, everybody, viewer=viewer)) == seen
    assert await ask(other, credentials.live_session_counts, everybody) == {}


async def test_access_tokens_are_seen_by_owners_and_by_who_may_deactivate_their_creator(workshop: Workshop) -> None:
    ana, adam = await workshop.person("Ana", Role.AGENT), await workshop.person("Adam", Role.ADMIN)
    gone = await workshop.person("Gus", Role.AGENT)
    by = {p.actor_id: (await workshop.partner(creator=p)).id for p in (workshop.olivia, ana, adam, gone)}
    await workshop.change(Actor, gone.actor_id, user_id=None, reference=new_id())
    for person in (ana, adam):
        await workshop.sign_in(person)
    managing = await workshop.partner(TokenScope.USERS_WRITE)
    reading = await workshop.partner(TokenScope.USERS_READ)
    for viewer, seen in (
        (workshop.olivia.viewer, set(by)),
        (adam.viewer, {ana.actor_id, adam.actor_id}),
        (managing.viewer, {ana.actor_id}),
        (ana.viewer, set()),
        (reading.viewer, set()),
    ):
        assert set(await ask(workshop, credentials.tokens_created_by, list(by), viewer=viewer)) == seen
        visible = await ask(workshop, credentials.access_tokens_by_id, list(by.values()), viewer=viewer)
        assert set(visible) == {by[actor_id] for actor_id in seen}
    for viewer in (adam.viewer, managing.viewer, ana.viewer):
        with pytest.raises(Forbidden):
            await ask(workshop, credentials.access_tokens, viewer=viewer)


async def test_access_tokens_are_listed_newest_first_without_revoked_and_foreign_ones(
    workshop: Workshop, other: Workshop
) -> None:
    made = [(await workshop.partner(TokenScope.USERS_READ, TokenScope.AUDIT_READ)).id for _ in range(3)]
    foreign = await other.partner()
    for number, token_id in enumerate(made):
        await workshop.change(AccessToken, token_id, created_at=crowd.minute(number))
    await workshop.change(AccessToken, made[1], revoked_at=now())
    listed = await ask(workshop, credentials.access_tokens)
    assert [row.id for row in listed] == [made[2], made[0]]
    assert listed[0].scopes == [TokenScope.USERS_READ, TokenScope.AUDIT_READ]
    assert listed[0].created_by_id == workshop.olivia.actor_id
    assert await ask(workshop, credentials.access_tokens_by_id, [made[1], foreign.id]) == {}


async def test_every_kind_of_actor_has_a_name(workshop: Workshop, other: Workshop) -> None:
    gone, partner, reference = await workshop.person("Gus", Role.AGENT), await workshop.partner(), new_id()
    await workshop.change(Actor, gone.actor_id, user_id=None, reference=reference)
    asked = [workshop.olivia.actor_id, gone.actor_id, partner.actor_id, workshop.system_id, other.olivia.actor_id]
    found = await ask(workshop, actors_by_id, asked)
    assert found.pop(workshop.olivia.actor_id).id == workshop.olivia.id
    assert found == {
        gone.actor_id: DeletedUserRow(reference),
        partner.actor_id: ServiceActorRow(partner.id, "Partner"),
        workshop.system_id: SystemActorRow(),
    }
    assert {actor.display_name for actor in found.values()} == {"Deleted user", "Partner", "Offboard"}


async def test_without_a_role_one_sees_only_oneself(workshop: Workshop) -> None:
    mine = await workshop.team("Mine")
    await workshop.team("Theirs")
    nil = await workshop.person("Nil", teams=(mine,))
    await workshop.sign_in(nil)
    everybody, everyone = [nil.id, workshop.olivia.id], [nil.actor_id, workshop.olivia.actor_id]
    for read, asked, seen in (
        (users.users_by_id, everybody, {nil.id}),
        (users.users_by_actor, everyone, {nil.actor_id}),
        (actors_by_id, everyone, {nil.actor_id}),
        (users.workloads, everyone, {nil.actor_id}),
        (users.roles_of, everybody, set()),
        (teams.teams_of, everybody, {nil.id}),
    ):
        assert set(await ask(workshop, read, asked, viewer=nil.viewer)) == seen
    for read, args in (
        (users.users_page, (UserFilter(), UserOrder(), PageArgs())),
        (users.count_users, (UserFilter(),)),
        (teams.teams, ()),
    ):
        with pytest.raises(Forbidden):
            await ask(workshop, read, *args, viewer=nil.viewer)


async def test_users_reached_from_what_a_token_reads_are_not_gated_again(workshop: Workshop) -> None:
    partner = await workshop.partner(TokenScope.INBOX_READ)
    olivia = workshop.olivia
    assert set(await ask(workshop, users.users_by_actor, [olivia.actor_id], viewer=partner.viewer)) == {olivia.actor_id}
    with pytest.raises(Forbidden):
        await ask(workshop, users.users_page, UserFilter(), UserOrder(), PageArgs(), viewer=partner.viewer)


async def test_no_read_crosses_into_another_workspace(workshop: Workshop, other: Workshop) -> None:
    ids, actors = [other.olivia.id], [other.olivia.actor_id]
    for read, asked in (
        (users.users_by_id, ids),
        (users.roles_of, ids),
        (teams.teams_of, ids),
        (credentials.sessions_of, ids),
        (users.users_by_actor, actors),
        (actors_by_id, actors),
        (credentials.tokens_created_by, actors),
    ):
        assert await ask(workshop, read, asked) == {}
    assert await names(workshop) == ["Olivia"]


@pytest.mark.parametrize("size", [1, 100])
async def test_each_read_is_one_statement_for_one_and_for_a_hundred(
    workshop: Workshop, plans: Plans, size: int
) -> None:
    made = await crowd.people(workshop, [f"Person {number}" for number in range(size)], Role.AGENT)
    ids, actors = [person.id for person in made], [person.actor_id for person in made]
    reads: list[tuple[Any, Any]] = [
        (users.users_by_id, (ids,)),
        (users.users_by_actor, (actors,)),
        (users.roles_of, (ids,)),
        (users.workloads, (actors,)),
        (users.sole_owners, ([workshop.workspace_id],)),
        (teams.teams_of, (ids,)),
        (credentials.sessions_of, (ids,)),
        (credentials.live_session_counts, (ids,)),
        (credentials.tokens_created_by, (actors,)),
        (actors_by_id, (actors,)),
    ]
    for read, args in reads:
        with watched(workshop.database) as statements:
            await ask(workshop, read, *args)
        assert len(statements) == 1, read
        assert await plans.scans(statements[0]) == [], read
        assert read is users.sole_owners or await plans.walks(statements[0]) == [], read


async def test_a_page_and_its_count_are_a_few_statements(workshop: Workshop, plans: Plans) -> None:
    """One for each; where there is more than a role or a team, before it one for each set that may have few."""
    await crowd.people(workshop, ["Person"], Role.AGENT)
    wanted = UserFilter(UserStatus.ACTIVE, Role.AGENT, NOBODY, "per son")
    for each, expected in ((UserFilter(), 2), (UserFilter(role=Role.AGENT), 2), (wanted, 4)):
        with watched(workshop.database) as statements:
            await ask(workshop, users.users_page, each, UserOrder(), PageArgs())
            await ask(workshop, users.count_users, each)
        assert len(statements) == expected
        assert [found for statement in statements for found in await plans.scans(statement)] == []


@pytest.mark.parametrize("direction", OrderDirection)
@pytest.mark.parametrize(
    ("field", "status", "index"),
    [
        (UserOrderField.NAME, None, "user_name"),
        (UserOrderField.NAME, UserStatus.ACTIVE, "user_status_name"),
        (UserOrderField.CREATED_AT, None, "user_created"),
        (UserOrderField.CREATED_AT, UserStatus.ACTIVE, "user_status_created"),
        (UserOrderField.LAST_SIGNED_IN_AT, None, "user_signed_in"),
        (UserOrderField.LAST_SIGNED_IN_AT, UserStatus.ACTIVE, "user_status_signed_in"),
    ],
)
async def test_a_page_walks_an_index_in_its_order(
    workshop: Workshop,
    plans: Plans,
    field: UserOrderField,
    status: UserStatus | None,
    index: str,
    direction: OrderDirection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = UserOrder(field, direction)
    page = await ask(workshop, users.users_page, UserFilter(), order, PageArgs())
    monkeypatch.setattr(sets, "is_few", never)
    filters: list[dict[str, Any]] = [{}]
    if workshop.database.engine.dialect.name == "sqlite":  # PostgreSQL sees for itself that this is little
        filters += [{"search": "ol"}]
    for more in filters:
        for args in (PageArgs(), PageArgs(after=page.cursors[0]), PageArgs(last=3)):
            with watched(workshop.database) as statements:
                await ask(workshop, users.users_page, UserFilter(status=status, **more), order, args)
            for each in statements:
                assert index in await plans.indexes(each)
                assert not await plans.sorts(each)


@pytest.mark.parametrize("direction", OrderDirection)
@pytest.mark.parametrize(
    ("field", "index"),
    [
        (UserOrderField.NAME, "name"),
        (UserOrderField.CREATED_AT, "created"),
        (UserOrderField.LAST_SIGNED_IN_AT, "signed_in"),
    ],
)
@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({"role": Role.AGENT}, "user_role"),
        ({"team_id": NOBODY}, "team_member"),
        ({"role": Role.AGENT, "team_id": NOBODY}, "user_role"),
    ],
)
async def test_a_role_and_a_team_have_an_order_of_their_own(
    workshop: Workshop,
    plans: Plans,
    wanted: dict[str, Any],
    rows: str,
    field: UserOrderField,
    index: str,
    direction: OrderDirection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each status is walked in it, and nothing more than those few rows is put in order."""
    order = UserOrder(field, direction)
    page = await ask(workshop, users.users_page, UserFilter(), order, PageArgs())
    monkeypatch.setattr(sets, "is_few", never)
    for args in (PageArgs(), PageArgs(after=page.cursors[0]), PageArgs(last=3)):
        with watched(workshop.database) as statements:
            await ask(workshop, users.users_page, UserFilter(**wanted), order, args)
        walked = [each for each in await plans.indexes(statements[-1]) if each == f"{rows}_{index}"]
        assert len(walked) == len(UserStatus)


async def never(*_: object) -> bool:
    """Says that there are too many to collect them."""
    return False


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({"role": Role.OWNER, "team_id": NOBODY}, ("team_member", "user_role")),
        ({"search": "ol"}, ("user_word",)),
    ],
)
@pytest.mark.parametrize("field", UserOrderField)
async def test_a_few_are_collected(
    workshop: Workshop, plans: Plans, wanted: dict[str, Any], rows: tuple[str, ...], field: UserOrderField
) -> None:
    with watched(workshop.database) as statements:
        await ask(workshop, users.users_page, UserFilter(**wanted), UserOrder(field), PageArgs())
        await ask(workshop, users.count_users, UserFilter(**wanted))
    for each in statements:
        assert any(index.startswith(rows) for index in await plans.indexes(each))
        assert await plans.walks(each) == []


async def test_pages_of_many_are_those_of_a_few(
    workshop: Workshop, other: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    support, theirs = await workshop.team("Support"), await other.team("Theirs")
    await workshop.person("Ana Brandt", Role.AGENT, teams=(support,))
    await workshop.person("Bo Brandt", Role.AGENT, teams=(support,), inactive=True)
    filters = [
        UserFilter(role=Role.AGENT),
        UserFilter(role=Role.AGENT, team_id=support, search="br a"),
        UserFilter(status=UserStatus.ACTIVE, team_id=support),
        UserFilter(team_id=theirs),
        UserFilter(search="brand"),
    ]
    of_few = [await names(workshop, each) for each in filters]
    monkeypatch.setattr(sets, "is_few", never)
    assert [await names(workshop, each) for each in filters] == of_few
    assert of_few == [["Ana", "Bo"], ["Ana"], ["Ana"], [], ["Ana", "Bo"]]


async def test_a_search_uses_the_index_of_terms(workshop: Workshop, plans: Plans) -> None:
    with watched(workshop.database) as statements:
        await names(workshop, UserFilter(search="oli ow"))
    for statement in statements:
        assert await plans.scans(statement) == []
        assert "user_word_pkey" in await plans.indexes(statement)
