"""Passwords that a directory checks: an authentication backend of Django over LDAP."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from callboard.plugins.signin.selectors import allowed_hosts, providers
from callboard.plugins.signin.services.entering import RefusedSignInError, admit, note_failure
from callboard.plugins.signin.services.letting_in import remember_refusal
from callboard.plugins.signin.types import ProviderFailedError
from callboard.sdk.auth import PROVIDER_KEY, User, client_ip


class DirectoryBackend(BaseBackend):
    """Ask every directory that is set up whether name and password are right."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Answer the account, or nothing; why somebody is known and yet not let in is kept for the page."""
        if request is None:
            return None
        username = str(credentials.get("username") or credentials.get("email") or "")
        password = str(credentials.get("password") or "")
        for provider in providers():
            if provider.kind != "ldap":
                continue
            from callboard.plugins.signin.clients.directory import vouched_by_password  # noqa: PLC0415 - loads ldap3

            try:
                who = vouched_by_password(provider, username, password, allowed_hosts())
            except ProviderFailedError as error:
                # Other ways may still work; the page says that this one does not.
                remember_refusal(request, note_failure(provider.id, "provider-failed", str(error), client_ip(request)))
                continue
            if who is None:
                continue
            try:
                user = admit(provider, who, client_ip(request))
            except RefusedSignInError as refused:
                remember_refusal(request, refused.outcome)
                return None
            request.session[PROVIDER_KEY] = provider.id
            return user
        return None

    def get_user(self, user_id: int) -> User | None:
        """Answer the account of a session."""
        return User.objects.filter(pk=user_id, is_active=True).first()
