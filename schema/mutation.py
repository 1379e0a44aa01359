"""The mutation root: each field hands its input to one verb and its outcome to one payload."""

import strawberry
from strawberry import UNSET

from models.enums import ClientKind
from resolvers import (
    conversations,
    credentials,
    deletion,
    handover,
    inbox,
    invitations,
    lifecycle,
    operations,
    resets,
    roles,
    sessions,
    signing_in,
    teams,
    threads,
    tokens,
    users,
    workspaces,
)
from resolvers.errors import Refused
from resolvers.signing_in import SignedIn
from schema import ids
from schema.context import Context, Info
from schema.inputs import (
    AcceptInvitationInput,
    AddNoteInput,
    AssignConversationInput,
    BulkReassignInput,
    CancelBulkReassignInput,
    ChangePasswordInput,
    CreateAccessTokenInput,
    DeactivateUserInput,
    DeleteUserInput,
    InviteUserInput,
    ReactivateUserInput,
    RequestPasswordResetInput,
    ResetPasswordInput,
    RevokeAccessTokenInput,
    RevokeAllSessionsInput,
    RevokeSessionInput,
    RoleInput,
    SignInInput,
    UndoBulkReassignInput,
    UpdateWorkspaceInput,
)
from schema.payloads import (
    BulkReassignPayload,
    ConversationPayload,
    CreateAccessTokenPayload,
    DeactivateUserPayload,
    DeleteUserPayload,
    NotePayload,
    RequestPasswordResetPayload,
    ResetPasswordPayload,
    RevokeAccessTokenPayload,
    RevokeSessionsPayload,
    SignInPayload,
    SignOutPayload,
    UserPayload,
    WorkspacePayload,
)
from schema.people import as_errors
from schema.planning import PlanningMutation
from schema.verb import user_payload, verb


async def bulk_payload(context: Context, done: handover.BulkReassigned) -> BulkReassignPayload:
    """An operation as it is now."""
    operation = await context.load(operations.operations_by_id, done.operation_id) if done.operation_id else None
    return BulkReassignPayload(operation=operation, matched=done.matched)


async def sign_in_payload(context: Context, done: SignedIn) -> SignInPayload:
    """A new session, read through the eyes of who has just signed in."""
    await context.forget(reads_as=done.viewer)
    token: str | None = done.token
    if context.web_session is not None:
        context.web_session.open(done.token, done.viewer.expires_at)
        token = None
        if context.web_session.held is not None:
            await context.act(sessions.leave, context.web_session.held)
    found = await context.load(credentials.sessions_by_id, done.session_id)
    return SignInPayload(token=token, session=found, user=await context.load(users.users_by_id, done.user_id))


@strawberry.type(description="What can be done.")
class Mutation(PlanningMutation):
    """See the description."""

    @verb("Sign in with a password; needs no token and ignores one.")
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload | None:
        """See resolvers.signing_in.sign_in."""
        context = info.context
        async with context.attempts.sign_in(input.workspace, input.email, context.client.ip_address):
            done = await context.act(
                signing_in.sign_in,
                workspace=input.workspace,
                email=input.email,
                password=input.password,
                lifetime=context.lifetimes.session,
                hash_cost=context.lifetimes.hash_cost,
                client=input.client,
                device_name=input.device_name,
                user_agent=context.client.user_agent,
                ip_address=context.client.ip_address,
            )
        return await sign_in_payload(context, done)

    @strawberry.mutation(description="End the session that asks.")
    async def sign_out(self, info: Info) -> SignOutPayload | None:
        """See resolvers.sessions.sign_out."""
        await info.context.perform(sessions.sign_out)
        if info.context.web_session is not None:
            info.context.web_session.end()
        return SignOutPayload(signed_out=True)

    @verb("End one session: one's own, or anybody's for OWNER and ADMIN.")
    async def revoke_session(self, info: Info, input: RevokeSessionInput) -> RevokeSessionsPayload | None:
        """See resolvers.sessions.revoke_session."""
        session_id = ids.decode("Session", input.session_id)
        return RevokeSessionsPayload(
            revoked_sessions=await info.context.perform(sessions.revoke_session, session_id=session_id)
        )

    @verb("End every session of a user: one's own, or anybody's for OWNER and ADMIN.")
    async def revoke_all_sessions(self, info: Info, input: RevokeAllSessionsInput) -> RevokeSessionsPayload | None:
        """See resolvers.sessions.revoke_all_sessions."""
        ended = await info.context.perform(
            sessions.revoke_all_sessions,
            user_id=ids.decode("User", input.user_id),
            except_current=input.except_current,
        )
        return RevokeSessionsPayload(revoked_sessions=ended)

    @verb("Ask for a mail with a link to choose a new password; needs no token, answers the same for any address.")
    async def request_password_reset(
        self, info: Info, input: RequestPasswordResetInput
    ) -> RequestPasswordResetPayload | None:
        """See resolvers.resets.request_password_reset."""
        context = info.context
        try:
            await context.attempts.reset(input.workspace, input.email, context.client.ip_address)
        except Refused as refused:
            return RequestPasswordResetPayload(accepted=False, errors=as_errors(refused.refusals))
        await context.act(
            resets.request_password_reset,
            workspace=input.workspace,
            email=input.email,
            lifetime=context.lifetimes.password_reset,
        )
        return RequestPasswordResetPayload()

    @verb("Choose a new password with a mailed link; ends all sessions of the account. Needs no token.")
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> ResetPasswordPayload | None:
        """See resolvers.resets.reset_password."""
        context = info.context
        await context.act(
            resets.reset_password,
            token=input.token,
            new_password=input.new_password,
            hash_cost=context.lifetimes.hash_cost,
        )
        return ResetPasswordPayload()

    @verb("Choose a new password while signed in; ends the account's other sessions.")
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ResetPasswordPayload | None:
        """See resolvers.resets.change_password."""
        context = info.context
        await context.forget()
        await context.act(
            resets.change_password,
            context.viewer,
            current_password=input.current_password,
            new_password=input.new_password,
            hash_cost=context.lifetimes.hash_cost,
            attempts=context.attempts,
            ip_address=context.client.ip_address,
        )
        return ResetPasswordPayload()

    @verb("Invite somebody by mail; for a pending user, send a new link.")
    async def invite_user(self, info: Info, input: InviteUserInput) -> UserPayload | None:
        """See resolvers.invitations.invite_user."""
        done = await info.context.perform(
            invitations.invite_user,
            email=input.email,
            name=input.name,
            roles=input.roles,
            team_ids=[ids.decode("Team", text) for text in input.team_ids],
            lifetime=info.context.lifetimes.invitation,
        )
        return await user_payload(info.context, done.user_id)

    @verb("Accept an invitation and sign in; needs no token.")
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> SignInPayload | None:
        """See resolvers.invitations.accept_invitation."""
        context = info.context
        done = await context.act(
            invitations.accept_invitation,
            token=input.token,
            password=input.password,
            lifetime=context.lifetimes.session,
            hash_cost=context.lifetimes.hash_cost,
            attempts=context.attempts,
            client=ClientKind.WEB,
            device_name=None,
            user_agent=context.client.user_agent,
            ip_address=context.client.ip_address,
        )
        return await sign_in_payload(context, done)

    @verb("Give a user a role; nothing changes if it is held already.")
    async def assign_role(self, info: Info, input: RoleInput) -> UserPayload | None:
        """See resolvers.roles.assign_role."""
        user_id = ids.decode("User", input.user_id)
        return await user_payload(
            info.context, await info.context.perform(roles.assign_role, user_id=user_id, role=input.role)
        )

    @verb("Take a role from a user; nothing changes if it is not held. The last active owner keeps OWNER.")
    async def remove_role(self, info: Info, input: RoleInput) -> UserPayload | None:
        """See resolvers.roles.remove_role."""
        user_id = ids.decode("User", input.user_id)
        return await user_payload(
            info.context, await info.context.perform(roles.remove_role, user_id=user_id, role=input.role)
        )

    @verb("Shut a user out at once: sessions end, sign-in is refused; history, roles, teams and assignments stay.")
    async def deactivate_user(self, info: Info, input: DeactivateUserInput) -> DeactivateUserPayload | None:
        """See resolvers.lifecycle.deactivate_user."""
        context = info.context
        done = await context.perform(
            lifecycle.deactivate_user,
            user_id=ids.decode("User", input.user_id),
            reason=input.reason,
            note=input.note,
            hand_over=input.hand_over.plain("handOver") if input.hand_over else None,
            revoke_access_tokens=input.revoke_access_tokens,
        )
        return DeactivateUserPayload(
            user=await context.load(users.users_by_id, done.user_id),
            revoked_sessions=done.revoked_sessions,
            hand_over=await context.load(operations.operations_by_id, done.operation_id) if done.operation_id else None,
        )

    @verb("Let a user in again, with the password, roles and teams of before.")
    async def reactivate_user(self, info: Info, input: ReactivateUserInput) -> UserPayload | None:
        """See resolvers.lifecycle.reactivate_user."""
        user_id = ids.decode("User", input.user_id)
        return await user_payload(info.context, await info.context.perform(lifecycle.reactivate_user, user_id=user_id))

    @verb("Delete a user for good: the account and the membership go, the work stays and reads 'Deleted user'.")
    async def delete_user(self, info: Info, input: DeleteUserInput) -> DeleteUserPayload | None:
        """See resolvers.deletion.delete_user."""
        done = await info.context.perform(
            deletion.delete_user,
            user_id=ids.decode("User", input.user_id),
            confirmation=input.confirmation,
            reason=input.reason,
        )
        return DeleteUserPayload(deleted_user_id=ids.encode("User", done))

    @verb("Change the workspace's settings; for OWNER.")
    async def update_workspace(self, info: Info, input: UpdateWorkspaceInput) -> WorkspacePayload | None:
        """See resolvers.workspaces.update_workspace."""
        context = info.context
        await context.perform(
            workspaces.update_workspace,
            name=input.name,
            retention_days=input.retention_days,
            delete_after_days=workspaces.UNCHANGED if input.delete_after_days is UNSET else input.delete_after_days,
        )
        return WorkspacePayload(workspace=await context.load(teams.workspaces_by_id, context.viewer.workspace_id))

    @verb(
        "Hand over what a filter matches to a colleague, to several in turn, or to Unassigned. Above 5,000 matches it "
        "answers at once, and goes on in the background."
    )
    async def bulk_reassign(self, info: Info, input: BulkReassignInput) -> BulkReassignPayload | None:
        """See resolvers.handover.bulk_reassign."""
        done = await info.context.perform(
            handover.bulk_reassign,
            filter=input.filter.plain(),
            to=input.to.plain("to"),
            include_follow_ups=input.include_follow_ups,
            unsnooze=input.unsnooze,
            dry_run=input.dry_run,
            idempotency_key=input.idempotency_key,
        )
        return await bulk_payload(info.context, done)

    @verb("Take a hand-over back: what nobody has touched since goes to whom it came from.")
    async def undo_bulk_reassign(self, info: Info, input: UndoBulkReassignInput) -> BulkReassignPayload | None:
        """See resolvers.handover.undo_bulk_reassign."""
        operation_id = ids.decode("BulkOperation", input.operation_id)
        return await bulk_payload(
            info.context, await info.context.perform(handover.undo_bulk_reassign, operation_id=operation_id)
        )

    @verb("Stop a hand-over, or an undo, that is running: what it has done stays, and can be undone.")
    async def cancel_bulk_reassign(self, info: Info, input: CancelBulkReassignInput) -> BulkReassignPayload | None:
        """See resolvers.handover.cancel_bulk_reassign."""
        operation_id = ids.decode("BulkOperation", input.operation_id)
        return await bulk_payload(
            info.context, await info.context.perform(handover.cancel_bulk_reassign, operation_id=operation_id)
        )

    @verb("Assign one conversation to somebody, or to nobody.")
    async def assign_conversation(self, info: Info, input: AssignConversationInput) -> ConversationPayload | None:
        """See resolvers.conversations.assign_conversation."""
        conversation_id = await info.context.perform(
            conversations.assign_conversation,
            conversation_id=ids.decode("Conversation", input.conversation_id),
            to=input.to.plain("to"),
        )
        return ConversationPayload(conversation=await info.context.load(inbox.conversations_by_id, conversation_id))

    @verb("Write an internal note on a conversation.")
    async def add_note(self, info: Info, input: AddNoteInput) -> NotePayload | None:
        """See resolvers.conversations.add_note."""
        note_id = await info.context.perform(
            conversations.add_note,
            conversation_id=ids.decode("Conversation", input.conversation_id),
            body=input.body,
        )
        return NotePayload(note=await info.context.load(threads.notes_by_id, note_id))

    @verb("Create an access token for a partner; for OWNER.")
    async def create_access_token(self, info: Info, input: CreateAccessTokenInput) -> CreateAccessTokenPayload | None:
        """See resolvers.tokens.create_access_token."""
        done = await info.context.perform(
            tokens.create_access_token, name=input.name, scopes=input.scopes, expires_at=input.expires_at
        )
        created = await info.context.load(credentials.access_tokens_by_id, done.token_id)
        return CreateAccessTokenPayload(access_token=created, secret=done.secret)

    @verb("Revoke an access token at once; for OWNER, and for whoever may deactivate its creator.")
    async def revoke_access_token(self, info: Info, input: RevokeAccessTokenInput) -> RevokeAccessTokenPayload | None:
        """See resolvers.tokens.revoke_access_token."""
        token_id = ids.decode("AccessToken", input.access_token_id)
        await info.context.perform(tokens.revoke_access_token, token_id=token_id)
        return RevokeAccessTokenPayload(revoked=True)
