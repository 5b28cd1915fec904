"""Ask for access, see one's requests, and decide on those of others."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callboard.plugins.rbac.models import AccessRequest
from callboard.plugins.rbac.selectors.active import policy
from callboard.plugins.rbac.selectors.policies import permission_named
from callboard.plugins.rbac.selectors.requests import (
    DECIDE,
    holding_grants,
    offers,
    own_requests,
    requests_to_decide,
    role_in_force,
)
from callboard.plugins.rbac.selectors.sentences import permission_words, statement_sentence
from callboard.plugins.rbac.services import requests
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.services.policies import settings
from callboard.plugins.rbac.views.parts import refuse, text
from callboard.sdk.permissions import decide, require
from callboard.sdk.ui import offset_page, render, toast


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Offer the roles that would open what was refused, and ask for one of them."""
    require(requests.ASK)
    permission, page = text(request, "permission", 200), _own_path(text(request, "page", 1000))
    context: dict[str, Any] = {
        "permission": permission,
        "page": page,
        "days": min(7, settings().request_days),
        "limit": settings().request_days,
        "values": {},
        "policy_exists": policy.active().compiled is not None,
    }
    if request.method == "POST":
        days = text(request, "days", 5)
        try:
            requests.ask_for_access(
                text(request, "role", 100),
                text(request, "reason"),
                int(days) if days.isdecimal() else 0,
                permission=permission,
                page=page,
            )
        except AccessError as error:
            context |= {"error": error, "values": {name: text(request, name) for name in ("role", "reason", "days")}}
        else:
            toast(request, _("Your request is on its way."))
            return redirect("access-requests")
    try:
        known = permission_named(permission).id if permission else ""
    except LookupError:
        known = ""
    found = offers(known)
    context |= {
        "what": permission_words(known) if known else "",
        "offers": [(offer, [statement_sentence(s) for s in offer.role.decisions[:4]]) for offer in found],
        "may_decide": decide(DECIDE).allowed,
    }
    return render(request, "rbac/ask.html", context, status=422 if "error" in context else 200)


@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    """Show one's own requests, those that wait for one's decision, and what is granted now."""
    require(requests.ASK)
    every = requests_to_decide()
    waiting = every.filter(state=AccessRequest.State.PENDING)
    manager = decide(DECIDE).allowed
    context = {
        "waiting": [(item, role_in_force(item.role)) for item in waiting[:100]],
        "page": offset_page(request, every.exclude(state=AccessRequest.State.PENDING)),
        "own": own_requests()[:50],
        "grants": holding_grants()[:200] if manager else [],
        "manager": manager,
        "limit": settings().request_days,
        "tab": "requests",
    }
    return render(request, "rbac/requests.html", context)


@require_POST
def request_action(request: HttpRequest, request_id: UUID, action: str) -> HttpResponse:
    """Grant, refuse or withdraw a request."""
    try:
        if action in {"approve", "deny"}:
            days = text(request, "days", 5)
            requests.decide_request(
                request_id,
                approve=action == "approve",
                days=int(days) if days.isdecimal() else None,
                answer=text(request, "answer"),
            )
            toast(request, _("Granted.") if action == "approve" else _("Refused."))
        elif action == "withdraw":
            requests.withdraw_request(request_id)
            toast(request, _("Withdrawn."))
        else:
            raise Http404(_("Requests know no such action."))
    except AccessError as error:
        refuse(request, error)
    return redirect("access-requests")


@require_POST
def grant_end(request: HttpRequest, grant_id: int) -> HttpResponse:
    """End access before its time."""
    try:
        requests.end_grant(grant_id)
        toast(request, _("Ended."))
    except AccessError as error:
        refuse(request, error)
    return redirect("access-requests")


def _own_path(page: str) -> str:
    """Answer the path if it is one of this portal: what others wrote into the address must lead nowhere else."""
    parts = urlsplit(page)
    own = (
        page.startswith("/")
        and not page.startswith("//")
        and "\\" not in page
        and not parts.scheme
        and not parts.netloc
    )
    return page if own else ""
