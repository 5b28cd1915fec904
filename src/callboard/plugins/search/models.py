"""What people look for, what they choose, and the searches they keep."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Asked(models.Model):
    """How often a text was looked for on a day, how often nothing was found, how often a result was chosen.

    Nobody's name stands here: it tells what is missing, not who missed it.
    """

    day = models.DateField()
    text = models.TextField()
    searches = models.IntegerField(default=0)
    empty = models.IntegerField(default=0)
    clicks = models.IntegerField(default=0)

    class Meta:
        """One row a day and text."""

        db_table = "cb_search_asked"
        constraints = [models.UniqueConstraint(fields=["day", "text"], name="cb_search_asked_is")]


class Chosen(models.Model):
    """How often a document was chosen on a day after a text was looked for."""

    day = models.DateField()
    text = models.TextField()
    type = models.TextField()
    key = models.TextField()
    title = models.TextField(default="")
    location = models.TextField(default="")
    owner_ref = models.TextField(default="")
    clicks = models.IntegerField(default=0)

    class Meta:
        """One row a day, text and document; asked for by owner."""

        db_table = "cb_search_chosen"
        constraints = [models.UniqueConstraint(fields=["day", "text", "type", "key"], name="cb_search_chosen_is")]
        indexes = [models.Index(fields=["owner_ref", "day"], name="cb_search_chosen_owner")]


class Kept(models.Model):
    """A search of a person: one of the last, or saved under a name."""

    user_ref = models.TextField()
    query = models.TextField(help_text="The query string of the page.")
    text = models.TextField(default="")
    saved = models.BooleanField(default=False)
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Once each; listed newest first."""

        db_table = "cb_search_kept"
        constraints = [models.UniqueConstraint(fields=["user_ref", "query"], name="cb_search_kept_is")]
        indexes = [models.Index(fields=["user_ref", "-used_at"], name="cb_search_kept_of")]
