"""Write into the audit record, and read it."""

from callboard.core.audit.models import AuditEntry
from callboard.core.audit.retention import remove_old_entries
from callboard.core.audit.selectors import (
    DOORS,
    OUTCOMES,
    AuditFilter,
    AuditPage,
    audit_entries,
    audit_entry,
    audit_page,
    audit_rows,
    entries_about,
)
from callboard.core.audit.services import record

__all__ = [
    "DOORS",
    "OUTCOMES",
    "AuditEntry",
    "AuditFilter",
    "AuditPage",
    "audit_entries",
    "audit_entry",
    "audit_page",
    "audit_rows",
    "entries_about",
    "record",
    "remove_old_entries",
]
