"""The page that says why somebody was not let in, and the page that asks about a program."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from callboard.plugins.signin.public import REFUSED_KEY
from callboard.plugins.signin.selectors import outcome_of, provider_of
from callboard.plugins.signin.services import programs
from callboard.plugins.signin.services.programs import OAuthError
from callboard.sdk.auth import User
from callboard.sdk.permissions import require
from callboard.sdk.ui import CONTENT_POLICY, render

EXPLAINED = {
    "domain": gettext_lazy("This portal lets in people of certain mail domains only, and yours is not among them."),
    "email-unconfirmed": gettext_lazy("Your identity provider does not say that your mail address is confirmed."),
    "unknown": gettext_lazy("Your identity provider knows you, but nobody in this portal's catalog matches you."),
    "ambiguous": gettext_lazy("More than one person in this portal's catalog matches you."),
    "conflict": gettext_lazy("The person you match has an account of another identity already."),
    "inactive": gettext_lazy("Your account is switched off."),
    "account": gettext_lazy("An account could not be made for you."),
    "provider-failed": gettext_lazy(
        "The identity provider cannot be used right now. Whoever is signed in already stays signed in."
    ),
    "provider-refused": gettext_lazy("The identity provider refused the sign-in."),
    "proxy": gettext_lazy("The proxy in front of this portal vouched for you in a way that cannot be trusted."),
    "state": gettext_lazy("This sign-in was begun in another browser, or too long ago."),
}
"""What the person is told; everything else is for the administrator's eyes."""


@require_GET
@never_cache
def refused(request: HttpRequest) -> HttpResponse:
    """Say to the person, and to nobody else, why the sign-in went no further."""
    if request.GET.get("reason") == "state":
        return render(request, "signin/refused.html", {"sentence": EXPLAINED["state"], "outcome": None}, status=400)
    outcome = outcome_of(request.session[REFUSED_KEY]) if REFUSED_KEY in request.session else None
    if outcome is None:
        return redirect("sign-in")
    provider = provider_of(outcome.provider, enabled_only=False)
    context = {
        "outcome": outcome,
        "provider": provider.title if provider else outcome.provider,
        "sentence": EXPLAINED.get(outcome.reason, _("You were not let in.")),
        "mine": bool(outcome.email or outcome.subject),
    }
    status = 503 if outcome.reason == "provider-failed" else 403
    return render(request, "signin/refused.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
def allow_program(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Ask the person whether a program may act for them."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    require("signin.program.allow")
    try:
        if request.method == "POST":
            allowed = request.POST.get("answer") == "allow"
            return _to_program(programs.approve(grant_id, user) if allowed else programs.reject(grant_id))
        grant = programs.asked(grant_id)
    except OAuthError:
        grant = None
    if grant is None:
        return render(request, "signin/allow_gone.html", {}, status=404)
    target = urlsplit(grant.redirect_uri)
    context = {
        "grant": grant,
        "goes_to": target.hostname or f"{target.scheme}:",
        "on_this_machine": target.hostname in {"127.0.0.1", "::1", "localhost"},
        "described_at": grant.client.pk if grant.client.source == "metadata" else "",
    }
    response = render(request, "signin/allow.html", context)
    # After the form the browser is sent on to the program, which counts as an address of the form.
    origin = f"{target.scheme}://{target.netloc}" if target.scheme in {"http", "https"} else f"{target.scheme}:"
    policy = {**CONTENT_POLICY, "form-action": f"'self' {origin}"}
    response["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    return response


def _to_program(address: str) -> HttpResponse:
    answer = HttpResponse(status=302)
    answer["Location"] = address
    return answer
