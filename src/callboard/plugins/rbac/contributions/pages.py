"""Pages, navigation and commands of access."""

from collections.abc import Callable
from typing import Any

from callboard.plugins.rbac.selectors.requests import waiting_for
from callboard.plugins.rbac.views import overview, policies, reports, requests, roles
from callboard.sdk.contributions import Command, NavItem, Page

_READ, _CREATE, _UPDATE = "policy.entity.read", "policy.entity.create", "policy.entity.update"
_ASK = "rbac.request.create"
_POLICY = "admin/access/policies/<uuid:policy_id>"


def _page(slug: str, title: str, path: str, view: Callable[..., Any], permission: str = _READ) -> Page:
    name = f"access-{slug}" if slug else "access"
    return Page(
        id=f"rbac.{slug or 'home'}",
        title=title,
        path=path,
        view=view,
        name=name,
        permission=permission,
    )


def _badge(_request: object) -> str | None:
    return str(waiting_for() or "") or None


contributions = (
    _page("", "Access", "admin/access", overview.access_home),
    _page("begin", "Begin a draft", "admin/access/begin", overview.access_begin, _CREATE),
    _page("import", "Import a policy", "admin/access/import", overview.access_import, _CREATE),
    _page("people", "People", "admin/access/people", overview.access_people),
    _page("tester", "Tester", "admin/access/tester", reports.tester),
    _page("reports", "Reports", "admin/access/reports", reports.reports),
    _page("view-as", "View as", "admin/access/view-as", overview.view_as_start, "rbac.view-as.start"),
    # Whoever looks with other eyes must be able to stop, whatever those eyes may see.
    Page(
        id="rbac.view-as-stop",
        title="Be yourself again",
        path="admin/access/view-as/stop",
        view=overview.view_as_stop,
        name="access-view-as-stop",
    ),
    _page("yaml", "Policy as a file", f"{_POLICY}/policy.yaml", overview.access_yaml),
    _page("decision", "Decision", f"{_POLICY}/roles/<path:role>/-/decisions/<str:place>", roles.decision_edit, _UPDATE),
    _page("role-action", "Change a role", f"{_POLICY}/roles/<path:role>/-/<slug:action>", roles.role_action, _UPDATE),
    _page("role", "Role", f"{_POLICY}/roles/<path:role>", roles.role_detail),
    _page("policy-action", "Change a policy", f"{_POLICY}/-/<slug:action>", policies.policy_action),
    _page("policy", "Policy", _POLICY, policies.policy_detail),
    _page("ask", "Ask for access", "access/ask", requests.ask, _ASK),
    _page("requests", "Requests for access", "access/requests", requests.request_list, _ASK),
    _page("request-action", "Decide", "access/requests/<uuid:request_id>/<slug:action>", requests.request_action, _ASK),
    _page("grant-end", "End access", "access/grants/<int:grant_id>/end", requests.grant_end, "rbac.request.decide"),
    NavItem(
        id="rbac.nav",
        title="Access",
        page="access",
        icon="shield-lock",
        section="admin",
        permission=_READ,
        order=35,
        badge=_badge,
    ),
    Command(
        id="rbac.open",
        title="Access",
        page="access",
        icon="shield-lock",
        keywords=("rbac", "roles", "permissions", "policy", "admin"),
        permission=_READ,
    ),
    Command(
        id="rbac.open-tester",
        title="Test a decision",
        page="access-tester",
        icon="test-pipe",
        keywords=("permission", "why", "may", "explain"),
        permission=_READ,
    ),
    Command(
        id="rbac.open-reports",
        title="Who can do what",
        page="access-reports",
        icon="report-search",
        keywords=("report", "permissions", "csv"),
        permission=_READ,
    ),
    Command(
        id="rbac.open-requests",
        title="Requests for access",
        page="access-requests",
        icon="lock-access",
        keywords=("ask", "role", "permission", "approve"),
        permission=_ASK,
    ),
)
