"""Who may act on whom: the permission table's rows that depend on the target, in one place for verbs and previews."""

from collections.abc import Collection

from models.enums import ErrorCode, Role
from resolvers.errors import Forbidden, Refusal, Refused
from resolvers.viewer import Viewer, require

_WITHIN_REACH_OF_TOKENS = frozenset({Role.AGENT, Role.VIEWER})

OWNER_REQUIRED = Refusal(ErrorCode.OWNER_REQUIRED, "Only an owner can do this. Ask an owner of the workspace.")
SOLE_OWNER = Refusal(
    ErrorCode.SOLE_OWNER, "This is the workspace's only active owner. Assign Owner to another user first.", ["userId"]
)


def act_on(viewer: Viewer, target_roles: Collection[Role]) -> None:
    """Check that the viewer may manage a user with these roles, or may give or take them.

    Raises Forbidden, or refuses with OWNER_REQUIRED when an administrator would act on an owner.
    """
    require(viewer.manages_users)
    if viewer.is_token and not _WITHIN_REACH_OF_TOKENS.issuperset(target_roles):
        raise Forbidden("An access token cannot act on owners or administrators, or give or take their roles.")
    if Role.OWNER in target_roles and not viewer.is_owner:
        raise Refused(OWNER_REQUIRED)


def may_act_on(viewer: Viewer, target_roles: Collection[Role]) -> bool:
    """Whether act_on() would raise nothing."""
    try:
        act_on(viewer, target_roles)
    except (Forbidden, Refused):
        return False
    return True


def blockers(viewer: Viewer, target_roles: Collection[Role], *, is_sole_owner: bool) -> list[Refusal]:
    """What stands in the way of deactivating a user, everything at once; raises Forbidden like act_on()."""
    found = [SOLE_OWNER] if is_sole_owner else []
    try:
        act_on(viewer, target_roles)
    except Refused as refused:
        return [*refused.refusals, *found]
    return found
