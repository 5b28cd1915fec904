"""What django-allauth asks the portal about identity providers."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest


class SocialAdapter(DefaultSocialAccountAdapter):
    """Accounts are made by the resolvers alone, and requests go to judged addresses alone."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool:  # noqa: ARG002 - as allauth calls it
        """Answer no: nobody signs up past the resolvers."""
        return False

    def get_requests_session(self) -> Any:
        """Answer what requests are made with."""
        from callboard.plugins.signin.clients.web import GuardedSession  # noqa: PLC0415 - loads requests
        from callboard.plugins.signin.selectors import allowed_hosts  # noqa: PLC0415 - models must be ready

        return GuardedSession(allowed_hosts())
