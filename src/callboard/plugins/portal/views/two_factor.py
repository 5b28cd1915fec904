"""Second factors: django-allauth's views with the portal's templates and limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.views import ReauthenticateView
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeReauthenticateView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from callboard.sdk.auth import attempt

CODE_TRIES = 10


class CodeForm(AuthenticateForm):
    """A code of the authenticator app, or a recovery code."""

    def clean_code(self) -> str:
        """Check the code, a limited number of times over all processes."""
        if not attempt(f"second factor {self.user.pk}", CODE_TRIES, 300):
            raise ValidationError(_("Too many attempts. Wait a few minutes, then try again."))
        code: str = super().clean_code()
        return code


View = Callable[..., HttpResponseBase]


def _confirmed(view: View) -> View:
    """Ask who it is once more where allauth wants that; it says so by raising."""

    @wraps(view)
    def asking(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        try:
            return view(request, **arguments)
        except ReauthenticationRequired:
            query = urlencode({"next": request.get_full_path()})
            return redirect(f"{reverse('account_reauthenticate')}?{query}")
        except ImmediateHttpResponse as answer:
            response: HttpResponse = answer.response
            return response

    return asking


authenticate = _confirmed(AuthenticateView.as_view(form_class=CodeForm, template_name="portal/two_factor.html"))
reauthenticate = _confirmed(ReauthenticateView.as_view(template_name="portal/confirm_password.html"))
reauthenticate_code = _confirmed(CodeReauthenticateView.as_view(template_name="portal/confirm_code.html"))
activate = _confirmed(ActivateTOTPView.as_view(template_name="portal/two_factor_on.html"))
deactivate = _confirmed(DeactivateTOTPView.as_view(template_name="portal/two_factor_off.html"))
recovery_codes = _confirmed(ViewRecoveryCodesView.as_view(template_name="portal/recovery_codes.html"))
generate_recovery_codes = _confirmed(GenerateRecoveryCodesView.as_view(template_name="portal/recovery_codes_new.html"))
