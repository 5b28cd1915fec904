"""Tables of the catalog: sources emit, emissions become entities, versions and tombstones remember.

``Source → Emission → Entity (+ Body, Relation)``; ``Problem`` holds whatever could not be used,
``Version`` every superseded state and ``Tombstone`` what is gone but can be brought back.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now


class Source(models.Model):
    """Anything that emits entities: a location (file, url, git) or a provider's bucket.

    A location is known because somebody registered it or because a Location entity names it.
    ``due_at`` is when it is read next; ``lease_until`` keeps a second worker away meanwhile, for as long as
    the reader that ``lease_by`` names lives.
    ``fingerprint`` is the hash of what was read last together with the rules it was read under,
    so that unchanged input costs nothing.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    type = models.TextField()
    target = models.TextField()
    presence = models.TextField(default="required")
    registered = models.BooleanField(default=False)
    registered_at = models.DateTimeField(null=True)
    registered_by = models.TextField(default="")
    door = models.TextField(default="")
    trusted = models.BooleanField(default=False, help_text="May bring people and groups.")
    origin = models.TextField(default="", help_text="Location ref of the registration it was found through.")
    etag = models.TextField(default="")
    fingerprint = models.TextField(default="")
    files = ArrayField(models.TextField(), default=list, help_text="Local files it depends on.")
    read_at = models.DateTimeField(null=True)
    ok_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_by = models.BigIntegerField(default=0, db_default=0)
    failures = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Identity and the two questions asked of it: is it known, is it due."""

        db_table = "cb_catalog_source"
        constraints = [models.UniqueConstraint(fields=["type", "target"], name="cb_catalog_source_is")]
        indexes = [
            models.Index(fields=["due_at"], name="cb_catalog_source_due"),
            models.Index(fields=["registered_at"], name="cb_catalog_source_reg", condition=models.Q(registered=True)),
        ]

    def __str__(self) -> str:
        """The location ref."""
        return f"{self.type}:{self.target}"


class SourceLink(models.Model):
    """A Location entity names a source."""

    parent_ref = models.TextField()
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="links")
    presence = models.TextField(default="required")

    class Meta:
        """One row a link."""

        db_table = "cb_catalog_source_link"
        constraints = [models.UniqueConstraint(fields=["parent_ref", "source"], name="cb_catalog_source_link_is")]


class Emission(models.Model):
    """The last good word of a source about one entity; several sources may speak of the same one.

    ``entity`` is JSON text, complete with annotations and resolved placeholders, without relations.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="emissions")
    ref = models.TextField()
    location = models.TextField(help_text="Location ref of the file it stands in.")
    location_key = models.TextField(default="")
    line = models.IntegerField(default=0)
    digest = models.TextField()
    entity = models.TextField()
    first_seen_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        """A source says one thing about an entity."""

        db_table = "cb_catalog_emission"
        constraints = [models.UniqueConstraint(fields=["source", "ref"], name="cb_catalog_emission_is")]
        indexes = [models.Index(fields=["ref"], name="cb_catalog_emission_ref")]


class Entity(models.Model):
    """What the portal knows of an entity, in narrow columns that lists, filters and pages read.

    ``terms`` holds, lower-cased, ``key`` and ``key=value`` for every leaf of the entity: the query
    string filter is one array containment on it. ``fields`` holds the values in their own case, for
    facets and for ordering by anything.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    ref = models.TextField(unique=True)
    kind = models.TextField()
    namespace = models.TextField()
    name = models.TextField()
    kind_name = models.TextField(default="")
    display_name = models.TextField(default="")
    title = models.TextField(default="")
    description = models.TextField(default="")
    type = models.TextField(default="")
    lifecycle = models.TextField(default="")
    owner_ref = models.TextField(default="")
    system_ref = models.TextField(default="")
    tags = ArrayField(models.TextField(), default=list)
    terms = ArrayField(models.TextField(), default=list)
    fields = models.JSONField(default=dict)
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="entities")
    location = models.TextField(default="")
    location_key = models.TextField(default="")
    line = models.IntegerField(default=0)
    digest = models.TextField(default="")
    etag = models.TextField(default="")
    orphan = models.BooleanField(default=False)
    errors = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Indexes for lists by kind in the two orders that matter, for filters and for the stitcher."""

        db_table = "cb_catalog_entity"
        indexes = [
            models.Index(fields=["kind", "ref"], name="cb_catalog_entity_kind_ref"),
            models.Index(fields=["kind", "name", "id"], name="cb_catalog_entity_kind_name"),
            models.Index(fields=["name", "id"], name="cb_catalog_entity_name"),
            models.Index(fields=["owner_ref", "kind"], name="cb_catalog_entity_owner"),
            models.Index(fields=["source"], name="cb_catalog_entity_source"),
            models.Index(fields=["-changed_at"], name="cb_catalog_entity_changed"),
            GinIndex(fields=["terms"], name="cb_catalog_entity_terms", fastupdate=True),
        ]

    def __str__(self) -> str:
        """The entity ref."""
        return self.ref


class Body(models.Model):
    """The final entity as JSON text, ready to send."""

    entity = models.OneToOneField(Entity, primary_key=True, on_delete=models.CASCADE, related_name="body")
    json = models.TextField()

    class Meta:
        """Kept apart from the narrow columns, so that scans of those stay cheap."""

        db_table = "cb_catalog_body"


class Dirty(models.Model):
    """An entity whose relations or status changed: its final form has to be written anew.

    A table of its own, because a flag in the entity's row would rewrite all of that row's index entries.
    """

    ref = models.TextField(primary_key=True)

    class Meta:
        """Nothing but who."""

        db_table = "cb_catalog_dirty"


class State(models.Model):
    """One row whose token changes, by triggers, with every change of entities or relations."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    token = models.UUIDField(default=uuid.uuid4)

    class Meta:
        """Written by triggers alone."""

        db_table = "cb_catalog_state"


class Relation(models.Model):
    """One direction of a relation; both directions have a row. ``origin_ref`` is who declared it."""

    origin_ref = models.TextField()
    source_ref = models.TextField()
    type = models.TextField()
    target_ref = models.TextField()

    class Meta:
        """Two indexes: what an entity relates to, and who relates to an entity."""

        db_table = "cb_catalog_relation"
        constraints = [
            models.UniqueConstraint(
                fields=["source_ref", "type", "target_ref", "origin_ref"], name="cb_catalog_relation_is"
            )
        ]
        indexes = [
            models.Index(fields=["type", "target_ref", "source_ref"], name="cb_catalog_relation_to"),
            models.Index(fields=["origin_ref"], name="cb_catalog_relation_origin"),
        ]


class Problem(models.Model):
    """Something a source said that could not be used, or could not be read at all.

    It stays until a later reading of the same source no longer has it. ``document`` is the input
    as far as it could be parsed.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="problems")
    digest = models.TextField()
    ref = models.TextField(default="")
    code = models.TextField()
    severity = models.TextField(default="error")
    message = models.TextField()
    remedy = models.TextField(default="")
    url = models.TextField(default="")
    line = models.IntegerField(null=True)
    column = models.IntegerField(null=True)
    path = models.TextField(default="")
    document = models.JSONField(null=True)
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        """The same problem of the same source has one row, with its age."""

        db_table = "cb_catalog_problem"
        constraints = [models.UniqueConstraint(fields=["source", "digest"], name="cb_catalog_problem_is")]
        indexes = [
            models.Index(fields=["ref"], name="cb_catalog_problem_ref"),
            models.Index(fields=["-first_seen_at"], name="cb_catalog_problem_age"),
        ]


class Version(models.Model):
    """A state of an entity that was superseded or removed; the current one is the entity itself."""

    ref = models.TextField()
    uid = models.UUIDField()
    entity = models.TextField(help_text="JSON text as the source emitted it.")
    location = models.TextField(default="")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(db_default=Now())
    ended_by = models.TextField(default="", help_text="Who or what made the next state.")
    ended_how = models.TextField(default="changed")

    class Meta:
        """Asked for by entity, newest first."""

        db_table = "cb_catalog_version"
        indexes = [models.Index(fields=["ref", "-valid_to"], name="cb_catalog_version_of")]


class Tombstone(models.Model):
    """An entity that is gone: why, since when, and what is needed to bring it back."""

    ref = models.TextField()
    uid = models.UUIDField()
    kind = models.TextField()
    title = models.TextField(default="")
    reason = models.TextField()
    source_type = models.TextField(default="")
    source_target = models.TextField(default="")
    location = models.TextField(default="")
    entity = models.TextField()
    removed_at = models.DateTimeField(db_default=Now())
    removed_by = models.TextField(default="")
    undo_until = models.DateTimeField()
    restored_at = models.DateTimeField(null=True)

    class Meta:
        """Listed newest first."""

        db_table = "cb_catalog_tombstone"
        indexes = [
            models.Index(fields=["-removed_at"], name="cb_catalog_tombstone_age"),
            models.Index(fields=["ref"], name="cb_catalog_tombstone_ref"),
        ]


class Hold(models.Model):
    """A mass deletion that waits for somebody to confirm it: what a source suddenly no longer says.

    One row a source. ``state`` is ``open``, or ``kept`` once somebody decided that these entities stay.
    """

    source = models.OneToOneField(Source, on_delete=models.CASCADE, related_name="hold")
    refs = ArrayField(models.TextField(), default=list)
    known = models.IntegerField(default=0, help_text="How many entities the source had.")
    state = models.TextField(default="open")
    decided_by = models.TextField(default="")
    since = models.DateTimeField(db_default=Now())

    class Meta:
        """Few rows: there is a hold only while something is wrong."""

        db_table = "cb_catalog_hold"


class Redirect(models.Model):
    """A ref that was renamed: whoever asks for the old one is shown the new one."""

    old_ref = models.TextField(primary_key=True)
    new_ref = models.TextField()
    how = models.TextField(default="moved", help_text="`moved` was noticed, `declared` stands in an annotation.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Found by the old ref; by the new one when that is renamed in turn."""

        db_table = "cb_catalog_redirect"
        indexes = [models.Index(fields=["new_ref"], name="cb_catalog_redirect_to")]


class Star(models.Model):
    """A person's favourite."""

    user_ref = models.TextField()
    entity_ref = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        """Once each."""

        db_table = "cb_catalog_star"
        constraints = [models.UniqueConstraint(fields=["user_ref", "entity_ref"], name="cb_catalog_star_is")]


class SavedView(models.Model):
    """A catalog table that somebody wants to see again: its address under a name.

    ``audience`` is who sees it: ``""`` its owner alone, a group's ref that group, ``*`` everybody.
    A ``default`` is what the table of its kind opens with for its audience.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_ref = models.TextField()
    name = models.TextField()
    kind = models.TextField()
    address = models.TextField(help_text="The query string of the table.")
    audience = models.TextField(default="")
    default = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        """A person has one view of a name; asked for by owner and by audience."""

        db_table = "cb_catalog_saved_view"
        constraints = [models.UniqueConstraint(fields=["owner_ref", "name"], name="cb_catalog_saved_view_is")]
        indexes = [models.Index(fields=["audience"], name="cb_catalog_saved_view_for")]

    def __str__(self) -> str:
        """The name."""
        return self.name
