"""Who may watch the event feed, for which events, and when that right ends."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from models.database import Reader
from models.enums import EventKind, UserChangeKind
from models.events import FeedEvent
from resolvers.viewer import Viewer, recheck, require


class RevocationScope(StrEnum):
    """Whose sessions a subscription tells of."""

    CURRENT_SESSION = "CURRENT_SESSION"
    VIEWER = "VIEWER"
    WORKSPACE = "WORKSPACE"


@dataclass(frozen=True, slots=True)
class Watch:
    """What a viewer watches for, and the right that it needs all the time."""

    viewer: Viewer
    allowed: Callable[[Viewer], bool]
    wants: Callable[[FeedEvent], bool]

    def changes_rights(self, event: FeedEvent) -> bool:
        """The event says that the viewer's own roles have changed."""
        return (
            event.kind is EventKind.USER_CHANGED
            and event.change is UserChangeKind.ROLES_CHANGED
            and event.user_id == self.viewer.user_id
        )

    def concerns(self, event: FeedEvent) -> bool:
        """The event is wanted, or decides whether others still may be."""
        return self.wants(event) or self.changes_rights(event)

    async def check_again(self, reader: Reader) -> Viewer:
        """The viewer as it is now; raises Forbidden if it may watch no longer, Unauthenticated if it has ended."""
        viewer = await recheck(reader, self.viewer)
        require(self.allowed(viewer))
        return viewer


def revocations(viewer: Viewer, scope: RevocationScope) -> Watch:
    """Watch sessions end. Raises Forbidden: an access token may watch WORKSPACE only, a user that as administrator."""
    allowed, mine = _SCOPES[scope]
    require(allowed(viewer))
    return Watch(viewer, allowed, lambda event: event.kind is EventKind.SESSION_REVOKED and mine(viewer, event))


_SCOPES: dict[RevocationScope, tuple[Callable[[Viewer], bool], Callable[[Viewer, FeedEvent], bool]]] = {
    RevocationScope.CURRENT_SESSION: (
        lambda viewer: viewer.session_id is not None,
        lambda viewer, event: event.session_id == viewer.session_id,
    ),
    RevocationScope.VIEWER: (
        lambda viewer: viewer.user_id is not None,
        lambda viewer, event: event.user_id == viewer.user_id,
    ),
    RevocationScope.WORKSPACE: (lambda viewer: viewer.watches_sessions, lambda _viewer, _event: True),
}


def user_changes(viewer: Viewer) -> Watch:
    """Watch users change. Raises Forbidden unless the viewer reads users."""
    require(viewer.reads_users)
    return Watch(viewer, lambda viewer: viewer.reads_users, lambda event: event.kind is EventKind.USER_CHANGED)
