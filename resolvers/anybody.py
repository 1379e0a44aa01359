"""Who asks, for an answer that is to be right for several: what they have in common, and no more."""

from typing import Any

from resolvers.viewer import Standing, Viewer


class Anybody(Viewer):
    """A viewer without identity, in the place of everybody who has one standing.

    What was read through its eyes is right for each of them, unless `asked_who` is true afterwards: then something
    depended on who asks, and what was read is right for nobody.
    """

    __slots__ = ("_asked", "_is_token")

    def __init__(self, standing: Standing) -> None:
        for name, value in (
            ("workspace_id", standing.workspace_id),
            ("roles", standing.roles),
            ("scopes", standing.scopes),
            ("_is_token", standing.is_token),
            ("_asked", []),
        ):
            object.__setattr__(self, name, value)

    @property
    def asked_who(self) -> bool:
        """Something that tells one viewer from another was read."""
        return bool(self._asked)  # type: ignore[attr-defined]

    @property
    def is_token(self) -> bool:
        """Is an access token, not a user."""
        return bool(self._is_token)  # type: ignore[attr-defined]

    def _who(self) -> Any:
        self._asked.append(True)  # type: ignore[attr-defined]

    actor_id = user_id = session_id = access_token_id = property(_who)
    feed = last_seen_at = expires_at = property(_who)
