"""A workspace with one of everything: what a stranger would look for, and what every operation can be asked about."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from models.database import Database, Tx
from models.enums import ActorKind, AuditAction, BulkOperationStatus, LinkKind, NoticeKind, Role, TokenScope
from models.leaving import AnnouncedDeletion, LegalHold, Notice
from models.log import AuditEntry
from models.people import Account, Actor, MailedLink, User
from models.types import new_id, now
from models.work import BulkOperation, CsatResponse
from resolvers.bulk.plan import Plan
from resolvers.departures import schedule_departure
from resolvers.handover import UNFINISHED, bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.links import LINK_PREFIX
from resolvers.targets import Target
from resolvers.viewer import digest, new_secret
from tests.records import call
from tests.workshop import Person, Workshop

LONG_AGO = timedelta(days=400)


@dataclass
class Estate:
    """A furnished workspace. `mark` is a word in every text of it; `things` has an id of each kind of node.

    `tokens` are access tokens with one scope each, `made` those that somebody has created.
    """

    shop: Workshop
    mark: str
    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, UUID] = field(default_factory=dict)
    running_id: UUID = field(default_factory=new_id)
    links: dict[LinkKind, str] = field(default_factory=dict)
    tokens: dict[TokenScope, Person] = field(default_factory=dict)
    made: dict[str, UUID] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """Where it is."""
        return self.shop.database


async def furnish(database: Database, mark: str, password_hash: str | None = None) -> Estate:
    """Make a workspace whose slug is `mark`; everybody who is active may have signed in with one password."""
    shop = await Workshop.open(database, mark, f"olivia@{mark}.test")
    estate = Estate(shop, mark, {"olivia": shop.olivia})
    owner = await shop.load(User, id=shop.olivia.id)
    await shop.change(Account, owner.account_id, password_hash=password_hash)
    await _people(estate, password_hash)
    await _work(estate)
    await _records(estate)
    await _plans(estate)
    return estate


async def _people(estate: Estate, password_hash: str | None) -> None:
    shop, people, mark = estate.shop, estate.people, estate.mark
    estate.things |= {"Workspace": shop.workspace_id, "Team": await shop.team(f"Support {mark}")}
    roles = {
        "otto": [Role.OWNER],
        "adam": [Role.ADMIN],
        "alma": [Role.ADMIN],
        "ana": [Role.AGENT],
        "vera": [Role.VIEWER],
        "nil": [],
        "ina": [Role.AGENT],
        "pat": [Role.AGENT],
        "dora": [Role.AGENT],
    }
    for name, held in roles.items():
        person = people[name] = await shop.person(
            f"{name.title()} {mark}",
            *held,
            email=f"{name}@{mark}.test",
            teams=(estate.things["Team"],),
            inactive=name == "ina",
            pending=name in ("pat", "otto"),
            password_hash=password_hash,
        )
        if name not in ("ina", "pat"):
            await shop.sign_in(person)
    ana = people["ana"]
    assert ana.viewer.session_id is not None
    for name in ("alma", "otto"):
        estate.made[name] = (await shop.partner(creator=people[name], name=f"Of {name} {mark}")).id
    estate.tokens = {scope: await shop.partner(scope, name=f"{scope} {mark}") for scope in TokenScope}
    await shop.change(User, people["ina"].id, deactivated_at=now() - LONG_AGO, deactivation_note=f"Left {mark}")
    estate.things |= {
        "User": ana.id,
        "Session": ana.viewer.session_id,
        "AccessToken": (await shop.partner(TokenScope.USERS_READ, creator=ana, name=f"Partner {mark}")).id,
        "ScheduledDeparture": await call(
            shop, schedule_departure, shop.olivia, user_id=ana.id, at=now() + timedelta(days=9), note=f"Leaves {mark}"
        ),
    }


async def _work(estate: Estate) -> None:
    shop, ana, mark = estate.shop, estate.people["ana"], estate.mark
    conversation_id = await shop.conversation(
        f"Refund {mark}", ana, team_id=estate.things["Team"], customer_name=f"Kim {mark}"
    )
    async with shop.database.begin() as tx:
        await tx.add(
            CsatResponse(
                conversation_id=conversation_id,
                workspace_id=shop.workspace_id,
                rating=4,
                comment=f"Thanks {mark}",
                responded_at=now(),
                handled_by_id=ana.actor_id,
            ),
            BulkOperation(
                id=estate.running_id,
                workspace_id=shop.workspace_id,
                status=BulkOperationStatus.RUNNING,
                started_by_id=ana.actor_id,
                started_at=now() - timedelta(minutes=1),
                plan=Plan(to=(), status=UNFINISHED, any_status=True, holder_id=ana.actor_id).dump(),
            ),
        )
    handed = await shop.conversation(f"Handed {mark}", estate.people["dora"])
    await shop.follow_up(handed, estate.people["dora"])
    done = await call(shop, bulk_reassign, shop.olivia, filter=InboxFilter(ids=[handed]), to=Target((ana.id,)))
    estate.things |= {
        "Conversation": conversation_id,
        "Note": await shop.note(conversation_id, ana, f"Called {mark}"),
        "FollowUp": await shop.follow_up(conversation_id, ana),
        "BulkOperation": done.operation_id,
    }


async def _records(estate: Estate) -> None:
    """An audit entry, somebody who was deleted, and mailed links that still work."""
    shop, people = estate.shop, estate.people
    entry = AuditEntry(
        workspace_id=shop.workspace_id, at=now(), action=AuditAction.SIGNED_IN, actor_id=people["ana"].actor_id
    )
    deleted = Actor(workspace_id=shop.workspace_id, kind=ActorKind.USER, reference=uuid4())
    assert deleted.reference is not None
    estate.things |= {"AuditEntry": entry.id, "DeletedUser": deleted.reference}

    async def work(tx: Tx) -> None:
        await tx.add(entry, deleted)
        for kind, name in ((LinkKind.INVITATION, "pat"), (LinkKind.PASSWORD_RESET, "vera")):
            estate.links[kind] = new_secret(LINK_PREFIX)
            link = MailedLink(
                workspace_id=shop.workspace_id,
                user_id=people[name].id,
                kind=kind,
                token_hash=digest(estate.links[kind]),
                created_at=now(),
                expires_at=now() + timedelta(days=1),
            )
            await tx.add(link)

    await shop.database.transact(work)


async def _plans(estate: Estate) -> None:
    """A hold, a coming deletion, and a mail about it that waits."""
    shop, people = estate.shop, estate.people
    hold = LegalHold(
        user_id=people["ana"].id,
        workspace_id=shop.workspace_id,
        placed_by_id=shop.olivia.actor_id,
        placed_at=now(),
        note=f"Case {estate.mark}",
    )
    announced = AnnouncedDeletion(
        user_id=people["ina"].id,
        workspace_id=shop.workspace_id,
        announced_at=now(),
        delete_at=now() + timedelta(days=7),
    )
    notice = Notice(
        workspace_id=shop.workspace_id,
        user_id=shop.olivia.id,
        kind=NoticeKind.DELETION_ANNOUNCED,
        created_at=now(),
        mail_due_at=now() + timedelta(days=1),
    )
    async with shop.database.begin() as tx:
        await tx.add(hold, announced, notice)
