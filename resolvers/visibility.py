"""Who may see what, one rule per type, each also the wall of the viewer's workspace.

A rule asks who the viewer is only where its standing does not decide: what standing decides is read once for many.

A row that a rule leaves out does not exist for the viewer, whatever path leads to it. Roles and scopes gate the root
fields besides; the users reached from what a token may read are not gated again.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, exists, false, or_, select, true

from models.database import WORKSPACE, table
from models.enums import Role
from models.leaving import AnnouncedDeletion, LegalHold, ScheduledDeparture
from models.log import AuditEntry
from models.people import AccessToken, Actor, Team, TeamMember, User, UserRole, UserSession
from models.types import now
from models.work import BulkOperation
from resolvers.authority import may_act_on
from resolvers.living import is_alive
from resolvers.viewer import Viewer

ACTOR = table(Actor)
ANNOUNCED = table(AnnouncedDeletion)
DEPARTURE = table(ScheduledDeparture)
HOLD = table(LegalHold)
AUDIT = table(AuditEntry)
MEMBER = table(TeamMember)
OPERATION = table(BulkOperation)
ROLE = table(UserRole)
SESSION = table(UserSession)
TEAM = table(Team)
TOKEN = table(AccessToken)
USER = table(User)


def belongs(viewer: Viewer) -> bool:
    """Holds any role, or is an access token. A user without a role sees nothing but itself."""
    return bool(viewer.roles) or viewer.is_token


def looks_up_user(viewer: Viewer, user_id: UUID) -> bool:
    """May ask for this user by its id."""
    return viewer.reads_users or viewer.user_id == user_id


def looks_up_teams(viewer: Viewer) -> bool:
    """May ask for teams by their ids: a user for those that visible_teams() leaves it, a token by its scope."""
    return viewer.reads_users or not viewer.is_token


def sees_sessions(viewer: Viewer, user_id: UUID) -> bool:
    """May list this user's sessions: its own, or anybody's as an administrator."""
    return viewer.is_admin or viewer.user_id == user_id


def visible_workspace(viewer: Viewer) -> ColumnElement[bool]:
    """The viewer's own, for all who belong to it."""
    return and_(WORKSPACE.c.id == viewer.workspace_id, _where(belongs(viewer)))


def visible_users(viewer: Viewer) -> ColumnElement[bool]:
    """Everybody, for all who belong; else only oneself."""
    here = USER.c.workspace_id == viewer.workspace_id
    return here if belongs(viewer) else and_(here, USER.c.id == viewer.user_id)


def visible_actors(viewer: Viewer) -> ColumnElement[bool]:
    """Everybody and everything that acts, for all who belong; else only oneself."""
    here = ACTOR.c.workspace_id == viewer.workspace_id
    return here if belongs(viewer) else and_(here, ACTOR.c.id == viewer.actor_id)


def visible_teams(viewer: Viewer) -> ColumnElement[bool]:
    """Every team, for all who belong; else only one's own."""
    here = TEAM.c.workspace_id == viewer.workspace_id
    if belongs(viewer):
        return here
    return and_(here, TEAM.c.id.in_(select(MEMBER.c.team_id).where(MEMBER.c.user_id == viewer.user_id)))


def visible_sessions(viewer: Viewer) -> ColumnElement[bool]:
    """Live sessions: one's own, or everybody's for an administrator. Needs SESSION joined with USER."""
    live = live_sessions(viewer.workspace_id)
    return live if viewer.is_admin else and_(live, SESSION.c.user_id == viewer.user_id)


def live_sessions(workspace_id: UUID) -> ColumnElement[bool]:
    """Neither ended nor expired, of an active user's present epoch. Needs SESSION joined with USER."""
    return and_(SESSION.c.workspace_id == workspace_id, is_alive(now()))


def visible_work(viewer: Viewer, rows: Table) -> ColumnElement[bool]:
    """Conversations, notes, follow-ups and CSAT answers: for all who read the inbox."""
    return and_(rows.c.workspace_id == viewer.workspace_id, _where(viewer.reads_inbox))


def visible_operations(viewer: Viewer) -> ColumnElement[bool]:
    """Hand-overs: for all who read the inbox; else, for a token, the ones that it started."""
    here = OPERATION.c.workspace_id == viewer.workspace_id
    if viewer.reads_inbox:
        return here
    return and_(here, OPERATION.c.started_by_id == viewer.actor_id) if viewer.is_token else and_(here, false())


def visible_audit(viewer: Viewer) -> ColumnElement[bool]:
    """The audit log: for all who read it."""
    return and_(AUDIT.c.workspace_id == viewer.workspace_id, _where(viewer.reads_audit))


def visible_departures(viewer: Viewer) -> ColumnElement[bool]:
    """Scheduled departures: of those whom the viewer may deactivate."""
    return and_(
        DEPARTURE.c.workspace_id == viewer.workspace_id,
        _where(viewer.manages_users),
        ~_is_out_of_reach(viewer, DEPARTURE.c.user_id),
    )


def visible_holds(viewer: Viewer) -> ColumnElement[bool]:
    """Legal holds: on those whom the viewer may delete."""
    return and_(
        HOLD.c.workspace_id == viewer.workspace_id, _where(viewer.is_admin), ~_is_out_of_reach(viewer, HOLD.c.user_id)
    )


def visible_announcements(viewer: Viewer) -> ColumnElement[bool]:
    """Announced deletions: of those whom the viewer may delete."""
    return and_(
        ANNOUNCED.c.workspace_id == viewer.workspace_id,
        _where(viewer.is_admin),
        ~_is_out_of_reach(viewer, ANNOUNCED.c.user_id),
    )


def _is_out_of_reach(viewer: Viewer, user_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    return exists().where(ROLE.c.user_id == user_id, ROLE.c.role.in_(_roles_out_of_reach(viewer)))


def _roles_out_of_reach(viewer: Viewer) -> list[Role]:
    return [role for role in Role if not may_act_on(viewer, [role])]


def visible_tokens(viewer: Viewer) -> ColumnElement[bool]:
    """Access tokens not revoked: all for an owner; else those whose creator the viewer may deactivate."""
    creator = select(ACTOR.c.user_id).where(ACTOR.c.id == TOKEN.c.created_by_id, ACTOR.c.user_id.is_not(None))
    protected = exists().where(
        ACTOR.c.id == TOKEN.c.created_by_id,
        ROLE.c.user_id == ACTOR.c.user_id,
        ROLE.c.role.in_(_roles_out_of_reach(viewer)),
    )
    reachable = _where(viewer.manages_users) & creator.exists() & ~protected
    return and_(
        TOKEN.c.workspace_id == viewer.workspace_id,
        TOKEN.c.revoked_at.is_(None),
        or_(_where(viewer.is_owner), reachable),
    )


def _where(allowed: bool) -> ColumnElement[bool]:
    return true() if allowed else false()
