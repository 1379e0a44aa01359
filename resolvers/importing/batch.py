"""Writing one batch of an import: every line resolved in order, then a few statements for all of them.

An import restores: it may leave work with somebody inactive, which no assignment may.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import SQLModel

from models import events
from models.database import Tx, table
from models.enums import AuditAction, ConversationStatus, DeactivationReason, Role, UserChangeKind, UserStatus
from models.log import AuditEntry
from models.people import Account, Actor, Team, User
from models.search import terms_of
from models.types import new_id
from models.work import Conversation, ConversationWord, CsatResponse, FollowUp, Note
from resolvers.importing.known import Known, look_up
from resolvers.importing.lines import (
    BadLine,
    ConversationLine,
    CsatLine,
    FollowUpLine,
    Line,
    NoteLine,
    TeamLine,
    UserLine,
)
from resolvers.importing.tally import Tally
from resolvers.members import new_member
from resolvers.revisions import next_revision

NO_CUSTOMER = "Unknown customer"

Rows = list[dict[str, Any]]


async def import_batch(tx: Tx, workspace_id: UUID, batch: Sequence[tuple[int, Line]]) -> Tally:
    """Import numbered lines under the workspace's lock, as one; what exists already stays as it is.

    Raises BadLine for a line that names a person or a conversation which neither exists nor was in an earlier line.
    """
    await tx.lock(workspace_id)
    known = await look_up(tx, workspace_id, [line for _, line in batch])
    writer = _Writer(workspace_id, tx.now, known)
    for number, line in batch:
        writer.take(number, line)
    await writer.write(tx)
    return writer.tally


class _Writer:
    """Collects the rows of one batch. `_known` grows with every line, so that later lines may name it."""

    def __init__(self, workspace_id: UUID, moment: datetime, known: Known) -> None:
        self.tally = Tally()
        self._workspace_id = workspace_id
        self._now = moment
        self._known = known
        self._number = 0
        self._teams: list[Team] = []
        self._accounts: list[Account] = []
        self._users: list[User] = []
        self._actors: list[Actor] = []
        self._member_rows: list[SQLModel] = []
        self._entries: list[AuditEntry] = []
        self._events: list[events.FeedEvent] = []
        self._conversations: Rows = []
        self._words: Rows = []
        self._notes: Rows = []
        self._follow_ups: Rows = []
        self._csat: Rows = []

    def take(self, number: int, line: Line) -> None:
        """Resolve one line; raises BadLine for an unknown reference."""
        self._number = number
        match line:
            case TeamLine():
                if line.name in self._known.teams:
                    self.tally.existing["team"] += 1
                else:
                    self._team(line.name)
            case UserLine():
                self._user(line)
            case ConversationLine():
                self._conversation(line)
            case NoteLine():
                self._note(line)
            case FollowUpLine():
                self._follow_up(line)
            case CsatLine():
                self._answer(line)

    async def write(self, tx: Tx) -> None:
        """Insert what was collected, in the order of the references."""
        for objects in (self._teams, self._accounts, self._users, self._actors, self._member_rows, self._entries):
            if objects:
                await tx.add(*objects)
        self._words.sort(key=lambda row: row["word"])
        if work := [*self._conversations, *self._follow_ups]:
            # An operation under way leaves alone what comes after its start.
            revision = await next_revision(tx, self._workspace_id)
            for row in work:
                row["revision"] = revision
        for model, rows in (
            (Conversation, self._conversations),
            (ConversationWord, self._words),
            (Note, self._notes),
            (FollowUp, self._follow_ups),
            (CsatResponse, self._csat),
        ):
            if rows:
                await tx.run(insert(table(model)), rows)
        await events.append(tx, self._workspace_id, self._events)

    def _team(self, name: str) -> UUID:
        team = Team(workspace_id=self._workspace_id, name=name)
        self._teams.append(team)
        self._known.teams[name] = team.id
        self.tally.created["team"] += 1
        return team.id

    def _find_or_make_team(self, name: str) -> UUID:
        return self._known.teams.get(name) or self._team(name)

    def _is_new(self, kind: str, is_there: bool) -> bool:
        (self.tally.existing if is_there else self.tally.created)[kind] += 1
        return not is_there

    def _user(self, line: UserLine) -> None:
        if not self._is_new("user", line.email in self._known.users):
            return
        roles = {Role.AGENT} if line.roles is None else set(line.roles)
        user, actor, rest = new_member(
            self._account(line.email),
            workspace_id=self._workspace_id,
            name=line.name,
            roles=roles,
            team_ids=[self._find_or_make_team(name) for name in line.teams or ()],
            created_at=line.created_at or self._now,
            pending=True,
        )
        if line.status is UserStatus.INACTIVE:
            user.status = UserStatus.INACTIVE
            user.deactivated_at = self._now
            user.deactivated_by_id = self._known.system_id
            user.deactivation_reason = DeactivationReason.OTHER
        self._users.append(user)
        self._actors.append(actor)
        self._member_rows += rest
        self._known.users[line.email] = actor.id
        self._entries.append(
            AuditEntry(
                workspace_id=self._workspace_id,
                at=self._now,
                action=AuditAction.USER_INVITED,
                actor_id=self._known.system_id,
                target_id=actor.id,
                details={"roles": sorted(roles)},
            )
        )
        self._events.append(events.user_changed(user.id, UserChangeKind.INVITED))

    def _account(self, email: str) -> Account:
        known = self._known.accounts.get(email)
        if known is not None:
            return Account(id=known, email=email, created_at=self._now)
        account = Account(email=email, created_at=self._now)
        self._accounts.append(account)
        return account

    def _conversation(self, line: ConversationLine) -> None:
        if not self._is_new("conversation", line.external_id in self._known.conversations):
            return
        conversation_id = new_id()
        status = line.status or ConversationStatus.OPEN
        name = line.customer.name if line.customer else None
        email = line.customer.email if line.customer else None
        customer = name or email or NO_CUSTOMER
        created_at = line.created_at or line.updated_at or self._now
        self._conversations.append(
            {
                "id": conversation_id,
                "workspace_id": self._workspace_id,
                "external_id": line.external_id,
                "subject": line.subject,
                "status": status,
                "snoozed_until": line.snoozed_until if status is ConversationStatus.SNOOZED else None,
                "customer_name": customer,
                "customer_email": email,
                "assignee_id": self._person("assignee", line.assignee),
                "team_id": self._find_or_make_team(line.team) if line.team else None,
                "created_at": created_at,
                "updated_at": line.updated_at or created_at,
            }
        )
        self._words += (
            {"workspace_id": self._workspace_id, "word": word, "conversation_id": conversation_id}
            for word in terms_of(line.subject, customer, email=email)
        )
        self._known.conversations[line.external_id] = conversation_id

    def _note(self, line: NoteLine) -> None:
        if self._is_new("note", line.external_id in self._known.notes):
            self._known.notes.add(line.external_id)
            self._notes.append(
                {
                    "id": new_id(),
                    "workspace_id": self._workspace_id,
                    "conversation_id": self._conversation_named(line.conversation),
                    "external_id": line.external_id,
                    "body": line.body,
                    "author_id": self._person("author", line.author),
                    "created_at": line.created_at or self._now,
                }
            )

    def _follow_up(self, line: FollowUpLine) -> None:
        if self._is_new("followUp", line.external_id in self._known.follow_ups):
            self._known.follow_ups.add(line.external_id)
            self._follow_ups.append(
                {
                    "id": new_id(),
                    "workspace_id": self._workspace_id,
                    "conversation_id": self._conversation_named(line.conversation),
                    "external_id": line.external_id,
                    "kind": line.type,
                    "due_at": line.due_at,
                    "assignee_id": self._person("assignee", line.assignee),
                }
            )

    def _answer(self, line: CsatLine) -> None:
        if self._is_new("csat", line.conversation in self._known.csat):
            self._known.csat.add(line.conversation)
            self._csat.append(
                {
                    "conversation_id": self._conversation_named(line.conversation),
                    "workspace_id": self._workspace_id,
                    "rating": line.rating,
                    "comment": line.comment,
                    "responded_at": line.responded_at or self._now,
                    "handled_by_id": self._person("handledBy", line.handled_by),
                }
            )

    def _person(self, key: str, email: str | None) -> UUID | None:
        if email is None:
            return None
        actor_id = self._known.users.get(email)
        if actor_id is None:
            raise BadLine(self._number, f'key "{key}": there is no user {email}, nor an earlier line for one')
        return actor_id

    def _conversation_named(self, external_id: str) -> UUID:
        conversation_id = self._known.conversations.get(external_id)
        if conversation_id is None:
            problem = f'key "conversation": there is no conversation "{external_id}", nor an earlier line for one'
            raise BadLine(self._number, problem)
        return conversation_id
