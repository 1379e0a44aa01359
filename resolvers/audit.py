"""The audit log: who did what to whom."""

from typing import Any
from uuid import UUID

from models.database import Tx
from models.enums import AuditAction
from models.log import AuditEntry


async def record(
    tx: Tx, workspace_id: UUID, action: AuditAction, *, actor_id: UUID, target_id: UUID | None = None, **details: Any
) -> None:
    """Write one entry in the verb's own transaction. Actor and target are actor ids.

    `details` are ids (as text), numbers and enum names from which the summary is rendered when it is read;
    never a name, an address or a secret.
    """
    await tx.add(
        AuditEntry(
            workspace_id=workspace_id, at=tx.now, action=action, actor_id=actor_id, target_id=target_id, details=details
        )
    )
