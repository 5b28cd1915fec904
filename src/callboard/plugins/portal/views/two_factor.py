"""Second factors: django-allauth's views with the portal's templates and limits."""

from __future__ import annotations

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeReauthenticateView
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.core.exceptions import ValidationError
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


authenticate = AuthenticateView.as_view(form_class=CodeForm, template_name="portal/two_factor.html")
reauthenticate = ReauthenticateView.as_view(template_name="portal/confirm_password.html")
reauthenticate_code = CodeReauthenticateView.as_view(template_name="portal/confirm_code.html")
activate = ActivateTOTPView.as_view(template_name="portal/two_factor_on.html")
deactivate = DeactivateTOTPView.as_view(template_name="portal/two_factor_off.html")
recovery_codes = ViewRecoveryCodesView.as_view(template_name="portal/recovery_codes.html")
generate_recovery_codes = GenerateRecoveryCodesView.as_view(template_name="portal/recovery_codes_new.html")
