"""Ask the policy: the tester, who can do something, what somebody can do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from callboard.plugins.rbac.selectors.policies import (
    caller_named,
    document_in_question,
    explained,
    report_what_can,
    report_who_can,
    versions,
)
from callboard.plugins.rbac.selectors.reach import Count, rows_of
from callboard.plugins.rbac.services.viewing import VIEW_AS
from callboard.plugins.rbac.views.parts import READ, permission_groups, table_file, text
from callboard.sdk.permissions import decide, require
from callboard.sdk.ui import offset_page, render


@require_safe
def tester(request: HttpRequest) -> HttpResponse:
    """Say whether somebody may do something, why, and what would change it, on any version."""
    require(READ)
    values = {name: text(request, name, 1000) for name in ("who", "permission", "resource", "policy")}
    chosen = request.GET.getlist("role")
    context: dict[str, Any] = {
        "values": values,
        "chosen_roles": chosen,
        "permission_groups": permission_groups(),
        "versions": versions(),
        "tab": "tester",
    }
    policy_id = _uuid(values["policy"])
    try:
        context["roles"] = document_in_question(policy_id).roles[:200]
        if values["permission"] and (values["who"] or chosen):
            context["told"] = explained(
                _ref(values["who"]), values["permission"], values["resource"], policy_id, chosen
            )
    except LookupError as error:
        context["error"] = str(error.args[0])
    return render(request, "rbac/tester.html", context)


@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """Answer who can do something, or what somebody can do; as a page or as CSV."""
    require(READ)
    values = {name: text(request, name, 1000) for name in ("who", "permission", "resource")}
    context: dict[str, Any] = {
        "values": values,
        "permission_groups": permission_groups(),
        "tab": "reports",
        "may_view_as": decide(VIEW_AS).allowed,
    }
    shown_all = request.GET.get("show") == "all"
    try:
        if values["permission"]:
            found = report_who_can(values["permission"], values["resource"])
            if request.GET.get("format") == "csv":
                return table_file(rows_of(found), "who-can.csv")
            shown = found if shown_all else [can for can in found if can.allowed is not False]
            context |= {
                "page": offset_page(request, shown, size=50),
                "counts": {
                    "yes": sum(1 for can in found if can.allowed),
                    "some": sum(1 for can in found if can.allowed is None),
                    "no": sum(1 for can in found if can.allowed is False),
                },
                "everybody": shown_all,
            }
        elif values["who"]:
            who = caller_named(_ref(values["who"]))
            can = report_what_can(who.ref if who.type != "guest" else "guest")
            if request.GET.get("format") == "csv":
                rows = [["permission", "plugin", "decision", "resources", "reason"]]
                rows += [
                    [
                        c.permission.id,
                        c.plugin,
                        c.verdict.result,
                        str(c.count.count) if c.count else "",
                        c.verdict.reason,
                    ]
                    for c in can
                ]
                return table_file(rows, "what-can.csv")
            context |= {"person": who, "can": can}
    except LookupError as error:
        context["error"] = str(error.args[0])
    return render(request, "rbac/reports.html", context)


def _number(count: Count | None) -> str:
    return str(count.count) if count else ""


def _ref(written: str) -> str:
    """Answer the ref inside "Ada Lovelace (user:default/ada)", which is what the suggestions write."""
    inside = written.rpartition("(")[2].removesuffix(")")
    return inside if ":" in inside else written


def _uuid(written: str) -> UUID | None:
    try:
        return UUID(written)
    except ValueError:
        return None
