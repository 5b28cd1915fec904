"""One role of a draft: members and decisions, built from sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from callboard.lib.problems import ProblemError
from callboard.plugins.rbac.models import Policy
from callboard.plugins.rbac.selectors.active import document_of
from callboard.plugins.rbac.selectors.building import Builder
from callboard.plugins.rbac.selectors.reach import Reach, members_of, population, reach_of
from callboard.plugins.rbac.selectors.sentences import member_words, statement_sentence
from callboard.plugins.rbac.services import policies
from callboard.plugins.rbac.services.errors import AccessError
from callboard.plugins.rbac.types.document import CROWDS, Member, PolicyDocument, Role, Statement
from callboard.plugins.rbac.types.reading import read_document, read_member
from callboard.plugins.rbac.views.parts import READ, names, permission_groups, refuse, row_or_404, text
from callboard.sdk.contributions import Permission
from callboard.sdk.permissions import decide, require
from callboard.sdk.plugins import contributions, registry
from callboard.sdk.ui import render, toast


@require_safe
def role_detail(request: HttpRequest, policy_id: UUID, role: str) -> HttpResponse:
    """Show a role: who is in it, and what it decides, in order."""
    require(READ)
    row, found = _role(policy_id, role)
    return render(request, "rbac/role.html", _context(row, found))


def _context(row: Policy, role: Role) -> dict[str, Any]:
    called = names()
    people = population()
    members = members_of(role, people)
    return {
        "row": row,
        "role": role,
        "draft": row.status == Policy.Status.DRAFT,
        "may_edit": row.status == Policy.Status.DRAFT and decide(policies.UPDATE).allowed,
        "members": [(member, member_words(member, called)) for member in role.members],
        "people_count": len(members),
        "people": members[:20],
        "decisions": [(s, statement_sentence(s), reach_of(role, s, people)) for s in role.decisions],
        "crowds": [(name, member_words(Member(name))) for name in CROWDS],
    }


@require_POST
def role_action(request: HttpRequest, policy_id: UUID, role: str, action: str) -> HttpResponse:
    """Change a role of a draft: its facts, members, the order of its decisions."""
    row, _found = _role(policy_id, role)
    place = _place(request)
    after = role
    try:
        if action == "facts":
            after = text(request, "name", 100).lower() or role
            policies.change_draft(row.pk, _changed(role, lambda r: _facts(request, r)))
        elif action == "add-member":
            policies.change_draft(row.pk, _changed(role, lambda r: _with_member(request, r)))
        elif action == "remove-member":
            wanted = text(request, "member", 320)
            policies.change_draft(
                row.pk, _changed(role, lambda r: replace(r, members=tuple(m for m in r.members if m.text != wanted)))
            )
        elif action in {"up", "down"}:
            policies.change_draft(
                row.pk, _changed(role, lambda r: replace(r, decisions=_moved(r.decisions, place, action)))
            )
        elif action == "remove-decision":
            policies.change_draft(
                row.pk,
                _changed(
                    role, lambda r: replace(r, decisions=tuple(s for n, s in enumerate(r.decisions) if n != place))
                ),
            )
        elif action in {"earlier", "later"}:
            policies.change_draft(row.pk, lambda d: replace(d, roles=_moved_role(d.roles, role, action)))
            return redirect("access-policy", policy_id=policy_id)
        elif action == "remove":
            policies.change_draft(row.pk, lambda d: replace(d, roles=tuple(r for r in d.roles if r.name != role)))
            toast(request, _("The role was removed from the draft."))
            return redirect("access-policy", policy_id=policy_id)
        else:
            raise Http404(_("Roles know no such action."))
    except AccessError as error:
        refuse(request, error)
        after = role
    return redirect("access-role", policy_id=policy_id, role=after)


@require_http_methods(["GET", "POST"])
def decision_edit(request: HttpRequest, policy_id: UUID, role: str, place: str) -> HttpResponse:
    """Build one decision as a sentence; every change shows at once whom and what it reaches."""
    require(policies.UPDATE)
    row, found = _role(policy_id, role)
    index = int(place) if place.isdecimal() and len(place) < 6 else None
    if index is not None and index >= len(found.decisions):
        raise Http404(_("There is no such decision; somebody may have removed it."))
    if request.method != "POST":
        builder = Builder.of(found.decisions[index]) if index is not None else Builder.empty()
        return render(request, "rbac/decision.html", _builder_context(row, found, builder, place))
    builder = Builder.read(request.POST)
    step = request.POST.get("do", "save")
    if step != "save":
        builder.step(step)
        context = _builder_context(row, found, builder, place)
        return render(
            request, "rbac/_builder.html" if request.headers.get("HX-Request") else "rbac/decision.html", context
        )
    try:
        statement = _statement(builder)
        policies.change_draft(
            row.pk, _changed(role, lambda r: replace(r, decisions=_put(r.decisions, index, statement)))
        )
    except AccessError as error:
        context = _builder_context(row, found, builder, place) | {"error": error}
        return render(request, "rbac/decision.html", context, status=422)
    return redirect("access-role", policy_id=policy_id, role=role)


def _statement(builder: Builder) -> Statement:
    try:
        data = {"roles": [{"name": "x", "decisions": [builder.data()]}]}
        return read_document(data).roles[0].decisions[0]
    except ProblemError as error:
        problem = error.problems[0]
        raise AccessError(f"{problem.message} {problem.remedy}", problems=error.problems) from error


def _builder_context(row: Policy, role: Role, builder: Builder, place: str) -> dict[str, Any]:
    sentence, reach, problem = "", None, ""
    try:
        statement = _statement(builder)
        sentence = statement_sentence(statement)
        reach = _reach(role, statement)
    except AccessError as error:
        problem = str(error)
    owners = {registry.owner_of(item) for item in contributions(Permission)}
    return {
        "row": row,
        "role": role,
        "builder": builder,
        "place": place,
        "sentence": sentence,
        "reach": reach,
        "problem": problem,
        "permission_groups": permission_groups(),
        "plugins": sorted(
            (p.plugin.name, p.plugin.manifest.title) for p in registry.plugins() if p.plugin.name in owners
        ),
    }


def _reach(role: Role, statement: Statement) -> Reach:
    return reach_of(role, statement, population())


def _role(policy_id: UUID, name: str) -> tuple[Policy, Role]:
    row = row_or_404(policy_id)
    found = document_of(row).role(name)
    if found is None:
        raise Http404(_("There is no such role in this policy."))
    return row, found


def _changed(name: str, change: Callable[[Role], Role]) -> Callable[[PolicyDocument], PolicyDocument]:
    def changed(document: PolicyDocument) -> PolicyDocument:
        return replace(document, roles=tuple(change(r) if r.name == name else r for r in document.roles))

    return changed


def _facts(request: HttpRequest, role: Role) -> Role:
    return replace(
        role,
        name=text(request, "name", 100).lower() or role.name,
        title=text(request, "title", 200),
        description=text(request, "description"),
        owner=text(request, "owner", 300),
        requestable=request.POST.get("requestable") == "on",
    )


def _with_member(request: HttpRequest, role: Role) -> Role:
    written = text(request, "member", 320) or text(request, "crowd", 40)
    if not written:
        raise AccessError(_("Name a person, a team, or choose a crowd."), "member")
    # "Ada Lovelace (user:default/ada)" is what the suggestions write.
    inside = written.rpartition("(")[2].removesuffix(")")
    try:
        member = read_member(inside if ":" in inside else written)
    except ProblemError as error:
        raise AccessError(f"{error.problems[0].message} {error.problems[0].remedy}", "member") from error
    until = text(request, "until", 40)
    if until:
        try:
            read = read_document({"roles": [{"name": "x", "members": [{"ref": member.text, "until": until}]}]})
        except ProblemError as error:
            raise AccessError(f"{error.problems[0].message} {error.problems[0].remedy}", "until") from error
        member = read.roles[0].members[0]
    others = tuple(m for m in role.members if m.text != member.text)
    return replace(role, members=(*others, member))


def _place(request: HttpRequest) -> int:
    written = request.POST.get("place", "")
    return int(written) if written.isdecimal() and len(written) < 6 else -1


def _put(decisions: tuple[Statement, ...], index: int | None, statement: Statement) -> tuple[Statement, ...]:
    if index is None:
        return (*decisions, statement)
    return tuple(statement if n == index else s for n, s in enumerate(decisions))


def _without(decisions: tuple[Statement, ...], place: int) -> tuple[Statement, ...]:
    return tuple(s for n, s in enumerate(decisions) if n != place)


def _moved(decisions: tuple[Statement, ...], place: int, way: str) -> tuple[Statement, ...]:
    other = place - 1 if way == "up" else place + 1
    if not (0 <= place < len(decisions) and 0 <= other < len(decisions)):
        return decisions
    items = list(decisions)
    items[place], items[other] = items[other], items[place]
    return tuple(items)


def _moved_role(roles: tuple[Role, ...], name: str, way: str) -> tuple[Role, ...]:
    items = list(roles)
    place = next((n for n, role in enumerate(items) if role.name == name), 0)
    other = place - 1 if way == "earlier" else place + 1
    if 0 <= other < len(items):
        items[place], items[other] = items[other], items[place]
    return tuple(items)
