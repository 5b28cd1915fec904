"""Let people in and out: sign-in, guests, sign-out, the first administrator, one-time links."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.account.mixins import RedirectAuthenticatedUserMixin
from allauth.account.views import LoginView
from django.contrib.auth import login, logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from callboard.plugins.portal.services import accounts
from callboard.plugins.portal.services import sessions as _sessions  # noqa: F401 - connects the audit of sign-ins
from callboard.plugins.signin.public import (
    REFUSED_KEY,
    RefusedSignInError,
    form_wanted,
    passwords_allowed,
    remember_refusal,
    sign_in_by_proxy,
    ways_in,
)
from callboard.sdk.auth import (
    AccountError,
    attempt,
    client_ip,
    find_link,
    guests_welcome,
    start_guest_session,
)
from callboard.sdk.ui import render, toast

LINK_TRIES = 20
DIRECTORY = "callboard.plugins.signin.services.passwords.DirectoryBackend"
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignInForm(LoginForm):
    """Username or email address, and password; where the portal's own are switched off, a directory's."""

    def clean(self) -> dict[str, Any]:
        """Check them, and by whom they were checked."""
        cleaned: dict[str, Any] = super().clean()
        if self.user is not None and getattr(self.user, "backend", "") != DIRECTORY and not passwords_allowed():
            raise ValidationError(_("Accounts of the portal itself cannot sign in here. Use your organisation's."))
        return cleaned


@method_decorator(csrf_protect, name="dispatch")
@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SignIn(LoginView):
    """The sign-in page; django-allauth does the work."""

    form_class = SignInForm
    template_name = "portal/sign_in.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Skip allauth's own limit, which counts in one process; the adapter counts in the database."""
        if request.method == "POST":
            request.session.pop(REFUSED_KEY, None)
        elif not request.user.is_authenticated:
            try:
                answer = sign_in_by_proxy(request, safe_next(request))
            except RefusedSignInError as refused:
                remember_refusal(request, refused.outcome)
                return redirect("signin-refused")
            if answer is not None:
                return answer
        return RedirectAuthenticatedUserMixin.dispatch(self, request, *args, **kwargs)

    def form_invalid(self, form: LoginForm) -> HttpResponseBase:
        """Lead on to the explanation where a directory knows the person and yet they are not let in."""
        if REFUSED_KEY in self.request.session:
            return redirect("signin-refused")
        answer: HttpResponseBase = super().form_invalid(form)
        return answer

    def form_valid(self, form: LoginForm) -> HttpResponseBase:
        """Sign in; an earlier refusal is over."""
        self.request.session.pop(REFUSED_KEY, None)
        answer: HttpResponseBase = super().form_valid(form)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the ways in besides the password."""
        context = super().get_context_data(**kwargs)
        context |= {
            "next": safe_next(self.request),
            "guests_welcome": guests_welcome(),
            "providers": ways_in(safe_next(self.request)),
            "form_wanted": form_wanted(),
        }
        return context


@require_http_methods(["GET", "POST"])
@never_cache
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask, then end the session."""
    if request.method != "POST":
        return render(request, "portal/sign_out.html", {})
    if request.user.is_authenticated:
        logout(request)
    else:
        request.session.flush()
    toast(request, _("You are signed out."))
    return redirect("sign-in")


@require_POST
@never_cache
def guest(request: HttpRequest) -> HttpResponse:
    """Let a visitor look around."""
    if request.user.is_authenticated:
        return redirect(safe_next(request) or "/")
    accounts.start_as_guest()
    start_guest_session(request)
    return redirect(safe_next(request) or "/")


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters("password", "password_again", "token")
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first administrator, or choose a password, with a one-time link."""
    secret = (request.POST if request.method == "POST" else request.GET).get("token", "")
    allowed = attempt(f"link ip {client_ip(request)}", LINK_TRIES, 60)
    link = find_link(secret) if allowed and secret else None
    if link is None:
        return render(request, "portal/link_dead.html", {"too_many": not allowed}, status=404)
    values = {name: request.POST.get(name, "").strip() for name in ("username", "email", "name")}
    context: dict[str, Any] = {"token": secret, "purpose": link.purpose, "account": link.user, **values}
    if request.method != "POST":
        return render(request, "portal/setup.html", context)
    password = request.POST.get("password", "")
    try:
        accounts.same_twice(password, request.POST.get("password_again", ""))
        user = accounts.use_link(secret, password=password, **values)
    except AccountError as error:
        field = error.field if error.field in {*values, "password", "password_again"} else "form"
        return render(request, "portal/setup.html", {**context, "errors": {field: str(error)}}, status=422)
    if link.purpose == "setup":
        login(request, user, backend=_BACKEND)
        toast(request, _("Welcome. You are the administrator of this portal."))
        return redirect("/")
    # A second factor may be asked for, so the way in is the sign-in page.
    toast(request, _("Your password is set. Sign in with it."))
    return redirect("sign-in")


@never_cache
def inactive(request: HttpRequest) -> HttpResponse:
    """Say that an account is switched off; only its own password leads here."""
    return render(request, "portal/inactive.html", {}, status=403)


def safe_next(request: HttpRequest) -> str:
    """Answer where to go afterwards, if that is a page of this portal."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe else ""
