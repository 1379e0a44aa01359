"""Many people and much work in one transaction, for pages and statement counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from models.enums import AuditAction, ConversationStatus, FollowUpKind, Role
from models.log import AuditEntry
from models.people import Account, Actor, User
from models.search import terms_of
from models.types import new_id
from models.work import Conversation, ConversationWord, CsatResponse, FollowUp, Note
from resolvers.members import new_member
from tests.workshop import Person, Workshop

DAWN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def minute(number: int) -> datetime:
    """A time, that many minutes after dawn."""
    return DAWN + timedelta(minutes=number)


async def people(shop: Workshop, names: Sequence[str], *roles: Role) -> list[Person]:
    """A user for each name, created a minute apart in that order."""
    made: list[tuple[Account, User, Actor, list[object]]] = []
    for number, name in enumerate(names):
        account = Account(email=f"{new_id().hex}@crowd.test", created_at=minute(number))
        member = new_member(
            account,
            workspace_id=shop.workspace_id,
            name=name,
            roles=roles,
            team_ids=[],
            created_at=minute(number),
            pending=False,
        )
        made.append((account, *member))  # type: ignore[arg-type]
    async with shop.database.begin() as tx:
        await tx.add(*(account for account, *_ in made))
        await tx.add(*(user for _, user, *_ in made))
        await tx.add(*(actor for _, _, actor, _ in made))
        await tx.add(*(row for *_, rest in made for row in rest))  # type: ignore[arg-type]
    return [Person(user.id, actor.id, account.email) for account, user, actor, _ in made]


async def conversations(
    shop: Workshop, minutes: Sequence[int], assignees: Sequence[Person] = (), subject: str = "Refund"
) -> list[UUID]:
    """A conversation for each minute in which it was last updated; assigned in turn."""
    made = [
        Conversation(
            workspace_id=shop.workspace_id,
            subject=subject,
            status=ConversationStatus.OPEN,
            customer_name="Kim",
            assignee_id=assignees[number % len(assignees)].actor_id if assignees else None,
            created_at=minute(number),
            updated_at=minute(at),
        )
        for number, at in enumerate(minutes)
    ]
    words = [
        ConversationWord(workspace_id=shop.workspace_id, word=word, conversation_id=each.id)
        for each in made
        for word in terms_of(subject)
    ]
    async with shop.database.begin() as tx:
        await tx.add(*made)
        await tx.add(*words)
    return [each.id for each in made]


async def hang_on(shop: Workshop, ids: Sequence[UUID], author: Person, notes: int = 2) -> None:
    """Notes, two follow-ups and a CSAT answer on each conversation."""
    async with shop.database.begin() as tx:
        for conversation_id in ids:
            common = {"workspace_id": shop.workspace_id, "conversation_id": conversation_id}
            await tx.add(
                *(
                    Note(**common, body=f"Note {number}", author_id=author.actor_id, created_at=minute(number))
                    for number in range(notes)
                ),
                *(
                    FollowUp(**common, kind=kind, due_at=minute(60 - number), assignee_id=author.actor_id)
                    for number, kind in enumerate(FollowUpKind)
                ),
                CsatResponse(**common, rating=5, responded_at=minute(9), handled_by_id=author.actor_id),
            )


async def audit_entries(
    shop: Workshop, minutes: Sequence[int], actor: Person, action: AuditAction = AuditAction.SIGNED_IN
) -> list[UUID]:
    """An audit entry for each minute."""
    made = [
        AuditEntry(workspace_id=shop.workspace_id, at=minute(at), action=action, actor_id=actor.actor_id)
        for at in minutes
    ]
    async with shop.database.begin() as tx:
        await tx.add(*made)
    return [each.id for each in made]
