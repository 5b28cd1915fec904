"""Answer the catalog table: one page of entities, how many there are, and what there is to filter by.

Everything is read from the narrow columns, in a number of queries that does not depend on the number
of entities. The count of a filter's value says how many entities choosing it would show: the other
filters are applied, the filter itself is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Case, Count, F, Q, QuerySet, TextField, Value, When
from django.db.models.expressions import ExpressionWrapper
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Lower, NullIf

from callboard.plugins.catalog.models import Entity, Star
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.selectors.pages.names import Named, kind_icon, named
from callboard.plugins.catalog.selectors.querying import readable
from callboard.sdk.auth import principal

FACETS = ("type", "lifecycle", "owner", "tag", "namespace", "status")
FACET_VALUES = 60
SORTS = ("name", "owner", "type", "lifecycle", "system", "changed")
PERSONAL = ("all", "owned", "starred")
ALL_KINDS = "all"
COLUMNS = ("owner", "type", "lifecycle", "system", "description", "tags", "namespace", "changed", "ref")
"""Columns beside the name, in the order they stand in."""
USUAL_COLUMNS = ("owner", "type", "lifecycle", "system", "description", "tags")

VIEW_URL = "metadata.annotations.backstage.io/view-url"
EDIT_URL = "metadata.annotations.backstage.io/edit-url"


@dataclass(frozen=True)
class TableQuery:
    """What the table shows: everything that stands in its address except the page."""

    kind: str = "component"
    user: str = "all"
    text: str = ""
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = "name"
    descending: bool = False
    columns: tuple[str, ...] = USUAL_COLUMNS
    compact: bool = False

    def without(self, facet: str) -> TableQuery:
        """Answer the same query with one filter dropped."""
        return replace(self, filters={key: values for key, values in self.filters.items() if key != facet})


@dataclass(frozen=True)
class KindCount:
    """One entry of the kind switch."""

    kind: str
    plural: str
    icon: str
    count: int


@dataclass(frozen=True)
class FacetValue:
    """A value to filter by. ``label`` is what people read, ``count`` how many entities it would show."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    entity: Named
    namespace: str
    name: str
    title: str
    type: str
    lifecycle: str
    owner: Named | None
    system: Named | None
    tags: tuple[str, ...]
    orphan: bool
    errors: int
    starred: bool
    view_url: str
    edit_url: str
    changed_at: datetime


@dataclass(frozen=True)
class Overview:
    """How many entities match and, for each filter, the values there are."""

    total: int
    facets: dict[str, list[FacetValue]]


def kind_counts(user: str = "all") -> list[KindCount]:
    """Answer every kind there are entities of, in the order the kinds ask for."""
    rows = readable().filter(_personal(user)).order_by().values_list("kind").annotate(n=Count("id"))
    counts = dict(rows)
    model = catalog_model()
    ordered = sorted(model.kinds, key=lambda kind: (kind.order, kind.kind))
    found = [KindCount(kind.kind.lower(), kind.plural, kind.icon, counts.pop(kind.kind.lower(), 0)) for kind in ordered]
    # Entities of kinds whose plugin is off are still there.
    found += [KindCount(kind, kind, kind_icon(kind), count) for kind, count in sorted(counts.items())]
    return [item for item in found if item.count]


def personal_counts(kind: str) -> dict[str, int]:
    """Answer how many entities of a kind are the caller's, starred, and there at all."""
    found = readable().filter(_of_kind(kind))
    # Three counts that each have an index are faster than one that looks at every row.
    return {user: found.filter(_personal(user)).count() for user in PERSONAL}


def matching(query: TableQuery) -> QuerySet[Entity]:
    """Answer the entities of the table, in no order."""
    return _base(query).filter(reduce(and_, (_condition(k, v) for k, v in query.filters.items()), Q()))


def overview(query: TableQuery) -> Overview:
    """Answer the total and the values of all filters: one pass over the entities, and one over their tags."""
    active = [name for name in FACETS if query.filters.get(name)]
    marks: dict[str, Any] = {
        f"fits_{name}": ExpressionWrapper(_condition(name, query.filters[name]), output_field=BooleanField())
        for name in active
    }
    columns = ("type", "lifecycle", "owner_ref", "namespace", "tags", "orphan", "errors")
    inner, parameters = _base(query).annotate(**marks).values(*columns, *marks).order_by().query.sql_with_params()

    def fitting(name: str) -> str:
        others = " AND ".join(f"fits_{other}" for other in active if other != name)
        return f"count(*) FILTER (WHERE {others})" if others else "count(*)"

    sets = ("type", "lifecycle", "owner_ref", "namespace", "orphan", "errors > 0")
    names = ("type", "lifecycle", "owner", "namespace", "status", "status")
    found: dict[str, dict[str, tuple[str, int]]] = {name: {} for name in FACETS}
    total = 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT grouping({', '.join(sets)}), {', '.join(sets)}, "  # noqa: S608 - all names are ours
            f"{', '.join(fitting(name) for name in (*names, ''))} FROM ({inner}) base "
            f"GROUP BY GROUPING SETS ({', '.join(f'({column})' for column in sets)}, ())",
            parameters,
        )
        for row in cursor.fetchall():
            place = _GROUPINGS.get(row[0])
            if place is None:
                total = row[-1]
            else:
                _count(found[names[place]], place, row[1 + place], row[7 + place])
        others = " AND ".join(f"fits_{other}" for other in active if other != "tag") or "true"
        cursor.execute(
            f"SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM ({inner}) base WHERE {others}) t "  # noqa: S608
            "GROUP BY tag",
            parameters,
        )
        found["tag"] = {tag: (tag, count) for tag, count in cursor.fetchall()}
    return Overview(total, _facets(query, found))


_GROUPINGS = {0b111111 ^ (1 << (5 - place)): place for place in range(6)}
"""What PostgreSQL's grouping() says of a row, to the column it is grouped by; 63 is the row of all."""


def _count(values: dict[str, tuple[str, int]], place: int, value: Any, count: int) -> None:
    if place >= 4:
        # Only the bad news is worth a filter.
        value = ("orphan", "error")[place - 4] if value else ""
    if value and count:
        label, before = values.get(value.lower(), (value, 0))
        values[value.lower()] = (label, before + count)


def _facets(query: TableQuery, found: dict[str, dict[str, tuple[str, int]]]) -> dict[str, list[FacetValue]]:
    facets: dict[str, list[FacetValue]] = {}
    for name, values in found.items():
        chosen = query.filters.get(name, ())
        for value in chosen:
            # What is chosen stays visible, so that it can be dropped.
            values.setdefault(value, (value, 0))
        ordered = sorted(values.items(), key=lambda item: (item[0] not in chosen, -item[1][1], item[0]))
        shown = ordered[:FACET_VALUES]
        owners = named(value for value, _ in shown) if name == "owner" else {}
        facets[name] = [
            FacetValue(value, owners[value].label if value in owners else label, count, value in chosen)
            for value, (label, count) in shown
        ]
    return facets


def rows(query: TableQuery, start: int, size: int) -> list[Row]:
    """Answer one page of the table."""
    # Sorting narrow rows first and reading the page's columns afterwards is several times faster.
    keys = list(_sorted(matching(query), query)[start : start + size].values_list("pk", flat=True))
    places = {pk: place for place, pk in enumerate(keys)}
    found = sorted(
        Entity.objects.filter(pk__in=keys).values_list(
            "ref", "namespace", "display_name", "title", "description", "kind_name", "type", "lifecycle",
            "owner_ref", "system_ref", "tags", "orphan", "errors",
            KeyTextTransform(VIEW_URL, "fields"), KeyTextTransform(EDIT_URL, "fields"), "changed_at", "pk",
        ),
        key=lambda row: places[row[-1]],
    )  # fmt: skip
    refs = [row[0] for row in found]
    names = named([*refs, *(row[8] for row in found), *(row[9] for row in found)])
    stars = starred_among(refs)
    return [
        Row(
            entity=names[row[0]],
            namespace=row[1],
            name=row[2],
            title=row[3],
            type=row[6],
            lifecycle=row[7],
            owner=names.get(row[8]),
            system=names.get(row[9]),
            tags=tuple(row[10]),
            orphan=row[11],
            errors=row[12],
            starred=row[0] in stars,
            view_url=web_address(row[13]),
            edit_url=web_address(row[14]),
            changed_at=row[15],
        )
        for row in found
    ]


def starred_among(refs: list[str]) -> set[str]:
    """Answer which of these the caller has starred."""
    mine = Star.objects.filter(user_ref=principal().ref, entity_ref__in=refs)
    return set(mine.values_list("entity_ref", flat=True))


def web_address(text: str | None) -> str:
    """Answer an address that a page may link to, or nothing."""
    return text if text and text.startswith(("https://", "http://")) else ""


# --- Conditions -----------------------------------------------------------------


def _base(query: TableQuery) -> QuerySet[Entity]:
    return readable().filter(_of_kind(query.kind), _personal(query.user), _text(query.text))


def _of_kind(kind: str) -> Q:
    return Q() if kind == ALL_KINDS else Q(kind=kind)


def _personal(user: str) -> Q:
    who = principal()
    if user == "owned":
        mine = list(who.ownership_refs or (who.ref,))
        # A person's own entity and groups are theirs, although nobody owns them.
        return Q(owner_ref__in=mine) | Q(ref__in=mine)
    if user == "starred":
        return Q(ref__in=Star.objects.filter(user_ref=who.ref).values("entity_ref"))
    return Q()


def _text(text: str) -> Q:
    words = (
        Q(name__icontains=word) | Q(title__icontains=word) | Q(description__icontains=word) for word in text.split()[:8]
    )
    return reduce(and_, words, Q())


def _condition(facet: str, values: tuple[str, ...]) -> Q:
    if facet == "tag":
        return Q(tags__contains=list(values))
    if facet == "status":
        fits = Q(pk__in=[])
        for value in values:
            fits |= Q(orphan=True) if value == "orphan" else Q(errors__gt=0) if value == "error" else Q(pk__in=[])
        return fits
    column = {"owner": "owner_ref", "namespace": "namespace"}.get(facet)
    if column:
        return Q(**{f"{column}__in": values})
    # The same type is written Service here and service there.
    return reduce(or_, (Q(**{f"{facet}__iexact": value}) for value in values), Q())


def in_order(query: TableQuery) -> QuerySet[Entity]:
    """Answer all entities of the table in the order it shows them."""
    return _sorted(matching(query), query)


def _sorted(found: QuerySet[Entity], query: TableQuery) -> QuerySet[Entity]:
    label = Lower(Coalesce(NullIf("title", Value("")), "display_name"))
    keys: dict[str, Any] = {
        "owner": F("owner_ref"),
        "system": F("system_ref"),
        "type": Lower("type"),
        "lifecycle": Lower("lifecycle"),
    }
    if query.sort == "changed":
        way = F("changed_at").asc() if query.descending else F("changed_at").desc()
        return found.order_by(way, "id")
    name = label.desc() if query.descending and query.sort == "name" else label.asc()
    if query.sort == "name":
        return found.order_by(name, "id")
    # What has no value comes last, whichever way the others go.
    key = Case(When(**{f"{_column(query.sort)}": "", "then": Value(None)}), default=keys[query.sort],
               output_field=TextField())  # fmt: skip
    order = key.desc(nulls_last=True) if query.descending else key.asc(nulls_last=True)
    return found.order_by(order, name, "id")


def _column(sort: str) -> str:
    return {"owner": "owner_ref", "system": "system_ref"}.get(sort, sort)
