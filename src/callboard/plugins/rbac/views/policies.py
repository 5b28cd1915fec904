"""One version of the policy: its roles, what would change, how it differs, and putting it in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors.active import document_of
from callboard.plugins.rbac.selectors.checking import problems_of
from callboard.plugins.rbac.selectors.differing import differences
from callboard.plugins.rbac.selectors.policies import version, versions
from callboard.plugins.rbac.selectors.sentences import member_words, statement_sentence
from callboard.plugins.rbac.services import files, policies
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.types.document import RESOLUTIONS, Member, PolicyDocument, Role
from callboard.plugins.rbac.types.ready import READY_ROLES, starting_policy
from callboard.plugins.rbac.views.parts import READ, names, refuse, row_or_404, text
from callboard.sdk.permissions import decide, require
from callboard.sdk.ui import offset_page, render, toast

SHOWN_PEOPLE = 12


@require_safe
def policy_detail(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """Show a version: its roles, its changes, its differences, its text, its settings."""
    require(READ)
    row = row_or_404(policy_id)
    document = document_of(row)
    tab = request.GET.get("tab", "roles")
    context = _frame(row, document, tab)
    if tab == "changes":
        context |= _changes(row, document)
    elif tab == "differences":
        other = _uuid(request.GET.get("against", ""))
        before = row_or_404(other) if other else row.based_on or version()
        context |= {
            "before": before,
            "diff": differences(document_of(before) if before else starting_policy(), document),
            "versions": versions().exclude(pk=row.pk),
        }
    elif tab == "text":
        context |= {"yaml": files.export_policy(row)}
    elif tab == "roles":
        called = names()
        page = offset_page(request, document.roles, size=50)
        context |= {"page": page, "roles": [_role_row(role, called) for role in page.items], "ready": READY_ROLES}
    return render(request, "rbac/policy.html", context)


def _frame(row: Policy, document: PolicyDocument, tab: str) -> dict[str, Any]:
    problems = problems_of(document)
    draft = row.status == Policy.Status.DRAFT
    return {
        "row": row,
        "document": document,
        "draft": draft,
        "tab": tab,
        "problems": problems,
        "errors": [p for p in problems if p.severity == "error"],
        "resolutions": RESOLUTIONS,
        "may_edit": draft and decide(policies.UPDATE).allowed,
        "may_publish": decide(policies.PUBLISH).allowed,
        "may_delete": draft and decide(policies.DELETE).allowed,
        "second_approver": policies.settings().second_approver,
        "approvals": row.approvals.filter(digest=row.digest),
        "approved": policies.approved(row),
    }


def _role_row(role: Role, called: dict[str, str]) -> dict[str, Any]:
    return {
        "role": role,
        "members": [member_words(member, called) for member in role.members[:4]],
        "more_members": max(0, len(role.members) - 4),
        "sentences": [(s.effect, statement_sentence(s)) for s in role.decisions[:4]],
        "more_sentences": max(0, len(role.decisions) - 4),
    }


def _changes(row: Policy, document: PolicyDocument) -> dict[str, Any]:
    seen = policies.look_ahead(document)
    return {
        "seen": seen,
        "shown": SHOWN_PEOPLE,
        "now": timezone.localtime().strftime("%Y-%m-%dT%H:%M"),
        "editor": row.updated_by,
    }


@require_POST
def policy_action(request: HttpRequest, policy_id: UUID, action: str) -> HttpResponse:
    """Publish, schedule, approve, go back, delete, change the settings or the text of a version."""
    try:
        return _act(request, policy_id, action)
    except AccessError as error:
        row = version(policy_id)
        if row is None:
            refuse(request, error)
            return redirect("access")
        tab = {"text": "text", "settings": "settings", "roles": "roles"}.get(action, "changes")
        document = document_of(row)
        context = _frame(row, document, tab) | {"error": error}
        if tab == "changes":
            context |= _changes(row, document)
        elif tab == "text":
            context |= {"yaml": request.POST.get("yaml", "")}
        elif tab == "roles":
            refuse(request, error)
            return redirect("access-policy", policy_id=policy_id)
        return render(request, "rbac/policy.html", context, status=422)


def _act(request: HttpRequest, policy_id: UUID, action: str) -> HttpResponse:
    confirmed = request.POST.get("accept_elevation") == "on"
    if action == "publish":
        revision = int(request.POST.get("revision") or 0) or None
        row = policies.publish_policy(
            policy_id, note=text(request, "note"), revision=revision, accept_elevation=confirmed
        )
        toast(request, _("Version %(n)s is in force.") % {"n": row.number})
        return redirect("access")
    if action == "roll-back":
        row = policies.roll_back(policy_id, note=text(request, "note"), accept_elevation=confirmed)
        toast(request, _("Version %(n)s is in force.") % {"n": row.number})
        return redirect("access")
    if action == "end":
        policies.end_policy(note=text(request, "note"))
        toast(request, _("No policy is in force: the portal decides as it does without one."))
        return redirect("access")
    if action == "delete":
        policies.delete_draft(policy_id)
        toast(request, _("The draft was deleted."))
        return redirect("access")
    if action == "schedule":
        policies.schedule_policy(policy_id, _moment(text(request, "publish_at", 40)))
        toast(request, _("Saved."))
    elif action == "approve":
        policies.approve_policy(policy_id, text(request, "note"))
        toast(request, _("Approved."))
    elif action == "settings":
        _settings(request, policy_id)
        toast(request, _("Saved."))
    elif action == "text":
        files.import_policy(request.POST.get("yaml", "").replace("\r\n", "\n"), into=row_or_404(policy_id))
        toast(request, _("Saved."))
    elif action == "roles":
        _add_role(request, policy_id)
    else:
        raise Http404(_("Policies know no such action."))
    response = redirect("access-policy", policy_id=policy_id)
    tabs = {"schedule": "changes", "approve": "changes", "settings": "settings", "text": "text"}
    if action in tabs:
        response["Location"] += f"?tab={tabs[action]}"
    return response


def _settings(request: HttpRequest, policy_id: UUID) -> None:
    wanted = text(request, "resolution", 40)
    policies.change_draft(
        policy_id,
        lambda document: replace(
            document,
            name=text(request, "name", 200) or document.name,
            description=text(request, "description"),
            resolution=next((item for item in RESOLUTIONS if item == wanted), document.resolution),
        ),
    )


def _add_role(request: HttpRequest, policy_id: UUID) -> None:
    """Add a role, ready-made or empty, where it counts: before all others but those of administrators."""
    ready = next((role for role in READY_ROLES if role.name == text(request, "ready", 100)), None)
    name = text(request, "name", 100).lower().replace(" ", "-") or (ready.name if ready else "")

    def add(document: PolicyDocument) -> PolicyDocument:
        taken = {role.name for role in document.roles}
        unique = next(n for n in (name, *(f"{name}-{i}" for i in range(2, 10_000))) if n not in taken)
        title = text(request, "name", 100) or (ready.title if ready else "")
        role = replace(ready, name=unique, title=title) if ready else Role(unique, title)
        last = max((n for n, r in enumerate(document.roles) if Member("administrators") in r.members), default=-1)
        return replace(document, roles=(*document.roles[: last + 1], role, *document.roles[last + 1 :]))

    policies.change_draft(policy_id, add)


def _moment(written: str) -> datetime | None:
    if not written:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise AccessError(_("Write the moment as 2026-12-31T18:00."), "publish_at") from None
    return at if at.tzinfo else timezone.make_aware(at)


def _uuid(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None
