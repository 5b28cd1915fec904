"""Settings that were changed in the UI."""

from __future__ import annotations

from django.db import models


class SettingOverride(models.Model):
    """A value chosen in the UI; it comes before the file and the environment."""

    section = models.CharField(max_length=60)
    key = models.CharField(max_length=60)
    value = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=300, blank=True)

    class Meta:
        """Table name; one row a setting."""

        db_table = "cb_config_override"
        constraints = (models.UniqueConstraint(fields=("section", "key"), name="cb_config_override_once"),)

    def __str__(self) -> str:
        """Which setting, for logs."""
        return f"{self.section}.{self.key}"
