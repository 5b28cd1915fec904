"""The first page of access: what is in force, drafts, versions; begin, import, and view as."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors.active import document_of, policy
from callboard.plugins.rbac.selectors.policies import drafts, version, versions
from callboard.plugins.rbac.selectors.reach import by_roles, population
from callboard.plugins.rbac.selectors.requests import holding_grants, waiting_for
from callboard.plugins.rbac.services import files, policies, viewing
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.types.deciding import Compiled
from callboard.plugins.rbac.types.ready import starting_policy, strict_policy
from callboard.plugins.rbac.views.parts import READ, found_people, refuse, row_or_404, text
from callboard.sdk.permissions import decide, require, start_viewing, stop_viewing
from callboard.sdk.ui import offset_page, render, toast


@require_safe
def access_home(request: HttpRequest) -> HttpResponse:
    """Show the policy in force, drafts, versions, and what waits for somebody."""
    require(READ)
    row = version()
    document = document_of(row) if row else starting_policy()
    compiled = policy.active().compiled or Compiled(document)
    counts: dict[str, int] = {}
    for places, people in by_roles(compiled, population()).items():
        for place in places:
            name = compiled.document.roles[place].name
            counts[name] = counts.get(name, 0) + len(people)
    roles = [(role, counts.get(role.name, 0)) for role in document.roles]
    context: dict[str, Any] = {
        "active": row,
        "document": document,
        "roles": roles[:12],
        "more_roles": max(0, len(roles) - 12),
        "drafts": drafts(),
        "page": offset_page(request, versions().exclude(number=None)),
        "waiting": waiting_for(),
        "grants": holding_grants().count(),
        "drift": files.drift(),
        "may_create": decide(policies.CREATE).allowed,
        "may_publish": decide(policies.PUBLISH).allowed,
        "may_view_as": decide(viewing.VIEW_AS).allowed,
        "tab": "overview",
    }
    return render(request, "rbac/home.html", context)


@require_POST
def access_begin(request: HttpRequest) -> HttpResponse:
    """Begin a draft: of what is in force, of a ready-made policy, of an earlier version, or of files."""
    try:
        row = _begin(request)
    except AccessError as error:
        if error.problems:
            return render(
                request, "rbac/import.html", {"error": error, "yaml": text(request, "yaml", 8_000_000)}, status=422
            )
        refuse(request, error)
        return redirect("access")
    return redirect("access-policy", policy_id=row.pk)


def _begin(request: HttpRequest) -> Policy:
    how = text(request, "from", 40)
    if how == "file":
        uploaded = request.FILES.get("file")
        content = uploaded.read().decode("utf-8", "replace") if uploaded else request.POST.get("yaml", "")
        name = (uploaded.name or "") if uploaded else "policy.yaml"
        if name.endswith(".csv"):
            row, imported = files.import_community(content, request.POST.get("conditions", ""))
            if imported.problems:
                lines = "; ".join(str(problem) for problem in imported.problems[:3])
                toast(
                    request,
                    _("%(n)d lines were left out: %(lines)s") % {"n": len(imported.problems), "lines": lines},
                    "warning",
                )
            return row
        return files.import_policy(content, url=name)
    if how in {"starting", "strict"}:
        return policies.begin_draft(starting_policy() if how == "starting" else strict_policy())
    if how:
        try:
            return policies.duplicate_policy(UUID(how))
        except ValueError:
            raise AccessError(_("There is no such policy.")) from None
    return policies.begin_draft()


@require_GET
def access_import(request: HttpRequest) -> HttpResponse:
    """Ask for a policy file."""
    require(policies.CREATE)
    return render(request, "rbac/import.html", {})


@require_safe
def access_yaml(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """Hand out a version as a file."""
    row = row_or_404(policy_id)
    response = HttpResponse(files.export_policy(row), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="policy-{row.number or "draft"}.yaml"'
    return response


@require_GET
def access_people(request: HttpRequest) -> HttpResponse:
    """Suggest people and groups for what was typed."""
    require(READ)
    words = text(request, "member", 200) or text(request, "who", 200) or text(request, "ref", 200)
    return render(request, "rbac/_people.html", {"people": found_people(words)})


@require_POST
def view_as_start(request: HttpRequest) -> HttpResponse:
    """Look at the portal with somebody else's eyes."""
    try:
        seen = viewing.begin_viewing(text(request, "ref", 300))
    except AccessError as error:
        refuse(request, error)
        return redirect("access")
    start_viewing(request, seen.ref, viewing.VIEW_AS, reverse("access-view-as-stop"))
    return _whole(request, "/")


def view_as_stop(request: HttpRequest) -> HttpResponse:
    """Be oneself again. A link is enough: nothing is lost by it."""
    viewing.finish_viewing(stop_viewing(request))
    return _whole(request, reverse("access"))


def _whole(request: HttpRequest, address: str) -> HttpResponse:
    """Send the browser on so that the frame around the page is drawn anew, too."""
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=200)
        response["HX-Redirect"] = address
        return response
    return redirect(address)
