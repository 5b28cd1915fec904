"""Tables of the search index: documents, the words in them, and how each type stands.

Vectors stand in a table of their own, ``cb_index_vector``, which exists only where PostgreSQL has the extension.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now


class Document(models.Model):
    """One thing that can be found.

    ``lead`` holds the words of title and keywords, ``body`` those of the text as well. Both also hold what
    people filter by, as lexemes like ``kind=api`` that no text can contain, so that one index answers a
    question of words and filters. ``quality`` orders where words do not tell.
    """

    type = models.TextField()
    key = models.TextField()
    ref = models.TextField(default="")
    authorization_ref = models.TextField(default="")
    title = models.TextField()
    name = models.TextField(default="", help_text="The title as its words alone.")
    text = models.TextField(default="")
    location = models.TextField()
    fields = models.JSONField(default=dict)
    owner_ref = models.TextField(default="")
    language = models.TextField(default="english")
    weight = models.FloatField(default=1.0)
    clicks = models.FloatField(default=0.0)
    quality = models.FloatField(default=1.0)
    digest = models.TextField()
    changed_at = models.DateTimeField(null=True)
    indexed_at = models.DateTimeField(db_default=Now())
    lead = SearchVectorField()
    body = SearchVectorField()

    class Meta:
        """Found by words; by exact name; listed by quality; renewed by key and by ref."""

        db_table = "cb_index_document"
        constraints = [models.UniqueConstraint(fields=["type", "key"], name="cb_index_document_is")]
        indexes = [
            GinIndex(fields=["lead"], name="cb_index_document_lead"),
            GinIndex(fields=["body"], name="cb_index_document_body"),
            models.Index(fields=["-quality", "id"], name="cb_index_document_quality"),
            models.Index(fields=["name"], name="cb_index_document_name"),
            models.Index(fields=["type", "ref"], name="cb_index_document_ref"),
        ]


class Word(models.Model):
    """A word of the index as people write it, its stem, and how it looks with one letter missing.

    ``documents`` counts the documents that have the stem; it is renewed with every complete run.
    """

    word = models.TextField(primary_key=True)
    stem = models.TextField()
    documents = models.IntegerField(default=1)
    near = ArrayField(models.TextField())

    class Meta:
        """Found by what it looks like, counted by stem."""

        db_table = "cb_index_word"
        indexes = [
            GinIndex(fields=["near"], name="cb_index_word_near"),
            models.Index(fields=["stem"], name="cb_index_word_stem"),
            models.Index(fields=["word"], name="cb_index_word_begins", opclasses=["text_pattern_ops"]),
        ]


class TypeState(models.Model):
    """How a type of document stands: when it was listed, what went wrong, what changed meanwhile.

    While a complete run is under way (``run_started_at``), ``touched`` gathers the refs that changed, so that
    the run ends with their newest state.
    """

    type = models.TextField(primary_key=True)
    documents = models.IntegerField(default=0)
    built_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0)
    run_started_at = models.DateTimeField(null=True)
    touched = ArrayField(models.TextField(), default=list)
    error = models.TextField(default="")
    failed_at = models.DateTimeField(null=True)
    format = models.IntegerField(default=0, help_text="Of the index; documents of an older one are written anew.")

    class Meta:
        """One row a type."""

        db_table = "cb_index_type"


class Semantics(models.Model):
    """Whether vectors can be used here, and which model made those that are stored: one row.

    ``state`` is ``probing`` only while the extension is tried; one that stays so was ended by a crash.
    """

    state = models.TextField(default="unknown")
    reason = models.TextField(default="")
    model = models.TextField(default="")
    dimensions = models.IntegerField(default=0)
    server = models.TextField(default="", help_text="The build of PostgreSQL and the extension that was tried.")
    probed_at = models.DateTimeField(null=True)

    class Meta:
        """One row."""

        db_table = "cb_index_semantics"
