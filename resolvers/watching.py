"""Who may watch the event feed, and for which of its topics."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from models.enums import EventKind
from models.events import Topic
from resolvers.viewer import Viewer, require


class RevocationScope(StrEnum):
    """Whose sessions a subscription tells of."""

    CURRENT_SESSION = "CURRENT_SESSION"
    VIEWER = "VIEWER"
    WORKSPACE = "WORKSPACE"


Watch: TypeAlias = Callable[[Viewer], Topic]
"""What somebody watches for: a topic for each viewer. Who has the same standing may watch for the same."""


def revocations(viewer: Viewer, scope: RevocationScope) -> Watch:
    """Watch sessions end. Raises Forbidden: an access token may watch WORKSPACE only, a user that as administrator."""
    match scope:
        case RevocationScope.CURRENT_SESSION:
            require(not viewer.is_token)
            return lambda viewer: Topic(EventKind.SESSION_REVOKED, session_id=viewer.session_id)
        case RevocationScope.VIEWER:
            require(not viewer.is_token)
            return lambda viewer: Topic(EventKind.SESSION_REVOKED, user_id=viewer.user_id)
        case RevocationScope.WORKSPACE:
            require(viewer.watches_sessions)
            return lambda _viewer: Topic(EventKind.SESSION_REVOKED)


def user_changes(viewer: Viewer) -> Watch:
    """Watch users change, and for those who manage users their plans too.

    Raises Forbidden unless the viewer reads users.
    """
    require(viewer.reads_users)
    return lambda viewer: Topic(EventKind.USER_CHANGED, plans=viewer.manages_users)
