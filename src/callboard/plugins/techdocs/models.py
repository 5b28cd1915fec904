"""Tables of the documentation: sites, their pages, who reads them and what readers say."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Site(models.Model):
    """The documentation of one entity, at one version.

    ``state`` is how the last attempt went; what is served is the last good build, whose time is ``built_at``.
    ``lease_until`` keeps a second worker away while one builds. ``digest`` is the hash of everything the last
    good build was made from.
    """

    class State(models.TextChoices):
        """How the last attempt to build went."""

        WAITING = "waiting"
        BUILDING = "building"
        BUILT = "built"
        FAILED = "failed"

    ref = models.TextField()
    version = models.TextField(default="")
    kind = models.TextField(default="mkdocs", help_text="mkdocs, plain, openapi, adr or published.")
    target = models.TextField(default="")
    title = models.TextField(default="")
    description = models.TextField(default="")
    state = models.TextField(choices=State.choices, default=State.WAITING)
    error = models.TextField(default="")
    remedy = models.TextField(default="")
    log = models.TextField(default="")
    warnings = models.IntegerField(default=0)
    etag = models.TextField(default="")
    patterns = ArrayField(models.TextField(), default=list)
    local = models.TextField(default="", help_text="The local folder it is read from, if it is one.")
    commit = models.TextField(default="")
    digest = models.TextField(default="")
    stamp = models.TextField(default="", help_text="Changes with every published build; names what is cached.")
    nav = models.JSONField(default=list)
    page_count = models.IntegerField(default=0)
    size = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    run = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    built_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        """One site an entity and version."""

        db_table = "cb_techdocs_site"
        constraints = [models.UniqueConstraint(fields=["ref", "version"], name="cb_techdocs_site_is")]
        indexes = [
            models.Index(fields=["checked_at"], name="cb_techdocs_site_checked"),
            models.Index(fields=["state"], name="cb_techdocs_site_state", condition=models.Q(state="failed")),
        ]


class DocPage(models.Model):
    """A page of a site as reports see it: its text's hash, when that changed, which of its links are broken."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="pages")
    path = models.TextField()
    title = models.TextField(default="")
    digest = models.TextField()
    words = models.IntegerField(default=0)
    edit_url = models.TextField(default="")
    broken = models.JSONField(default=list, help_text="[target, why] of each link that leads nowhere.")
    changed_at = models.DateTimeField()

    class Meta:
        """A path holds one page."""

        db_table = "cb_techdocs_page"
        constraints = [models.UniqueConstraint(fields=["site", "path"], name="cb_techdocs_page_is")]
        indexes = [models.Index(fields=["changed_at"], name="cb_techdocs_page_changed")]


class Reading(models.Model):
    """How often a page was opened on a day."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="readings")
    path = models.TextField()
    day = models.DateField()
    count = models.IntegerField(default=0)

    class Meta:
        """One row a page and day."""

        db_table = "cb_techdocs_reading"
        constraints = [models.UniqueConstraint(fields=["site", "path", "day"], name="cb_techdocs_reading_is")]
        indexes = [models.Index(fields=["day"], name="cb_techdocs_reading_day")]


class Vote(models.Model):
    """Whether a page helped somebody; each person has one vote a page."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="votes")
    path = models.TextField()
    person = models.TextField()
    helpful = models.BooleanField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        """One vote each."""

        db_table = "cb_techdocs_vote"
        constraints = [models.UniqueConstraint(fields=["site", "path", "person"], name="cb_techdocs_vote_is")]


class Remark(models.Model):
    """What a reader says about a page or one of its sentences; it closes when the page changes."""

    class State(models.TextChoices):
        """Whether it still waits for the owner."""

        OPEN = "open"
        CLOSED = "closed"

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="remarks")
    path = models.TextField()
    page_digest = models.TextField(default="")
    quote = models.TextField(default="")
    text = models.TextField()
    author = models.TextField()
    author_name = models.TextField(default="")
    state = models.TextField(choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)
    closed_by = models.TextField(default="")
    closed_because = models.TextField(default="")

    class Meta:
        """Open ones are what is asked for."""

        db_table = "cb_techdocs_remark"
        indexes = [
            models.Index(fields=["site", "path"], name="cb_techdocs_remark_page"),
            models.Index(fields=["created_at"], name="cb_techdocs_remark_open", condition=models.Q(state="open")),
        ]
