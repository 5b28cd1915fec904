"""The record of who did what to what."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One thing that somebody did or tried. A database trigger refuses to change or remove entries.

    Old entries leave by the retention job alone, which lifts the trigger's refusal for its own transaction.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=300)
    actor_name = models.CharField(max_length=300, blank=True)
    door = models.CharField(max_length=10)
    action = models.CharField(max_length=100)
    target = models.CharField(max_length=500, blank=True)
    outcome = models.CharField(max_length=10, default="succeeded")
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        """Table, order and the indexes the audit page filters by."""

        db_table = "cb_audit_entry"
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["actor", "-id"], name="cb_audit_actor"),
            models.Index(fields=["action", "-id"], name="cb_audit_action"),
            models.Index(fields=["target", "-id"], name="cb_audit_target"),
        ]

    def __str__(self) -> str:
        """One line for logs."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.target}"
