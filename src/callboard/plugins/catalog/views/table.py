"""Show the catalog table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.plugins.catalog.selectors.exporting import FORMATS
from callboard.plugins.catalog.selectors.pages import table
from callboard.plugins.catalog.selectors.pages.names import kind_icon, kind_title, named
from callboard.plugins.catalog.selectors.saved import default_view, saved_views
from callboard.plugins.catalog.views.addresses import read_query, write_query
from callboard.sdk.auth import principal
from callboard.sdk.permissions import decide
from callboard.sdk.ui import ListPage, htmx, offset_page, page_size, render

SHOWN_VALUES = 8


@dataclass(frozen=True)
class Column:
    """A column head: where clicking it leads, and how it is sorted now."""

    key: str
    title: str
    url: str
    sorted: str


@dataclass(frozen=True)
class Facet:
    """A filter with its values; the first few are shown at once."""

    key: str
    title: str
    values: list[table.FacetValue]
    clear_url: str
    active: bool

    @property
    def first(self) -> list[table.FacetValue]:
        """Values that are always shown: the chosen ones and the most frequent."""
        return self.values[: max(SHOWN_VALUES, sum(value.chosen for value in self.values))]

    @property
    def rest(self) -> list[table.FacetValue]:
        """Values behind “more”."""
        return self.values[len(self.first) :]


@require_safe
def entity_table(request: HttpRequest) -> HttpResponse:
    """Show entities of a kind; the address says which and how."""
    query = read_query(request.GET)
    if not request.GET.keys() - {"kind"} and (view := default_view(query.kind)):
        return HttpResponseRedirect(f"{reverse('catalog')}{view.address}&view={view.pk}")
    size = page_size(request)
    kinds = table.kind_counts(query.user)
    found = table.overview(query)
    page = _page(request, query, found.total, size)
    titles = _titles()
    facets = [
        Facet(key, titles[key], values, write_query(query.without(key), size=size), bool(query.filters.get(key)))
        for key, values in found.facets.items()
        if values and (len(values) > 1 or query.filters.get(key) or key in {"tag", "status"})
    ]
    context = {
        "query": query,
        "kinds": [(item, write_query(table.TableQuery(kind=item.kind, user=query.user))) for item in kinds],
        "all_kinds": (sum(item.count for item in kinds), write_query(table.TableQuery(kind="all", user=query.user))),
        "current": _current(query, kinds),
        "personal": _personal(query, size),
        "facets": facets,
        "columns": _columns(query, found, page, size),
        "choices": [(key, title, key in query.columns) for key, title in _column_titles().items()],
        "exports": [(name, f"{reverse('catalog-export')}{write_query(query)}&format={name}") for name in FORMATS],
        "here": write_query(query, size=size),
        "views": saved_views(),
        "groups": named(ref for ref in principal().ownership_refs if ref.startswith("group:")).values(),
        "may_save": principal().type != "guest" and decide("catalog.view.create").result != "deny",
        "may_publish": decide("catalog.view.publish").result != "deny",
        "page": page,
        "size": size,
        "sizes": [(number, write_query(query, size=number)) for number in (25, 50, 100)],
        "drops": _drops(query, size) if not found.total else [],
        "nothing_at_all": not kinds and query.user == "all",
        "may_register": decide("catalog.location.create").result != "deny",
        "address": reverse("catalog"),
    }
    response = render(request, "catalog/table.html", context)
    if htmx(request):
        # Forms send every field; what stands in the address bar should be short and the same for everybody.
        response["HX-Push-Url"] = reverse("catalog") + write_query(query, size=size, page=page.number)
    return response


def _page(request: HttpRequest, query: table.TableQuery, total: int, size: int) -> ListPage[table.Row]:
    page = offset_page(request, [], size=size, total=total)
    rows = table.rows(query, page.start, size) if total else []

    def url(number: int) -> str:
        return write_query(query, size=size, page=number)

    return replace(
        page,
        items=rows,
        previous_url=url(page.number - 1) if page.number > 1 else "",
        next_url=url(page.number + 1) if page.number < (page.pages or 1) else "",
        numbers=tuple((number, url(number) if number else "") for number, _url in page.numbers),
    )


def _titles() -> dict[str, str]:
    return {
        "type": _("Type"),
        "lifecycle": _("Lifecycle"),
        "owner": _("Owner"),
        "tag": _("Tags"),
        "namespace": _("Namespace"),
        "status": _("Status"),
    }


def _current(query: table.TableQuery, kinds: list[table.KindCount]) -> dict[str, str]:
    if query.kind == table.ALL_KINDS:
        return {"title": _("All kinds"), "icon": "category", "word": _("entities")}
    plural = next((item.plural for item in kinds if item.kind == query.kind), kind_title(query.kind))
    return {"title": plural, "icon": kind_icon(query.kind), "word": plural}


def _personal(query: table.TableQuery, size: int) -> list[dict[str, object]]:
    counts = table.personal_counts(query.kind)
    words = {"all": _("All"), "owned": _("Owned"), "starred": _("Starred")}
    icons = {"all": "category", "owned": "user-check", "starred": "star"}
    return [
        {
            "key": key,
            "title": words[key],
            "icon": icons[key],
            "count": counts[key],
            "url": write_query(replace(query, user=key), size=size),
            "active": query.user == key,
        }
        for key in table.PERSONAL
    ]


def _column_titles() -> dict[str, str]:
    words = (
        _("Owner"),
        _("Type"),
        _("Lifecycle"),
        _("Part of"),
        _("Description"),
        _("Tags"),
        _("Namespace"),
        _("Changed"),
        _("Reference"),
    )
    return dict(zip(table.COLUMNS, words, strict=True))


def _columns(query: table.TableQuery, found: table.Overview, page: ListPage[table.Row], size: int) -> dict[str, Column]:
    """Answer the chosen columns; of the usual ones, those that have anything to show."""
    titles = _column_titles()
    shown = [key for key in query.columns if query.columns != table.USUAL_COLUMNS or _says_something(key, found, page)]
    columns = {}
    for key, title in {"name": _("Name"), **{key: titles[key] for key in shown}}.items():
        now = query.sort == key
        turned = now and not query.descending
        url = write_query(replace(query, sort=key, descending=turned), size=size) if key in table.SORTS else ""
        way = ("descending" if query.descending else "ascending") if now else ""
        columns[key] = Column(key, title, url, way)
    return columns


def _says_something(key: str, found: table.Overview, page: ListPage[table.Row]) -> bool:
    if key == "system":
        return any(row.system for row in page)
    return key not in found.facets or bool(found.facets[key])


def _drops(query: table.TableQuery, size: int) -> list[dict[str, object]]:
    """Answer for each filter of an empty table what dropping it would show."""
    titles = _titles()
    options: list[tuple[str, table.TableQuery]] = []
    if query.text:
        options.append((_("the text “%(text)s”") % {"text": query.text}, replace(query, text="")))
    options += [
        ("{}: {}".format(titles[key], ", ".join(values)), query.without(key)) for key, values in query.filters.items()
    ]
    if query.user != "all":
        words = {"owned": _("what you own"), "starred": _("what you starred")}
        options.append((words[query.user], replace(query, user="all")))
    found = [
        {"text": text, "count": table.matching(other).count(), "url": write_query(other, size=size)}
        for text, other in options
    ]
    return sorted(found, key=lambda item: item["count"] == 0)
