"""Providers made in the UI, sign-ins refused or tried, SCIM, and programs that sign people in with the portal."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from callboard.sdk.config import SealedField


class ProviderRow(models.Model):
    """A provider made in the UI: its settings, and apart from them its secrets."""

    id = models.SlugField(primary_key=True, max_length=40)
    settings = models.JSONField()
    secrets = SealedField(blank=True, purpose="signin-provider:{pk}")
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=300)

    class Meta:
        """Table and order."""

        db_table = "cb_signin_provider"
        ordering = ("id",)

    def __str__(self) -> str:
        """Its id, never its secrets."""
        return self.id


class Outcome(models.Model):
    """A sign-in that was refused, or tried as a test: all that the provider said, and what each resolver found."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    provider = models.CharField(max_length=40)
    test = models.BooleanField(default=False)
    reason = models.CharField(max_length=40, blank=True, help_text="Why not; empty where a test would have let in.")
    subject = models.CharField(max_length=300, blank=True, help_text="How the person is called there.")
    email = models.CharField(max_length=320, blank=True)
    entity_ref = models.CharField(max_length=300, blank=True)
    address = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        """Table and order."""

        db_table = "cb_signin_outcome"
        ordering = ("-at",)

    def __str__(self) -> str:
        """One line for logs."""
        return f"{self.provider}: {self.reason or 'would be let in'}"


class UsedToken(models.Model):
    """Something that works once and was used: the assertion of a SAML provider."""

    key = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(db_index=True)

    class Meta:
        """Table."""

        db_table = "cb_signin_used_token"

    def __str__(self) -> str:
        """Its key."""
        return self.key


class ScimResource(models.Model):
    """A user or group as an identity provider pushed it."""

    class Type(models.TextChoices):
        """What it is."""

        USER = "User", "User"
        GROUP = "Group", "Group"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=5, choices=Type.choices)
    name = models.CharField(max_length=300, help_text="userName or displayName, in lower case.")
    external_id = models.CharField(max_length=300, blank=True, db_index=True)
    resource = models.JSONField(help_text="The resource without id and meta.")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    members = models.ManyToManyField("self", symmetrical=False, related_name="member_of", blank=True,
                                     db_table="cb_signin_scim_member")  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        """Table; names are unique within a type."""

        db_table = "cb_signin_scim_resource"
        ordering = ("created_at", "id")
        constraints = (models.UniqueConstraint(fields=["type", "name"], name="cb_signin_scim_name"),)

    def __str__(self) -> str:
        """Type and name."""
        return f"{self.type} {self.name}"


class Client(models.Model):
    """A program that signs people in with the portal (OpenID Connect)."""

    id = models.CharField(primary_key=True, max_length=500)
    name = models.CharField(max_length=200)
    secret_digest = models.CharField(max_length=64, blank=True, help_text="Empty for programs that keep no secret.")
    redirect_uris = ArrayField(models.CharField(max_length=1000))
    source = models.CharField(max_length=20, default="dynamic", help_text="dynamic, metadata or admin")
    uri = models.CharField(max_length=1000, blank=True, help_text="Home page of the program.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Table and order."""

        db_table = "cb_signin_client"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        """Its name."""
        return self.name


class Grant(models.Model):
    """What a person allowed a program: asked for, then a code, then tokens that are renewed."""

    class State(models.TextChoices):
        """How far it has come."""

        ASKED = "asked", "Asked"
        CODE = "code", "Code handed out"
        LIVE = "live", "In use"
        ENDED = "ended", "Ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    redirect_uri = models.CharField(max_length=1000)
    client_state = models.CharField(max_length=2000, blank=True)
    nonce = models.CharField(max_length=500, blank=True)
    challenge = models.CharField(max_length=128)
    code_digest = models.CharField(max_length=64, blank=True, db_index=True)
    refresh_digest = models.CharField(max_length=64, blank=True, db_index=True)
    earlier_refresh = ArrayField(models.CharField(max_length=64), default=list)
    session_epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Table and order."""

        db_table = "cb_signin_grant"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        """State and program."""
        return f"{self.client_id} {self.state}"
