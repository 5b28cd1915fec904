"""Tables of the onboarding room: one row a repository that somebody is bringing in."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now


class Repository(models.Model):
    """A repository on its way in: what it probably is, and how far it has come.

    ``state`` is waiting, looking, ready, failed, imported (managed in the portal), requesting, requested
    (a pull request is open), or file (its own file speaks for it). ``components`` are suggestions as a person
    left them; ``refs`` the entities that were made of them.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    host = models.TextField()
    full_name = models.TextField()
    url = models.TextField(default="")
    facts = models.JSONField(default=dict)
    components = models.JSONField(default=list)
    refs = models.JSONField(default=list)
    state = models.TextField(default="waiting")
    message = models.TextField(default="")
    catalog_file = models.TextField(default="", help_text="A catalog file that the repository has already.")
    pull_request = models.TextField(default="")
    pull_request_number = models.TextField(default="")
    created_by = models.TextField(default="")
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        """A repository is brought in once."""

        db_table = "cb_onboarding_repository"
        constraints = [models.UniqueConstraint(fields=["host", "full_name"], name="cb_onboarding_repository_is")]
        indexes = [models.Index(fields=["state", "full_name"], name="cb_onboarding_repository_st")]

    def __str__(self) -> str:
        """Its name on its host."""
        return f"{self.host}/{self.full_name}"
