"""The search page: results, facets, and ways on where there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from callboard.plugins.search import selectors
from callboard.plugins.search.services import counting
from callboard.plugins.search.views.addresses import PageQuery, read_page_query
from callboard.sdk.auth import principal
from callboard.sdk.contributions import EntityKind, SearchCollator
from callboard.sdk.permissions import decide
from callboard.sdk.plugins import contributions
from callboard.sdk.search import FacetValue, Hit, SearchAnswer, SearchRequest, search, semantic_state
from callboard.sdk.ui import ListPage, offset_page, render

SIZE = 20
DEEPEST = 2_000
SHOWN_VALUES = 6
ENTITIES = "software-catalog"
"""The type whose results are entities; its name is what clients of the original know."""


@dataclass(frozen=True)
class Result:
    """A result as the page shows it; ``title`` and ``text`` are HTML made safe by the search platform."""

    hit: Hit
    icon: str
    type: str
    title: SafeString
    text: SafeString
    facts: tuple[str, ...]
    why: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Value:
    """A value of a facet."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """Values that results can be narrowed to."""

    key: str
    title: str
    values: tuple[Value, ...]
    active: bool
    clear_url: str

    @property
    def first(self) -> tuple[Value, ...]:
        """Values that are always shown."""
        return self.values[: max(SHOWN_VALUES, sum(item.chosen for item in self.values))]

    @property
    def rest(self) -> tuple[Value, ...]:
        """Values behind “more”."""
        return self.values[len(self.first) :]


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Show what was found."""
    query = read_page_query(request.GET)
    who = principal()
    explain = request.GET.get("explain") == "1"
    asked = bool(query.text or query.filters or query.type)
    context: dict[str, Any] = {
        "query": query,
        "asked": asked,
        "explain": explain,
        "address": reverse("search"),
        "semantic": semantic_state(),
        "may_save": who.type == "user",
        "may_see_insights": decide(selectors.INSIGHTS).result != "deny",
    }
    if asked:
        context |= _found(request, query, explain=explain)
        if who.type == "user":
            context["saved_already"] = selectors.is_saved(who.ref, query.query_string)
    else:
        context["saved"], context["recent"] = selectors.kept_searches(who.ref)
        context["types"] = [(item.type, _(item.title), item.icon) for item in _collators().values()]
    return render(request, "search/page.html", context)


def _found(request: HttpRequest, query: PageQuery, *, explain: bool) -> dict[str, Any]:
    number = _number(request.GET.get("page", "1"))
    answer = search(
        SearchRequest(
            query.text,
            types=(query.type,) if query.type else (),
            filters=query.filters,
            limit=SIZE,
            offset=(number - 1) * SIZE,
            facets=True,
            explain=explain,
        )
    )
    if query.text and number == 1 and request.GET.get("typing") != "1":
        counting.note_search(query.text, len(answer.hits))
        counting.remember_search(query.query_string, query.text)
    collators = _collators()
    return {
        "answer": answer,
        "results": [_result(hit, collators) for hit in answer.hits],
        "facets": _facets(query, answer.facets),
        "tabs": _tabs(query, answer, collators),
        "page": _pages(request, answer, number),
        "corrected_url": query.with_text(answer.corrected).url if answer.corrected else "",
        "suggestions": [(text, query.with_text(text).url) for text in answer.suggestions],
        "drops": [(f"{name}: {', '.join(values)}", query.without(name).url) for name, values in query.filters.items()],
        "everywhere": query.with_type("").url if query.type else "",
    }


def _pages(request: HttpRequest, answer: SearchAnswer, number: int) -> ListPage[Any]:
    total = min(answer.total, DEEPEST)
    if answer.has_next:
        total = max(total, number * SIZE + 1)
    return offset_page(request, [None] * total, size=SIZE, total=total)


def _number(text: str) -> int:
    return min(int(text), DEEPEST // SIZE) if text.isdecimal() and 0 < len(text) < 6 and int(text) > 0 else 1


def _collators() -> dict[str, SearchCollator]:
    found: dict[str, SearchCollator] = {}
    for item in contributions(SearchCollator):
        found.setdefault(item.type, item)
    return found


def _tabs(query: PageQuery, answer: SearchAnswer, collators: Mapping[str, SearchCollator]) -> list[dict[str, Any]]:
    counts = {item.value: item.count for item in answer.facets.get("@type", ())}
    tabs = [{"title": _("All"), "url": query.with_type("").url, "active": not query.type, "icon": "", "count": None}]
    for name, collator in collators.items():
        if counts.get(name) or name == query.type:
            tabs.append(
                {
                    "title": _(collator.title),
                    "url": query.with_type(name).url,
                    "active": name == query.type,
                    "icon": collator.icon,
                    "count": counts.get(name, 0),
                }
            )
    return tabs if len(tabs) > 1 else []


def _facets(query: PageQuery, found: Mapping[str, tuple[FacetValue, ...]]) -> list[Facet]:
    titles = {
        "kind": _("Kind"),
        "type": _("Type"),
        "owner": _("Owner"),
        "lifecycle": _("Lifecycle"),
        "system": _("System"),
        "tag": _("Tag"),
        "namespace": _("Namespace"),
        "api": _("API"),
        "part": _("Part"),
        "source": _("Source"),
    }
    facets = []
    for name in dict.fromkeys((*found, *query.filters)):
        if name == "@type":
            continue
        chosen = query.filters.get(name, ())
        values = [
            Value(
                item.value,
                item.value.rpartition("/")[2] if name == "owner" else item.value,
                item.count,
                item.value in chosen,
            )
            for item in found.get(name, ())
        ]
        listed = {item.value for item in values}
        values += [Value(value, value, 0, chosen=True) for value in chosen if value not in listed]
        if len(values) > 1 or chosen:
            facets.append(
                Facet(
                    name,
                    titles.get(name, name.replace("_", " ").capitalize()),
                    tuple(sorted(values, key=lambda item: not item.chosen)),
                    bool(chosen),
                    query.without(name).url,
                )
            )
    return facets


def _result(hit: Hit, collators: Mapping[str, SearchCollator]) -> Result:
    collator = collators.get(hit.type)
    fields = hit.fields
    facts = [
        str(fields[name])
        for name in ("kind", "part", "type", "api", "source", "system", "lifecycle")
        if fields.get(name) and fields[name] != "other"
    ]
    owner = str(hit.owner_ref or fields.get("owner", "")).rpartition("/")[2]
    if owner:
        facts.append(owner)
    return Result(
        hit,
        result_icon(hit, collator),
        _(collator.title) if collator else hit.type,
        # Both were escaped where the hits were marked.
        mark_safe(hit.highlights["title"]),  # noqa: S308
        mark_safe(hit.highlights["text"]),  # noqa: S308
        tuple(dict.fromkeys(facts)),
        tuple((name, f"{value:.3f}") for name, value in hit.why.items()),
    )


def result_icon(hit: Hit, collator: SearchCollator | None) -> str:
    """Answer the icon of a result: of its kind, where it is an entity."""
    kind = str(hit.fields.get("kind", "")).lower()
    icons = {item.kind.lower(): item.icon for item in contributions(EntityKind)} if hit.type == ENTITIES else {}
    return icons.get(kind) or (collator.icon if collator else "file")


@require_POST
def note_choice(request: HttpRequest) -> HttpResponse:
    """Count that a result was opened; the browser tells it while it goes there."""
    number = request.POST.get("id", "")
    if number.isdecimal() and len(number) < 19:
        counting.note_choice(int(number), request.POST.get("q", "")[:500])
    return HttpResponse(status=204)


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Save a search or no longer, or forget the last ones."""
    query = read_page_query(_as_query(request.POST.get("query", "")))
    if request.POST.get("forget"):
        counting.forget_searches()
        return HttpResponseRedirect(reverse("search"))
    counting.save_search(query.query_string, query.text, saved=request.POST.get("saved") == "1")
    back = reverse("search") if request.POST.get("from") == "start" else query.url
    return HttpResponseRedirect(back)


def _as_query(text: str) -> QueryDict:
    return QueryDict(text[:2_000])
