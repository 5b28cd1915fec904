"""Accounts of people, and API tokens."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from callboard.core.config.sealing import SealedField


class User(AbstractUser):
    """A person or service that can sign in; ``entity_ref`` names the User entity that describes them."""

    entity_ref = models.CharField(max_length=200, blank=True, db_index=True)
    theme = models.CharField(max_length=10, default="auto")
    language = models.CharField(max_length=10, blank=True)
    is_service = models.BooleanField(default=False)
    idp_groups = ArrayField(
        models.CharField(max_length=300), default=list, blank=True, help_text="Groups as <provider>:<group>."
    )
    description = models.CharField(max_length=300, blank=True, help_text="What a service account is for.")
    owner_ref = models.CharField(max_length=300, blank=True, help_text="Who answers for a service account.")
    session_epoch = models.PositiveIntegerField(default=0, help_text="Counting up ends every session.")

    class Meta(AbstractUser.Meta):
        """Table name; names and addresses are told apart without regard to case, as sign-in does."""

        db_table = "cb_auth_user"
        constraints = [
            models.UniqueConstraint(Lower("username"), name="cb_auth_user_username_ci"),
            models.UniqueConstraint(Lower("email"), name="cb_auth_user_email_ci", condition=~Q(email="")),
        ]

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Tie sessions to password and epoch, so that either ends them all at once."""
        value = f"{self.password}|{self.session_epoch}"
        return salted_hmac("callboard.session", value, secret=secret, algorithm="sha256").hexdigest()


class ApiToken(models.Model):
    """A token for programs. Only a hash of the secret is kept; ``hint`` is its recognisable beginning.

    ``scopes`` are ``read``, ``write``, ``admin`` or permission ids; a token never exceeds its user.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="api_tokens")
    subject = models.CharField(max_length=200, help_text="Entity ref or service:… the token acts as.")
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=16)
    scopes = ArrayField(models.CharField(max_length=100), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Table name and order."""

        db_table = "cb_auth_api_token"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        """Name and hint, never the secret."""
        return f"{self.name} ({self.hint}…)"


class UserSession(models.Model):
    """A session of a person: where it is and when it was last seen. The session itself is Django's."""

    key = models.CharField(max_length=40, primary_key=True, help_text="Key of the row in django_session.")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    provider = models.CharField(max_length=200, blank=True, help_text="Identity provider; empty is the portal itself.")
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        """Table name and order."""

        db_table = "cb_auth_session"
        ordering = ("-last_seen_at",)

    def __str__(self) -> str:
        """Where it is, never its key."""
        return f"{self.address} {self.user_agent[:60]}"


class SigningKey(models.Model):
    """A key that signs identity tokens (ES256). It is published until the last token it signed has ended."""

    kid = models.CharField(max_length=64, primary_key=True)
    public = models.JSONField(help_text="The public key as a JWK.")
    private = SealedField(purpose="signing-key:{pk}")
    created_at = models.DateTimeField(auto_now_add=True)
    retires_at = models.DateTimeField(help_text="It signs nothing from then on.")
    expires_at = models.DateTimeField(db_index=True, help_text="Nothing that it signed is valid from then on.")

    class Meta:
        """Table name and order: the key that signs comes first."""

        db_table = "cb_auth_signing_key"
        ordering = ("-retires_at",)

    def __str__(self) -> str:
        """Its id, never the key."""
        return self.kid


class OneTimeLink(models.Model):
    """A link that works once: the first administrator's set-up, or choosing a password. Only
    a hash is kept.
    """

    purpose = models.CharField(max_length=20)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Table name."""

        db_table = "cb_auth_one_time_link"

    def __str__(self) -> str:
        """Purpose and end, never the secret."""
        return f"{self.purpose} until {self.expires_at:%Y-%m-%d %H:%M}"


class Attempt(models.Model):
    """How often something was tried in the current window; shared by all processes."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)

    class Meta:
        """Table name."""

        db_table = "cb_auth_attempt"

    def __str__(self) -> str:
        """Key and count."""
        return f"{self.key[:8]}… {self.count}"
