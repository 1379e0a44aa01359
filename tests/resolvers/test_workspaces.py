"""The workspace's own settings."""

from typing import Any

import pytest

from models.enums import AuditAction, ErrorCode
from models.people import Workspace
from resolvers.audit import AuditFilter, audit_page
from resolvers.pages import PageArgs
from resolvers.summaries import summary
from resolvers.workspaces import update_workspace
from tests.records import audit_rows, call, dump, of_workspace, refused, unchanged
from tests.workshop import Workshop


@pytest.mark.parametrize(
    ("words", "expected", "changed"),
    [
        ({"name": " Acme Ltd "}, ("Acme Ltd", 30), ["name"]),
        ({"retention_days": 0}, ("Acme", 0), ["retentionDays"]),
        ({"retention_days": 3650, "name": "A"}, ("A", 3650), ["name", "retentionDays"]),
        ({"name": "Acme", "retention_days": 7}, ("Acme", 7), ["retentionDays"]),
    ],
)
async def test_what_is_given_changes(
    workshop: Workshop, words: dict[str, Any], expected: tuple[str, int], changed: list[str]
) -> None:
    other = await Workshop.open(workshop.database, "other")
    before = of_workspace(await dump(workshop.database), other)
    await call(workshop, update_workspace, workshop.olivia, **words)
    workspace = await workshop.load(Workspace, id=workshop.workspace_id)
    assert (workspace.name, workspace.retention_days) == expected
    (entry,) = await audit_rows(workshop)
    assert (entry.action, entry.actor_id, entry.details) == (
        AuditAction.WORKSPACE_UPDATED,
        workshop.olivia.actor_id,
        {"changed": changed},
    )
    await unchanged(workshop, update_workspace, workshop.olivia, **words)
    assert of_workspace(await dump(workshop.database), other) == before


async def test_deleting_by_itself_is_switched_on_and_off(workshop: Workshop) -> None:
    for days in (1, 3650, None):
        await call(workshop, update_workspace, workshop.olivia, delete_after_days=days)
        assert (await workshop.load(Workspace, id=workshop.workspace_id)).delete_after_days == days
        await unchanged(workshop, update_workspace, workshop.olivia, delete_after_days=days)
    assert [row.details for row in await audit_rows(workshop)] == [{"changed": ["deleteAfterDays"]}] * 3


async def test_nothing_given_changes_nothing(workshop: Workshop) -> None:
    await unchanged(workshop, update_workspace, workshop.olivia)


async def test_the_audit_log_says_it_in_words(workshop: Workshop) -> None:
    await call(workshop, update_workspace, workshop.olivia, retention_days=7)
    async with workshop.database.read() as reader:
        page = await audit_page(reader, workshop.olivia.viewer, AuditFilter(), PageArgs())
    assert summary(page.rows[0], "Olivia", None) == "Olivia changed the workspace's retention period."


@pytest.mark.parametrize(
    ("words", "field", "advice"),
    [
        ({"name": " "}, "name", "1 to 200"),
        ({"name": "x" * 201}, "name", "1 to 200"),
        ({"name": "a\x00b"}, "name", "NUL"),
        ({"retention_days": -1}, "retentionDays", "0 to 3650"),
        ({"retention_days": 3651, "name": "Other"}, "retentionDays", "0 to 3650"),
        ({"delete_after_days": 0}, "deleteAfterDays", "1 to 3650"),
        ({"delete_after_days": 3651, "name": "Other"}, "deleteAfterDays", "1 to 3650"),
    ],
)
async def test_what_is_refused(workshop: Workshop, words: dict[str, Any], field: str, advice: str) -> None:
    refusal = await refused(workshop, update_workspace, workshop.olivia, **words)
    assert (refusal.code, refusal.field) == (ErrorCode.INVALID_INPUT, [field])
    assert advice in refusal.message
