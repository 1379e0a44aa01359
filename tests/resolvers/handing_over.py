"""What the tests of hand-overs share: handing over as Olivia, and reading where the work went."""

from typing import Any
from uuid import UUID

from models.work import BulkOperation, Conversation
from resolvers.handover import BulkReassigned, bulk_reassign
from resolvers.inbox import InboxFilter
from resolvers.targets import Target
from tests.records import call
from tests.workshop import Person, Workshop

UNASSIGNED = Target((), ("to", "unassigned"))


def to(*people: Person) -> Target:
    return Target(tuple(each.id for each in people), ("to", "roundRobin"))


async def hand_over(shop: Workshop, target: Target, words: dict[str, Any] | None = None, **filter: Any) -> Any:
    return await call(shop, bulk_reassign, shop.olivia, filter=InboxFilter(**filter), to=target, **(words or {}))


async def assignees(shop: Workshop, ids: Any, model: Any = Conversation) -> list[UUID | None]:
    return [(await shop.load(model, id=each)).assignee_id for each in ids]


async def operation(shop: Workshop, done: BulkReassigned) -> BulkOperation:
    found: BulkOperation = await shop.load(BulkOperation, id=done.operation_id)
    return found
