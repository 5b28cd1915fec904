"""Write into the audit record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from callboard.core.audit.models import AuditEntry
from callboard.core.auth.principal import acting


def record(
    action: str,
    target: str = "",
    details: Mapping[str, Any] | None = None,
    outcome: Literal["succeeded", "failed", "denied"] = "succeeded",
) -> None:
    """Note that the acting principal did ``action`` (``catalog.location.register``) to ``target``.

    Written in the transaction of the change itself, so that one never stands without the other.
    ``details`` must hold nothing secret.
    """
    now = acting()
    AuditEntry.objects.create(
        actor=(now.principal.viewed_by or now.principal.ref)[:300],
        actor_name=now.principal.name[:300],
        door=now.door,
        action=action,
        target=target[:500],
        outcome=outcome,
        details=dict(details or {}),
        request_id=now.request_id,
    )
