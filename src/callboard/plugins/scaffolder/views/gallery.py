"""The gallery of templates, and the page of actions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from callboard.plugins.scaffolder.selectors.actions import action_as_json, all_actions, templating_extensions
from callboard.plugins.scaffolder.selectors.gallery import gallery
from callboard.plugins.scaffolder.selectors.tasks import approvals_for_me
from callboard.sdk.permissions import authorize
from callboard.sdk.ui import render

NAMES = ("q", "type", "tag", "owner", "only")


@require_safe
def template_gallery(request: HttpRequest) -> HttpResponse:
    """Show templates as cards, narrowed by text, type, tag, owner, or to one's own."""
    values = {name: request.GET.get(name, "").replace("\0", "").strip()[:200] for name in NAMES}
    found = gallery(
        text=values["q"], type_=values["type"], tag=values["tag"], owner=values["owner"], only=values["only"]
    )
    context = {
        "gallery": found,
        "values": values,
        "narrowed": any(values.values()),
        "approvals": approvals_for_me().count(),
        "may_create": authorize("scaffolder.task.create").allowed,
    }
    return render(request, "scaffolder/gallery.html", context)


@require_safe
def action_list(request: HttpRequest) -> HttpResponse:
    """Show what steps can do: every action with its inputs, outputs and examples."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:200]
    found = [action_as_json(action) for action in all_actions()]
    if text:
        found = [a for a in found if text.casefold() in f"{a['id']} {a['description']}".casefold()]
    rows = [
        {
            **action,
            "inputs": _rows(action["schema"]["input"]),
            "outputs": _rows(action["schema"]["output"]),
            "local": action["supportsDryRun"],
        }
        for action in found
    ]
    context = {"actions": rows, "text": text, "filters": sorted(templating_extensions()["filters"].items())}
    return render(request, "scaffolder/actions.html", context)


def _rows(schema: dict[str, object]) -> list[tuple[str, str, str, bool]]:
    properties, required = schema.get("properties"), schema.get("required")
    needed = required if isinstance(required, list) else []
    rows = []
    for name, given in properties.items() if isinstance(properties, dict) else ():
        part = given if isinstance(given, dict) else {}
        kind = part.get("type", "any")
        kind = " or ".join(kind) if isinstance(kind, list) else str(kind)
        rows.append((name, kind, str(part.get("description") or part.get("title") or ""), name in needed))
    return rows
