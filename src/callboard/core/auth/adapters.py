"""Fit django-allauth into the portal: where people land, which addresses count, how secrets are kept."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from callboard.core.auth.throttle import attempt, client_ip, forgive
from callboard.core.config.current import portal_config


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators or by an identity provider, and say nothing about who exists."""

    _WRONG = _("The username or password is not right.")
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _WRONG,
        "email_password_mismatch": _WRONG,
        "invalid_login": _WRONG,
        "too_many_login_attempts": _("Too many attempts. Wait a few minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - as allauth calls it
        """Answer no: an account that picks its own name could pick somebody else's."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Whether a redirect stays in the portal."""
        return bool(url) and url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Limit attempts by address and by account, over all processes; only then look at the password.

        The limit of an account is wider, so that a stranger cannot easily keep its owner out.
        """
        limit = portal_config().auth.sign_in_attempts_per_minute
        by_address = attempt(f"sign-in ip {client_ip(request)}", limit, 60)
        by_account = attempt(_account_key(credentials), 3 * limit, 300)
        if not (by_address and by_account):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Answer the account whose password this is; a right one clears the account's failures."""
        user = super().authenticate(request, **credentials)
        if user is not None:
            forgive(_account_key(credentials))
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        """Answer the caller's address, as the portal's own limits see it."""
        return client_ip(request)


def _account_key(credentials: dict[str, Any]) -> str:
    return f"sign-in account {str(credentials.get('username') or credentials.get('email') or '').lower()}"


class MfaAdapter(DefaultMFAAdapter):
    """Keep the secrets of second factors encrypted."""

    def encrypt(self, text: str) -> str:
        """Encrypt what goes into the database."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt what comes from it."""
        return _fernet().decrypt(encrypted_text.encode()).decode()


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in settings.ENCRYPTION_KEYS])


def renew_second_factor(text: str) -> str:
    """Encrypt what :class:`MfaAdapter` encrypted anew, with the newest key."""
    return _fernet().rotate(text.encode()).decode()
