"""The words of the domain: every enumeration that is stored, and that clients see under the same name."""

from enum import StrEnum


class UserStatus(StrEnum):
    """Whether somebody may sign in. History, roles and teams do not depend on it."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Role(StrEnum):
    """What somebody may do in a workspace; a user may hold several."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    AGENT = "AGENT"
    VIEWER = "VIEWER"


class DeactivationReason(StrEnum):
    """Why somebody was deactivated."""

    LEFT_COMPANY = "LEFT_COMPANY"
    EXTENDED_LEAVE = "EXTENDED_LEAVE"
    CONTRACT_ENDED = "CONTRACT_ENDED"
    TEAM_RESTRUCTURE = "TEAM_RESTRUCTURE"
    OTHER = "OTHER"


class DeletionReason(StrEnum):
    """On what ground somebody is deleted; each has a rule of its own."""

    CREATED_IN_ERROR = "CREATED_IN_ERROR"
    PRIVACY_REQUEST = "PRIVACY_REQUEST"
    OFFBOARDED = "OFFBOARDED"


class ClientKind(StrEnum):
    """What kind of client holds a session."""

    WEB = "WEB"
    MOBILE = "MOBILE"
    API = "API"


class RevocationReason(StrEnum):
    """Why a session, or an access token, stopped working."""

    USER_DEACTIVATED = "USER_DEACTIVATED"
    USER_DELETED = "USER_DELETED"
    SESSION_REVOKED = "SESSION_REVOKED"
    SIGNED_OUT = "SIGNED_OUT"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    TOKEN_REVOKED = "TOKEN_REVOKED"
    EXPIRED = "EXPIRED"


class TokenScope(StrEnum):
    """What an access token may do."""

    USERS_READ = "USERS_READ"
    USERS_WRITE = "USERS_WRITE"
    INBOX_READ = "INBOX_READ"
    INBOX_WRITE = "INBOX_WRITE"
    SESSIONS_WATCH = "SESSIONS_WATCH"
    AUDIT_READ = "AUDIT_READ"


class LinkKind(StrEnum):
    """What a mailed link is for."""

    INVITATION = "INVITATION"
    PASSWORD_RESET = "PASSWORD_RESET"


class NoticeKind(StrEnum):
    """What the owners of a workspace are told by mail."""

    DEPARTURE_FAILED = "DEPARTURE_FAILED"
    HAND_OVER_FAILED = "HAND_OVER_FAILED"
    HAND_OVER_STOPPED = "HAND_OVER_STOPPED"
    DELETION_ANNOUNCED = "DELETION_ANNOUNCED"


class DepartureState(StrEnum):
    """PLANNED waits for its time; FAILING could not be done then and is tried daily; AWAY waits for the return."""

    PLANNED = "PLANNED"
    FAILING = "FAILING"
    AWAY = "AWAY"


class ActorKind(StrEnum):
    """What stands behind an actor row. A USER whose pointer is empty is a deleted user."""

    USER = "USER"
    SERVICE = "SERVICE"
    SYSTEM = "SYSTEM"


class ConversationStatus(StrEnum):
    """OPEN waits for an answer, SNOOZED comes back at a time, CLOSED is done."""

    OPEN = "OPEN"
    SNOOZED = "SNOOZED"
    CLOSED = "CLOSED"


class FollowUpKind(StrEnum):
    """A CALLBACK is a promised call, a FOLLOW_UP any other promise with a date."""

    CALLBACK = "CALLBACK"
    FOLLOW_UP = "FOLLOW_UP"


class BulkOperationStatus(StrEnum):
    """How far a hand-over is."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    UNDONE = "UNDONE"
    FAILED = "FAILED"


class AuditAction(StrEnum):
    """What an audit entry records."""

    USER_INVITED = "USER_INVITED"
    USER_DEACTIVATED = "USER_DEACTIVATED"
    USER_REACTIVATED = "USER_REACTIVATED"
    USER_DELETED = "USER_DELETED"
    ROLE_ASSIGNED = "ROLE_ASSIGNED"
    ROLE_REMOVED = "ROLE_REMOVED"
    SIGNED_IN = "SIGNED_IN"
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    SESSION_REVOKED = "SESSION_REVOKED"
    PASSWORD_RESET_REQUESTED = "PASSWORD_RESET_REQUESTED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    BULK_REASSIGNED = "BULK_REASSIGNED"
    BULK_REASSIGN_UNDONE = "BULK_REASSIGN_UNDONE"
    CONVERSATION_ASSIGNED = "CONVERSATION_ASSIGNED"
    WORKSPACE_UPDATED = "WORKSPACE_UPDATED"
    TOKEN_CREATED = "TOKEN_CREATED"
    TOKEN_REVOKED = "TOKEN_REVOKED"
    NOTE_ADDED = "NOTE_ADDED"
    INVITATION_ACCEPTED = "INVITATION_ACCEPTED"
    SIGNED_OUT = "SIGNED_OUT"
    DEPARTURE_SCHEDULED = "DEPARTURE_SCHEDULED"
    DEPARTURE_CANCELLED = "DEPARTURE_CANCELLED"
    DEPARTURE_FAILED = "DEPARTURE_FAILED"
    HAND_OVER_FAILED = "HAND_OVER_FAILED"
    LEGAL_HOLD_PLACED = "LEGAL_HOLD_PLACED"
    LEGAL_HOLD_LIFTED = "LEGAL_HOLD_LIFTED"
    DELETION_ANNOUNCED = "DELETION_ANNOUNCED"
    BULK_REASSIGN_STARTED = "BULK_REASSIGN_STARTED"
    BULK_REASSIGN_CANCELLED = "BULK_REASSIGN_CANCELLED"
    BULK_REASSIGN_FAILED = "BULK_REASSIGN_FAILED"


class EventKind(StrEnum):
    """What a row of the feed tells. TOKEN_REVOKED closes sockets and is never shown to clients."""

    SESSION_REVOKED = "SESSION_REVOKED"
    USER_CHANGED = "USER_CHANGED"
    TOKEN_REVOKED = "TOKEN_REVOKED"


class UserChangeKind(StrEnum):
    """What happened to a user, for clients that keep a list of users live.

    PLANS_CHANGED: a scheduled departure, a legal hold or a coming deletion; told only to those who manage users.
    """

    INVITED = "INVITED"
    DEACTIVATED = "DEACTIVATED"
    REACTIVATED = "REACTIVATED"
    DELETED = "DELETED"
    ROLES_CHANGED = "ROLES_CHANGED"
    PLANS_CHANGED = "PLANS_CHANGED"


class ErrorCode(StrEnum):
    """Why a request was refused, in a form that a client can act on."""

    NOT_FOUND = "NOT_FOUND"
    SOLE_OWNER = "SOLE_OWNER"
    CONFIRMATION_MISMATCH = "CONFIRMATION_MISMATCH"
    RETENTION_PERIOD = "RETENTION_PERIOD"
    ACCOUNT_IN_USE = "ACCOUNT_IN_USE"
    ASSIGNEE_INACTIVE = "ASSIGNEE_INACTIVE"
    INVALID_INPUT = "INVALID_INPUT"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    USER_DEACTIVATED = "USER_DEACTIVATED"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    TOKEN_INVALID = "TOKEN_INVALID"
    WEAK_PASSWORD = "WEAK_PASSWORD"
    RATE_LIMITED = "RATE_LIMITED"
    CANNOT_UNDO = "CANNOT_UNDO"
    OWNER_REQUIRED = "OWNER_REQUIRED"
    USER_INACTIVE = "USER_INACTIVE"
    LEGAL_HOLD = "LEGAL_HOLD"
    CANNOT_CANCEL = "CANNOT_CANCEL"
