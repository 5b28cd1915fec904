"""Show the first page."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.plugins.catalog.public import load_demo
from callboard.plugins.home import selectors
from callboard.sdk.auth import principal
from callboard.sdk.permissions import NotAllowedError, decide, require
from callboard.sdk.ui import render, toast


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what is yours, what needs you and where to go next."""
    who = principal()
    page = selectors.first_page()
    owners = [("filters[owner]", ref) for ref in (who.ownership_refs or (who.ref,))[:50]]
    context = {
        "greeting": _greeting(who.name, guest=who.type == "guest"),
        "page": page,
        "owned": [
            {
                "plural": item.plural,
                "icon": item.icon,
                "count": item.count,
                "url": f"{reverse('catalog')}?{urlencode([('kind', item.kind), *owners], safe='[]:/')}",
            }
            for item in page.owned
        ],
        "widgets": selectors.widgets(request),
        "guest": who.type == "guest",
        "may_register": decide("catalog.location.create").result != "deny",
    }
    return render(request, "home/home.html", context)


def _greeting(name: str, *, guest: bool) -> str:
    if guest:
        return _("Welcome")
    hour = timezone.localtime().hour
    words = {"name": name.split(" ", maxsplit=1)[0] or name}
    if hour < 5 or hour >= 18:
        return _("Good evening, %(name)s") % words
    if hour < 12:
        return _("Good morning, %(name)s") % words
    return _("Good afternoon, %(name)s") % words


@require_POST
def demo(request: HttpRequest) -> HttpResponse:
    """Register the demo organisation."""
    require("catalog.location.create")
    if not principal().administrator:
        # It brings people and groups, and only administrators may say who those are.
        raise NotAllowedError("catalog.location.create", _("the demo organisation is loaded by administrators"))
    load_demo()
    toast(request, _("The demo organisation is being read; it shows within seconds."), "info")
    return HttpResponseRedirect(reverse("home"))
