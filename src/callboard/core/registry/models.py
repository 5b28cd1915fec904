"""Which plugins are switched on."""

from __future__ import annotations

from django.db import models


class PluginState(models.Model):
    """A switch that somebody has moved; a plugin without a row is on."""

    name = models.CharField(max_length=31, primary_key=True)
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=300, blank=True)

    class Meta:
        """Table name."""

        db_table = "cb_registry_plugin_state"

    def __str__(self) -> str:
        """Name and state, for logs."""
        return f"{self.name} {'on' if self.enabled else 'off'}"
