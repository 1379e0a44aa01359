"""Working on one conversation: assigning it, and writing notes."""

from uuid import UUID

from sqlalchemy import update

from models.database import Tx, table
from models.enums import AuditAction
from models.types import new_id
from models.work import Assignment, Conversation, Note
from resolvers import audit
from resolvers.errors import not_found
from resolvers.released import released_actors
from resolvers.revisions import next_revision
from resolvers.targets import Target, resolve_target
from resolvers.texts import LONGEST_TEXT, required_text
from resolvers.viewer import Viewer, enter, require

CONVERSATION = table(Conversation)


async def assign_conversation(tx: Tx, viewer: Viewer, *, conversation_id: UUID, to: Target) -> UUID:
    """Give one conversation to somebody, or to nobody; of several people it goes to the first.

    Its place in the inbox stays. Raises Forbidden; refuses with NOT_FOUND or ASSIGNEE_INACTIVE.
    """
    viewer = await enter(tx, viewer)
    require(viewer.writes_inbox)
    conversation = await _find(tx, viewer, conversation_id)
    actor_id = next(iter(await resolve_target(tx, viewer, to)), None)
    released = await released_actors(tx, viewer.workspace_id)
    holder_id = None if conversation.assignee_id in released else conversation.assignee_id
    if holder_id != actor_id:
        revision = await _touch(tx, viewer, conversation_id, assignee_id=actor_id)
        await tx.add(
            Assignment(
                conversation_id=conversation_id,
                revision=revision,
                from_id=holder_id,
                to_id=actor_id,
                by_id=viewer.actor_id,
                at=tx.now,
            )
        )
        await audit.record(
            tx,
            viewer.workspace_id,
            AuditAction.CONVERSATION_ASSIGNED,
            actor_id=viewer.actor_id,
            target_id=actor_id,
            conversation=str(conversation_id),
        )
    return conversation_id


async def add_note(tx: Tx, viewer: Viewer, *, conversation_id: UUID, body: str) -> UUID:
    """Write an internal note; the conversation moves to the top of the inbox.

    Raises Forbidden; refuses with NOT_FOUND or INVALID_INPUT.
    """
    viewer = await enter(tx, viewer)
    require(viewer.writes_inbox)
    await _find(tx, viewer, conversation_id)
    note = Note(
        id=new_id(),
        workspace_id=viewer.workspace_id,
        conversation_id=conversation_id,
        body=required_text(body, "body", LONGEST_TEXT),
        author_id=viewer.actor_id,
        created_at=tx.now,
    )
    await tx.add(note)
    await _touch(tx, viewer, conversation_id, updated_at=tx.now)
    await audit.record(
        tx,
        viewer.workspace_id,
        AuditAction.NOTE_ADDED,
        actor_id=viewer.actor_id,
        conversation=str(conversation_id),
    )
    return note.id


async def _find(tx: Tx, viewer: Viewer, conversation_id: UUID) -> Conversation:
    conversation = await tx.get(Conversation, id=conversation_id, workspace_id=viewer.workspace_id)
    if conversation is None:
        raise not_found("conversation", "conversationId")
    return conversation


async def _touch(tx: Tx, viewer: Viewer, conversation_id: UUID, **values: object) -> int:
    revision = await next_revision(tx, viewer.workspace_id)
    await tx.run(update(CONVERSATION).where(CONVERSATION.c.id == conversation_id).values(revision=revision, **values))
    return revision
