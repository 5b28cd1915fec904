"""The ways in and out. Some pages bear django-allauth's names, because it links to them."""

from callboard.plugins.portal.views import entrance, two_factor
from callboard.sdk.contributions import Page

_sign_in = entrance.SignIn.as_view()

contributions = (
    Page(id="portal.sign-in", title="Sign in", path="sign-in", view=_sign_in, name="sign-in", anonymous=True),
    Page(
        id="portal.sign-in-allauth",
        title="Sign in",
        path="sign-in",
        view=_sign_in,
        name="account_login",
        anonymous=True,
    ),
    Page(
        id="portal.sign-in-code",
        title="Second factor",
        path="sign-in/code",
        view=two_factor.authenticate,
        name="mfa_authenticate",
        anonymous=True,
    ),
    Page(
        id="portal.sign-in-key",
        title="Sign in with a passkey",
        path="sign-in/key",
        view=two_factor.sign_in_by_key,
        name="mfa_login_webauthn",
        anonymous=True,
    ),
    Page(
        id="portal.inactive",
        title="Account switched off",
        path="sign-in/inactive",
        view=entrance.inactive,
        name="account_inactive",
        anonymous=True,
    ),
    Page(
        id="portal.guest",
        title="Look around as a guest",
        path="sign-in/guest",
        view=entrance.guest,
        name="guest",
        anonymous=True,
    ),
    Page(
        id="portal.sign-out",
        title="Sign out",
        path="sign-out",
        view=entrance.sign_out,
        name="sign-out",
        anonymous=True,
    ),
    Page(id="portal.setup", title="Set-up", path="setup", view=entrance.setup, name="setup", anonymous=True),
)
