"""Show how everything hangs together: the relations explorer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from callboard.plugins.catalog.selectors.overview import counts_by_kind
from callboard.plugins.catalog.selectors.pages import explorer
from callboard.plugins.catalog.selectors.pages.home import found_by_name
from callboard.plugins.catalog.selectors.pages.names import Named
from callboard.plugins.catalog.types.exploring import DEPTHS, DIRECTIONS, FOLDS, STRUCTURE, Exploration
from callboard.sdk.ui import offset_page, render

LAYOUTS = ("layered", "force")


@require_safe
def relations_explorer(request: HttpRequest) -> HttpResponse:
    """Show the graph, or the same as a table; the address says which part of it."""
    wanted, root, goal, problems = _wanted(request.GET)
    table = request.GET.get("view") == "table"
    layout = request.GET.get("layout", "")
    context: dict[str, Any] = {
        "wanted": wanted,
        "root": root,
        "goal": goal,
        "root_text": request.GET.get("root", "")[:300],
        "goal_text": request.GET.get("to", "")[:300],
        "problems": problems,
        "kinds": [
            (kind, title, count, kind in wanted.kinds)
            for kind, title, count in explorer.kinds_on_offer(counts_by_kind())
        ],
        "relations": [
            (type_, title, not wanted.relations or type_ in wanted.relations)
            for type_, title in explorer.declared_relations()
        ],
        "directions": zip(DIRECTIONS, (_("Both ways"), _("What it leads to"), _("What leads to it")), strict=True),
        "depths": DEPTHS,
        "folds": zip(FOLDS, (_("Nothing"), _("Systems"), _("Domains")), strict=True),
        "layout": layout if layout in LAYOUTS else "",
        "table": table,
        "address": reverse("catalog-explorer"),
        "graph_url": f"{reverse('catalog-explorer-graph')}?{_address(request.GET, view=None)}",
        "table_address": f"?{_address(request.GET, view='table', page=None)}",
        "graph_address": f"?{_address(request.GET, view=None, page=None)}",
        "plain": not request.GET,
    }
    if table and not problems:
        found = explorer.explore(wanted)
        titles = dict(explorer.declared_relations())
        page = offset_page(request, found.edges, size=100)
        context |= {
            "found": found,
            "page": page,
            "rows": [
                (found.nodes[edge[0]], titles.get(edge[1], edge[1]), found.nodes[edge[2]], found.weights.get(edge, 1))
                for edge in page
            ],
        }
    return render(request, "catalog/explorer.html", context)


@require_safe
def relations_explorer_graph(request: HttpRequest) -> JsonResponse:
    """Answer the same part of the graph as JSON, for the drawing."""
    wanted, root, goal, problems = _wanted(request.GET)
    if problems:
        return JsonResponse({"nodes": [], "edges": [], "total": 0, "cut": False, "notice": " ".join(problems)})
    found = explorer.explore(wanted)
    answer = found.as_dict(item.ref for item in (root, goal) if item)
    return JsonResponse(answer | {"notice": _notice(found, root, goal)})


@require_safe
def entity_names(request: HttpRequest) -> HttpResponse:
    """Answer suggestions for a field that takes an entity, as options of a list."""
    text = (request.GET.get("root") or request.GET.get("to") or "").strip()[:100].replace("\0", "")
    found = found_by_name(text, 12) if text and ":" not in text else []
    return render(request, "catalog/_name_options.html", {"found": found})


def _wanted(asked: QueryDict) -> tuple[Exploration, Named | None, Named | None, list[str]]:
    """Answer what the address asks for; names that mean nothing are told, everything else is put right."""
    problems: list[str] = []

    def entity(key: str) -> Named | None:
        text = asked.get(key, "").strip().replace("\0", "")[:300]
        found = explorer.entity_called(text)
        if text and found is None:
            problems.append(_("There is no entity called “%(name)s”.") % {"name": text})
        return found

    root, goal = entity("root"), entity("to")
    if goal and not root and not problems:
        problems.append(_("A way needs a beginning: say where it starts."))
    known = {type_ for type_, _title in explorer.declared_relations()}
    relations = tuple(dict.fromkeys(r for r in asked.getlist("relation") if r in known))
    depth = asked.get("depth", "")
    kinds = tuple(dict.fromkeys(kind.lower()[:63].replace("\0", "") for kind in asked.getlist("kind") if kind))[:50]
    wanted = Exploration(
        kinds=kinds or STRUCTURE,
        relations=relations if len(relations) < len(known) else (),
        root=root.ref if root else "",
        goal=goal.ref if goal else "",
        depth=int(depth) if depth in map(str, DEPTHS) else 2,
        direction=next((d for d in DIRECTIONS if d == asked.get("direction")), "both"),
        fold=next((f for f in FOLDS if f == asked.get("fold")), ""),
    )
    return wanted, root, goal, problems


def _address(asked: QueryDict, **changes: str | None) -> str:
    pairs = [(key, value) for key, values in asked.lists() for value in values if value and key not in changes]
    return urlencode([*pairs, *((key, value) for key, value in changes.items() if value)], safe=":/")


def _notice(found: explorer.Explored, root: Named | None, goal: Named | None) -> str:
    """Say in words what the drawing shows."""
    if not found.found and root and goal:
        return _("No way leads from %(root)s to %(goal)s.") % {"root": root.label, "goal": goal.label}
    if root and goal:
        steps = len(found.nodes) - 1
        return ngettext("%(n)s step", "%(n)s steps", steps) % {"n": steps}
    if found.cut:
        numbers = {"shown": f"{len(found.nodes):,}", "total": f"{found.total:,}"}
        said = _("%(shown)s of %(total)s are drawn.") % numbers
        return f"{said} {_('Choose fewer kinds, start from one entity, or draw systems only.')}"
    shown = len(found.nodes)
    return ngettext("%(n)s entity", "%(n)s entities", shown) % {"n": f"{shown:,}"}
