"""Work of access that happens in the background."""

from __future__ import annotations

from callboard.plugins.rbac.services.policies import publish_due
from callboard.plugins.rbac.services.requests import expire_grants
from callboard.plugins.rbac.services.streaming import send_audit
from callboard.sdk.auth import OPERATOR, Principal, principal_named
from callboard.sdk.jobs import JobContext


def keep_time(context: JobContext) -> None:
    """Publish drafts whose moment has come, and write down which access has ended."""
    for said in publish_due(_scheduler):
        context.log(said)
    if ended := expire_grants():
        context.log(f"{ended} grants have ended")


def stream_audit(context: JobContext) -> None:
    """Send what is new in the audit record to the streams."""
    for name, count in send_audit().items():
        if count:
            context.log(f"{count} entries sent to {name}")


def _scheduler(ref: str) -> Principal | None:
    return OPERATOR if ref == OPERATOR.ref else principal_named(ref)
