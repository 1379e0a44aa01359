"""The enumerations of models.enums and of the lists' orders that clients see."""

from enum import Enum

import strawberry

from models import enums
from resolvers.inbox import InboxOrderField
from resolvers.pages import OrderDirection
from resolvers.users import UserOrderField
from resolvers.watching import RevocationScope


def _shown(kind: type[Enum]) -> None:
    strawberry.enum(kind, description=kind.__doc__)


for _kind in (
    enums.AuditAction,
    enums.BulkOperationStatus,
    enums.ClientKind,
    enums.ConversationStatus,
    enums.DeactivationReason,
    enums.DeletionReason,
    enums.DepartureState,
    enums.ErrorCode,
    enums.FollowUpKind,
    enums.RevocationReason,
    enums.Role,
    enums.TokenScope,
    enums.UserChangeKind,
    enums.UserStatus,
    InboxOrderField,
    OrderDirection,
    RevocationScope,
    UserOrderField,
):
    _shown(_kind)
