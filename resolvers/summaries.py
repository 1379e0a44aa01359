"""Audit entries in English, one sentence each, put together when they are read.

The names come from the actor rows of that moment, so that whoever was deleted reads "Deleted user". A detail that an
entry lacks is left out of its sentence.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from models.enums import AuditAction
from resolvers.rows import AuditEntryRow

Details = dict[str, Any]


def summary(
    entry: AuditEntryRow, actor_name: str, target_name: str | None, on_behalf_of_name: str | None = None
) -> str:
    """What happened, as a sentence. Whoever acted on itself is named once."""
    target = None if entry.target_id == entry.actor_id else target_name
    behalf = f", as {on_behalf_of_name} had scheduled" if on_behalf_of_name else ""
    return _SENTENCES[entry.action](actor_name, target, entry) + behalf + "."


def _invited(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    roles = _listed([_words(role) for role in entry.details.get("roles", [])])
    return f"{actor} invited {target or 'somebody'}" + (f" as {roles}" if roles else "")


def _deactivated(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return (
        f"{actor} deactivated {target or 'their own account'}"
        + _because(entry.details)
        + _ending_sessions(entry.details)
    )


def _reactivated(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} reactivated {target or 'somebody'}"


def _deleted(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    whose = f"the account of {target}" if target else "their own account"
    return f"{actor} deleted {whose}" + _because(entry.details) + _ending_sessions(entry.details)


def _role_assigned(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} gave {target or 'their own account'} {_role(entry.details)}"


def _role_removed(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} took {_role(entry.details)} from {target or 'their own account'}"


def _signed_in(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{target or actor} signed in"


def _signed_out(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{target or actor} signed out"


def _sign_in_failed(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return (f"A sign-in as {target} failed" if target else "A sign-in failed") + _because(entry.details)


def _session_revoked(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    sessions = _counted(entry.details.get("sessions", 1), "session")
    return f"{actor} ended {sessions}" + (f" of {target}" if target else "")


def _reset_requested(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"A password reset was requested for {target or 'an unknown address'}"


def _password_changed(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    whose = f"the password of {target}" if target else "their password"
    return f"{actor} changed {whose}" + _ending_sessions(entry.details)


def _handed_over(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} handed over {_work(entry.details)}" + (f" of {target}" if target else "")


def _taken_back(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} undid a hand-over, which gave back {_work(entry.details)}"


def _started(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    if "undone" in entry.details:
        return f"{actor} began to undo a hand-over of {_work(entry.details)}"
    return f"{actor} began to hand over {_work(entry.details)}" + (f" of {target}" if target else "")


def _cancelled(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    what = "the undoing of a hand-over" if "undone" in entry.details else "a hand-over"
    return f"{actor} stopped {what}" + (f" of the work of {target}" if target else "") + _by_then(entry.details)


def _failed(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    whose = f" of the work of {target}" if target else ""
    return f"A hand-over{whose} stopped, because somebody who was to get it is not active" + _by_then(entry.details)


def _by_then(details: Details) -> str:
    return f", after {_work(details)}"


def _assigned(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    if entry.target_id is None:
        return f"{actor} unassigned a conversation"
    return f"{actor} assigned a conversation to {target or 'themself'}"


def _workspace_updated(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    changed = _listed([_SETTINGS.get(name, name) for name in entry.details.get("changed", [])])
    return f"{actor} changed the workspace's {changed or 'settings'}"


def _token_created(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    scopes = ", ".join(entry.details.get("scopes", []))
    return f"{actor} created an access token" + (f" with {scopes}" if scopes else "")


def _token_revoked(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} revoked an access token" + (f" that {target} had created" if target else "")


def _note_added(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} wrote a note"


def _invitation_accepted(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{target or actor} accepted the invitation"


def _departure_scheduled(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    what = "departure" if "at" in entry.details else "return"
    return f"{actor} scheduled the {what} of {target or 'themself'}{_planned(entry.details)}"


def _departure_cancelled(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    what = "departure" if "at" in entry.details else "return"
    return f"{actor} called off the {what} of {target or 'themself'}{_planned(entry.details)}"


def _departure_failed(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} could not deactivate {target or 'somebody'}" + _because(entry.details)


def _hand_over_failed(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} could not hand over the work of {target or 'somebody'}" + _because(entry.details)


def _hold_placed(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} placed a legal hold on {target or 'their own account'}"


def _hold_lifted(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} lifted the legal hold on {target or 'their own account'}"


def _deletion_announced(actor: str, target: str | None, entry: AuditEntryRow) -> str:
    return f"{actor} announced to the owners that {target or 'somebody'} will be deleted{_planned(entry.details)}"


_SENTENCES: dict[AuditAction, Callable[[str, str | None, AuditEntryRow], str]] = {
    AuditAction.USER_INVITED: _invited,
    AuditAction.USER_DEACTIVATED: _deactivated,
    AuditAction.USER_REACTIVATED: _reactivated,
    AuditAction.USER_DELETED: _deleted,
    AuditAction.ROLE_ASSIGNED: _role_assigned,
    AuditAction.ROLE_REMOVED: _role_removed,
    AuditAction.SIGNED_IN: _signed_in,
    AuditAction.SIGNED_OUT: _signed_out,
    AuditAction.SIGN_IN_FAILED: _sign_in_failed,
    AuditAction.SESSION_REVOKED: _session_revoked,
    AuditAction.PASSWORD_RESET_REQUESTED: _reset_requested,
    AuditAction.PASSWORD_CHANGED: _password_changed,
    AuditAction.BULK_REASSIGNED: _handed_over,
    AuditAction.BULK_REASSIGN_UNDONE: _taken_back,
    AuditAction.BULK_REASSIGN_STARTED: _started,
    AuditAction.BULK_REASSIGN_CANCELLED: _cancelled,
    AuditAction.BULK_REASSIGN_FAILED: _failed,
    AuditAction.CONVERSATION_ASSIGNED: _assigned,
    AuditAction.WORKSPACE_UPDATED: _workspace_updated,
    AuditAction.TOKEN_CREATED: _token_created,
    AuditAction.TOKEN_REVOKED: _token_revoked,
    AuditAction.NOTE_ADDED: _note_added,
    AuditAction.INVITATION_ACCEPTED: _invitation_accepted,
    AuditAction.DEPARTURE_SCHEDULED: _departure_scheduled,
    AuditAction.DEPARTURE_CANCELLED: _departure_cancelled,
    AuditAction.DEPARTURE_FAILED: _departure_failed,
    AuditAction.HAND_OVER_FAILED: _hand_over_failed,
    AuditAction.LEGAL_HOLD_PLACED: _hold_placed,
    AuditAction.LEGAL_HOLD_LIFTED: _hold_lifted,
    AuditAction.DELETION_ANNOUNCED: _deletion_announced,
}

_SETTINGS = {"name": "name", "retentionDays": "retention period", "deleteAfterDays": "automatic deletion"}


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


def _role(details: Details) -> str:
    return f"the role {_words(details['role'])}" if "role" in details else "a role"


def _because(details: Details) -> str:
    return f" ({_words(details['reason'])})" if details.get("reason") else ""


def _planned(details: Details) -> str:
    times = [
        f"{words} {datetime.fromisoformat(details[key]):%Y-%m-%d %H:%M} UTC"
        for key, words in (("at", "on"), ("returnAt", "until" if "at" in details else "on"))
        if key in details
    ]
    return "".join(f" {each}" for each in times)


def _ending_sessions(details: Details) -> str:
    return f", which ended {_counted(details['sessions'], 'session')}" if details.get("sessions") else ""


def _work(details: Details) -> str:
    parts = [
        _counted(details[key], singular)
        for key, singular in (("conversations", "conversation"), ("followUps", "follow-up"))
        if key in details
    ]
    return _listed(parts) or "work"


def _counted(number: int, singular: str) -> str:
    return f"{number:,} {singular}" + ("" if number == 1 else "s")


def _listed(parts: Sequence[str]) -> str:
    *others, last = parts or [""]
    return f"{', '.join(others)} and {last}" if others else last
