"""Second factors: django-allauth's views with the portal's templates and limits.

They are imported when somebody first needs one: they bring the whole of FIDO2 along.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from callboard.sdk.auth import attempt, client_ip

CODE_TRIES = 10
PASSKEY_TRIES = 30
View = Callable[..., HttpResponseBase]


def _confirmed(view: View, request: HttpRequest, arguments: dict[str, Any]) -> HttpResponseBase:
    """Ask who it is once more where allauth wants that; it says so by raising."""
    from allauth.core.exceptions import (  # noqa: PLC0415 - see above
        ImmediateHttpResponse,
        RateLimited,
        ReauthenticationRequired,
    )

    try:
        return view(request, **arguments)
    except ReauthenticationRequired:
        query = urlencode({"next": request.get_full_path()})
        return redirect(f"{reverse('account_reauthenticate')}?{query}")
    except RateLimited:
        return HttpResponse(_("Too many attempts. Wait a few minutes, then try again."), status=429)
    except ImmediateHttpResponse as answer:
        response: HttpResponse = answer.response
        return response


@cache
def _view(name: str) -> View:
    from allauth.account.views import ReauthenticateView  # noqa: PLC0415 - see above
    from allauth.mfa.base.forms import AuthenticateForm  # noqa: PLC0415
    from allauth.mfa.base.views import AuthenticateView  # noqa: PLC0415
    from allauth.mfa.base.views import ReauthenticateView as CodeView  # noqa: PLC0415
    from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView  # noqa: PLC0415
    from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView  # noqa: PLC0415
    from allauth.mfa.webauthn.views import (  # noqa: PLC0415
        AddWebAuthnView,
        LoginWebAuthnView,
        ReauthenticateWebAuthnView,
        RemoveWebAuthnView,
    )
    from django.core.exceptions import ValidationError  # noqa: PLC0415

    class CodeForm(AuthenticateForm):
        """A code of the authenticator app, or a recovery code."""

        def clean_code(self) -> str:
            """Check the code, a limited number of times over all processes."""
            if not attempt(f"second factor {self.user.pk}", CODE_TRIES, 300):
                raise ValidationError(_("Too many attempts. Wait a few minutes, then try again."))
            code: str = super().clean_code()
            return code

    views: dict[str, View] = {
        "authenticate": AuthenticateView.as_view(form_class=CodeForm, template_name="portal/two_factor.html"),
        "reauthenticate": ReauthenticateView.as_view(template_name="portal/confirm_password.html"),
        "reauthenticate_code": CodeView.as_view(template_name="portal/confirm_code.html"),
        "reauthenticate_key": ReauthenticateWebAuthnView.as_view(template_name="portal/confirm_key.html"),
        "activate": ActivateTOTPView.as_view(template_name="portal/two_factor_on.html"),
        "deactivate": DeactivateTOTPView.as_view(template_name="portal/two_factor_off.html"),
        "recovery_codes": ViewRecoveryCodesView.as_view(template_name="portal/recovery_codes.html"),
        "generate_recovery_codes": GenerateRecoveryCodesView.as_view(template_name="portal/recovery_codes_new.html"),
        "add_key": AddWebAuthnView.as_view(template_name="portal/key_add.html"),
        "remove_key": RemoveWebAuthnView.as_view(template_name="portal/key_remove.html"),
        "sign_in_by_key": LoginWebAuthnView.as_view(),
    }
    return views[name]


def _lazily(name: str) -> View:
    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        return _confirmed(_view(name), request, arguments)

    return view


def sign_in_by_key(request: HttpRequest) -> HttpResponseBase:
    """Sign in with a passkey alone: answer the challenge, or take what the browser made of it."""
    if not attempt(f"passkey ip {client_ip(request)}", PASSKEY_TRIES, 60):
        return JsonResponse({"error": _("Too many attempts. Wait a few minutes, then try again.")}, status=429)
    return _confirmed(_view("sign_in_by_key"), request, {})


authenticate = _lazily("authenticate")
reauthenticate = _lazily("reauthenticate")
reauthenticate_code = _lazily("reauthenticate_code")
reauthenticate_key = _lazily("reauthenticate_key")
activate = _lazily("activate")
deactivate = _lazily("deactivate")
recovery_codes = _lazily("recovery_codes")
generate_recovery_codes = _lazily("generate_recovery_codes")
add_key = _lazily("add_key")
remove_key = _lazily("remove_key")
