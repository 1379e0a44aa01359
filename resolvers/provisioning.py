"""What an operator does from the command line: open a workspace, put a user in, and make a restored backup safe."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update

from models import events
from models.database import WORKSPACE, Reader, Tx, table
from models.enums import ActorKind, AuditAction, ErrorCode, LinkKind, RevocationReason, Role, UserChangeKind
from models.leaving import AnnouncedDeletion, ScheduledDeparture
from models.people import Account, Actor, MailedLink, Team, User, Workspace
from resolvers import audit
from resolvers.emails import find_email, normalize_email
from resolvers.errors import refuse
from resolvers.members import new_member, system_actor
from resolvers.passwords import hash_password, verify_password, weakness
from resolvers.sessions import SESSION, end_sessions
from resolvers.texts import SLUG, find_slug, required_text

ACCOUNT = table(Account)
ACTOR = table(Actor)
ANNOUNCED = table(AnnouncedDeletion)
DEPARTURE = table(ScheduledDeparture)
LINK = table(MailedLink)
TEAM = table(Team)
USER = table(User)


async def find_workspace(reader: Reader | Tx, slug: str) -> UUID:
    """The id of the workspace with this slug; refuses with NOT_FOUND if there is none."""
    workspace_id: UUID | None = await reader.scalar(select(WORKSPACE.c.id).where(WORKSPACE.c.slug == find_slug(slug)))
    if workspace_id is None:
        raise refuse(ErrorCode.NOT_FOUND, f'There is no workspace "{slug}".', "workspace")
    return workspace_id


async def password_hash_for(reader: Reader, *, email: str, password: str, context: Sequence[str], cost: int) -> str:
    """The hash to hand to create_workspace() or create_user() for this password.

    An account has one password in all its workspaces: where it has one, it must be this. Refuses with
    INVALID_CREDENTIALS if it is another, with WEAK_PASSWORD if a new one is weak; `context` is what it must not echo.
    """
    known: str | None = await reader.scalar(select(ACCOUNT.c.password_hash).where(ACCOUNT.c.email == find_email(email)))
    if known is not None:
        if not await verify_password(password, known):
            raise _other_password(email)
        return known
    if (message := weakness(password, email, *context)) is not None:
        raise refuse(ErrorCode.WEAK_PASSWORD, message, "password")
    return await hash_password(password, cost)


async def create_workspace(
    tx: Tx, *, slug: str, name: str, owner_email: str, owner_name: str, password_hash: str
) -> UUID:
    """Open a workspace whose owner can sign in at once. `password_hash` comes from password_hash_for().

    Refuses with INVALID_INPUT (a slug that is taken or malformed, a bad name or address) or INVALID_CREDENTIALS.
    """
    if not SLUG.fullmatch(slug):
        message = f'"{slug}" cannot be a slug: use 2 to 63 lower-case letters, digits and hyphens.'
        raise refuse(ErrorCode.INVALID_INPUT, message, "slug")
    if await tx.scalar(select(WORKSPACE.c.id).where(WORKSPACE.c.slug == slug)):
        raise refuse(ErrorCode.INVALID_INPUT, f'The slug "{slug}" is taken.', "slug")
    workspace = Workspace(
        slug=slug, name=required_text(name, "name"), created_at=tx.now, feed_generation=events.new_generation()
    )
    await tx.add(workspace)
    await tx.lock(workspace.id)
    await tx.add(Actor(workspace_id=workspace.id, kind=ActorKind.SYSTEM))
    await _admit(tx, workspace.id, owner_email, owner_name, [Role.OWNER], [], password_hash)
    return workspace.id


async def create_user(
    tx: Tx,
    *,
    workspace: str,
    email: str,
    name: str,
    roles: Collection[Role],
    teams: Collection[str],
    password_hash: str,
) -> UUID:
    """Put a user who can sign in at once into the workspace with this slug. `teams` are names of existing teams.

    Refuses with NOT_FOUND (workspace or team), EMAIL_TAKEN, INVALID_INPUT or INVALID_CREDENTIALS.
    """
    workspace_id = await find_workspace(tx, workspace)
    await tx.lock(workspace_id)
    if not roles:
        raise refuse(ErrorCode.INVALID_INPUT, "A user needs at least one role.", "roles")
    team_ids = await _find_teams(tx, workspace_id, teams)
    return await _admit(tx, workspace_id, email, name, roles, team_ids, password_hash)


async def _find_teams(tx: Tx, workspace_id: UUID, names: Collection[str]) -> list[UUID]:
    rows = await tx.rows(select(TEAM.c.id, TEAM.c.name).where(TEAM.c.workspace_id == workspace_id))
    existing = {row.name: row.id for row in rows}
    for name in names:
        if name not in existing:
            there_are = f"The teams are: {', '.join(sorted(existing))}." if existing else "There are no teams yet."
            raise refuse(ErrorCode.NOT_FOUND, f'There is no team "{name}" in this workspace. {there_are}', "teams")
    return [existing[name] for name in names]


async def _admit(
    tx: Tx,
    workspace_id: UUID,
    email: str,
    name: str,
    roles: Collection[Role],
    team_ids: Collection[UUID],
    password_hash: str,
) -> UUID:
    account = await _account(tx, email, password_hash)
    if await tx.scalar(select(USER.c.id).where(USER.c.workspace_id == workspace_id, USER.c.email == account.email)):
        message = f"{account.email} is a user of this workspace already."
        raise refuse(ErrorCode.EMAIL_TAKEN, message, "email")
    user, actor, rest = new_member(
        account,
        workspace_id=workspace_id,
        name=required_text(name, "name"),
        roles=roles,
        team_ids=team_ids,
        created_at=tx.now,
        pending=False,
    )
    await tx.add(user)
    await tx.add(actor)
    await tx.add(*rest)
    await events.append(tx, workspace_id, [events.user_changed(user.id, UserChangeKind.INVITED)])
    await audit.record(
        tx,
        workspace_id,
        AuditAction.USER_INVITED,
        actor_id=await system_actor(tx, workspace_id),
        target_id=actor.id,
        roles=sorted(set(roles)),
    )
    return user.id


async def _account(tx: Tx, email: str, password_hash: str) -> Account:
    try:
        address = normalize_email(email)
    except ValueError as error:
        raise refuse(ErrorCode.INVALID_INPUT, str(error), "email") from None
    account = await tx.hold(Account, email=address)
    if account is None:
        account = Account(email=address, created_at=tx.now)
    elif account.password_hash not in (None, password_hash):
        raise _other_password(address)
    account.password_hash = password_hash
    await tx.add(account)
    return account


def _other_password(email: str) -> Exception:
    return refuse(
        ErrorCode.INVALID_CREDENTIALS,
        f"{email} has an account already, with another password: give that one, it is used in all its workspaces.",
        "password",
    )


async def secure_restored(tx: Tx) -> int:
    """Make a database that was restored from a backup safe to serve; says how many sessions ended.

    No session of before lives again: every one ends, every user's epoch is raised, reset links are void. Every feed
    gets a new generation, so that clients with an older cursor are told to read anew. What else was decided since the
    backup (deactivations, deletions, revoked access tokens) is not known here and must be decided again. Departures
    that were scheduled stand. Returns do not, for nobody may be let in by a plan that may have been called off since;
    and deletions are announced anew.
    """
    workspace_ids = [row.id for row in await tx.rows(select(WORKSPACE.c.id))]
    await tx.lock(*workspace_ids)
    for workspace_id in workspace_ids:
        await tx.run(
            update(WORKSPACE).where(WORKSPACE.c.id == workspace_id).values(feed_generation=events.new_generation())
        )
    await tx.run(update(USER).values(epoch=USER.c.epoch + 1))
    await tx.run(delete(LINK).where(LINK.c.kind == LinkKind.PASSWORD_RESET))
    await tx.run(delete(ANNOUNCED))
    await tx.run(delete(DEPARTURE).where(DEPARTURE.c.departed_at.is_not(None)))
    await tx.run(update(DEPARTURE).values(return_at=None))
    await _record_ended(tx)
    return await end_sessions(tx, SESSION.c.workspace_id.in_(workspace_ids), reason=RevocationReason.SESSION_REVOKED)


async def _record_ended(tx: Tx) -> None:
    """An entry for each user who is about to lose sessions."""
    losers = await tx.rows(
        select(SESSION.c.workspace_id, ACTOR.c.id, func.count().label("sessions"))
        .join(ACTOR, ACTOR.c.user_id == SESSION.c.user_id)
        .where(SESSION.c.ended_at.is_(None))
        .group_by(SESSION.c.workspace_id, ACTOR.c.id)
    )
    for loser in losers:
        await audit.record(
            tx,
            loser.workspace_id,
            AuditAction.SESSION_REVOKED,
            actor_id=await system_actor(tx, loser.workspace_id),
            target_id=loser.id,
            sessions=loser.sessions,
        )
