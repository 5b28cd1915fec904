"""Keep the audit record as long as the operator wants."""

from __future__ import annotations

from typing import Any

from callboard.sdk.audit import remove_old_entries
from callboard.sdk.config import portal_config


def expire_audit(context: Any) -> None:
    """Remove what is older than ``audit.keep_days``; the job that runs every night."""
    days = portal_config().audit.keep_days
    removed = remove_old_entries(days)
    context.log(f"{removed} entries older than {days} days removed")
