"""Answer pages, lists and counts of entities as JSON text, ready to send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import OrderBy

from callboard.plugins.catalog.models import Entity, Relation
from callboard.plugins.catalog.selectors.compiling import (
    filter_query,
    full_text_query,
    has_value,
    is_never_null,
    predicate_query,
    relation_type_of,
    value_of,
)
from callboard.plugins.catalog.selectors.concealing import concealed, concealed_one_by_one
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.selectors.remembering import remembered, state
from callboard.plugins.catalog.types.cursors import FullTextFilter, QueryCursor
from callboard.plugins.catalog.types.filters import Filter
from callboard.plugins.catalog.types.model import CatalogModel
from callboard.plugins.catalog.types.order import OrderField
from callboard.plugins.catalog.types.predicates import Predicate
from callboard.sdk.database import fetch, literal
from callboard.sdk.permissions import allowed_filter

READ = "catalog.entity.read"


@dataclass(frozen=True)
class EntityQuery:
    """Which entities are wanted, in what order."""

    filter: Filter | None = None
    predicate: Predicate | None = None
    full_text: FullTextFilter | None = None
    order: tuple[OrderField, ...] = ()


@dataclass
class EntityPage:
    """A page of entities as JSON texts, with cursors to its neighbours."""

    items: list[str]
    total: int | None
    next: QueryCursor | None
    previous: QueryCursor | None


def readable() -> QuerySet[Entity]:
    """Answer the entities the caller may see."""
    return _those(allowed_filter(READ))


def _those(condition: Q | None) -> QuerySet[Entity]:
    return Entity.objects.all() if condition is None else Entity.objects.filter(condition)


def matching(query: EntityQuery) -> QuerySet[Entity]:
    """Answer the readable entities that match, unordered."""
    return _matching(query, allowed_filter(READ))


def _matching(query: EntityQuery, condition: Q | None) -> QuerySet[Entity]:
    found = _those(condition).filter(filter_query(query.filter)).filter(predicate_query(query.predicate))
    sort_key = query.order[0].field if query.order else None
    annotations, text = full_text_query(query.full_text, sort_key)
    return found.annotate(**annotations).filter(text)


@dataclass(frozen=True)
class _Statements:
    """The SQL of a page, with all values written in; empty where nothing can match."""

    rows: str
    total: str


def _statements(
    query: EntityQuery, condition: Q | None, start: int, size: int, cursor: QueryCursor | None
) -> _Statements:
    """Compile a page: keys and sort values of its rows and of the one after, and how many there are in all."""
    order = query.order[:1]
    found = _matching(query, condition)
    if order:
        found = found.filter(has_value(order[0].field))
    total = _sql(found.values("pk").order_by())
    backwards = cursor is not None and cursor.is_previous
    down = (bool(order) and order[0].order == "desc") != backwards
    nulls = bool(order) and not is_never_null(order[0].field)
    wanted = found.annotate(sort_value=value_of(order[0].field) if order else F("ref"))
    if cursor is not None and cursor.order_field_values:
        wanted = wanted.filter(_beyond(cursor.order_field_values, descending=down, backwards=backwards, nulls=nulls))
    # Values that are too long to sort by stand at the end. Where there are none the clause is left out,
    # because no index would fit it.
    by_value = OrderBy(F("sort_value"), descending=down, **_nulls(backwards) if nulls else {})
    wanted = wanted.order_by(by_value, OrderBy(F("pk"), descending=down)).values_list("pk", "sort_value")
    return _Statements(
        _sql(wanted[start : start + size + 1]),
        f"SELECT count(*) FROM ({total}) t" if total else "",  # noqa: S608 - ours
    )


def _sql(found: QuerySet[Entity, Any]) -> str:
    try:
        return literal(*found.query.sql_with_params())
    except EmptyResultSet:
        return ""


@lru_cache(maxsize=1000)
def _kept_statements(
    _model: CatalogModel, query: EntityQuery, start: int, size: int, cursor: QueryCursor | None
) -> _Statements:
    """Compile once what is asked again and again by those who may see everything."""
    return _statements(query, None, start, size, cursor)


def page(
    query: EntityQuery, *, limit: int, offset: int = 0, cursor: QueryCursor | None = None, count: bool = True
) -> EntityPage:
    """Answer one page by keyset: page five thousand costs what page one does.

    A cursor carries the query it was made for; ``query`` is then not looked at.
    """
    if cursor is not None:
        query = EntityQuery(cursor.filter, cursor.query, cursor.full_text_filter, cursor.order_fields)
        offset = 0
    condition = allowed_filter(READ)
    # What a predicate asks of single items is looked up while it is compiled, so it is true for the moment alone.
    kept = condition is None and query.predicate is None
    make = partial(_kept_statements, catalog_model()) if kept else partial(_statements, condition=condition)
    statements = make(query=query, start=offset, size=limit, cursor=cursor)
    total = cursor.total_items if cursor is not None else None
    counted = total is None and count and cursor is None
    under = state() if kept and (counted or query.full_text) else None
    if counted:
        total = _number(statements.total, under, kept=kept)
    if limit == 0:
        return EntityPage([], total, None, None)
    backwards = cursor is not None and cursor.is_previous
    rows = _rows(statements.rows, under, kept=kept and query.full_text is not None)
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    # The texts are fetched for the page alone: joined above, every row that is sorted would be.
    keys = [pk for pk, _ in rows]
    bodies = dict(fetch("SELECT entity_id, json FROM cb_catalog_body WHERE entity_id = ANY(%s)", [keys]))
    bodies = concealed(bodies, Entity.objects.filter(pk__in=keys))
    base = QueryCursor(
        order_fields=query.order[:1],
        filter=query.filter,
        full_text_filter=query.full_text,
        query=query.predicate,
        total_items=total,
        first_sort_field_values=cursor.first_sort_field_values if cursor else _edge(rows[0]) if rows else None,
    )
    has_next = more if not backwards else True
    has_previous = more if backwards else (cursor is not None or offset > 0)
    return EntityPage(
        [bodies[pk] for pk, _ in rows if pk in bodies],
        total,
        replace(base, order_field_values=_edge(rows[-1])) if rows and has_next else None,
        replace(base, order_field_values=_edge(rows[0]), is_previous=True) if rows and has_previous else None,
    )


def _rows(statement: str, under: UUID | None, *, kept: bool) -> list[tuple[Any, ...]]:
    if not statement:
        return []
    return list(remembered(statement, under)) if kept else fetch(statement)


def _number(statement: str, under: UUID | None, *, kept: bool) -> int:
    found = _rows(statement, under, kept=kept)
    return int(found[0][0]) if found else 0


def _edge(row: tuple[Any, ...]) -> tuple[str | None, ...]:
    return (row[1], str(row[0]))


def _nulls(backwards: bool) -> dict[str, bool]:
    return {"nulls_first": True} if backwards else {"nulls_last": True}


def _beyond(values: tuple[str | None, ...], *, descending: bool, backwards: bool, nulls: bool) -> Q:
    """Compile "stands after this place" in the direction of reading."""
    value, pk = (values[0], values[-1]) if len(values) > 1 else (None, values[0])
    number = int(pk) if pk and pk.isdecimal() and len(pk) < 19 else 0
    way = "lt" if descending else "gt"
    if value is None:
        after = Q(sort_value__isnull=True, **{f"pk__{way}": number})
        return after | Q(sort_value__isnull=False) if backwards else after
    after = Q(**{f"sort_value__{way}": value}) | Q(sort_value=value, **{f"pk__{way}": number})
    return after | Q(sort_value__isnull=True) if nulls and not backwards else after


def listed(query: EntityQuery, *, limit: int | None = None, offset: int = 0) -> Iterator[str]:
    """Answer entities one by one without holding them all; absent sort values come last.

    What the caller may see is decided now, not when the answer is read, which may be after the request.
    """
    found = matching(query)
    order: list[Any] = []
    for index, item in enumerate(query.order):
        found = found.annotate(**{f"sort_{index}": value_of(item.field)})
        order.append(OrderBy(F(f"sort_{index}"), descending=item.order == "desc", nulls_last=True))
    order.append(F("pk").asc() if query.order else F("ref").asc())
    rows = found.order_by(*order).values_list("ref", "body__json")
    if limit is not None or offset:
        rows = rows[offset : None if limit is None else offset + limit]
    return concealed_one_by_one(rows.iterator(chunk_size=2_000))


def facets(query: EntityQuery, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Count the values of each key among the matching entities, most frequent first."""
    condition = allowed_filter(READ)
    kept = condition is None and query.predicate is None
    make = partial(_kept_facet, catalog_model()) if kept else partial(_facet, condition=condition)
    under = state() if kept else None
    return {
        key: [{"value": value, "count": count} for value, count in _rows(make(query=query, key=key), under, kept=kept)]
        for key in keys
    }


_FACET_COLUMNS = {
    "kind": "kind_name",
    "metadata.namespace": "namespace",
    "spec.type": "type",
    "spec.lifecycle": "lifecycle",
}


@lru_cache(maxsize=1000)
def _kept_facet(_model: CatalogModel, query: EntityQuery, key: str) -> str:
    return _facet(query, key, None)


def _facet(query: EntityQuery, key: str, condition: Q | None) -> str:
    """Compile the counts of a key's values; empty where nothing can match."""
    found = _matching(query, condition)
    lowered = key.lower()
    column = _FACET_COLUMNS.get(lowered)
    if column is not None:
        inner, values = f"t.{column}", found.values(column)
    elif lowered == "metadata.tags":
        inner, values = "unnest(t.tags)", found.values("tags")
    elif lowered.startswith("relations."):
        return _relation_facet(found, lowered.removeprefix("relations."), condition)
    else:
        inner = (
            "jsonb_array_elements_text(CASE jsonb_typeof(t.fields -> %s) WHEN 'array' THEN t.fields -> %s "
            "ELSE jsonb_build_array(t.fields -> %s) END)"
        )
        values = found.filter(terms__contains=[lowered]).values("fields")
    try:
        sql, parameters = values.order_by().query.sql_with_params()
    except EmptyResultSet:
        return ""
    return literal(
        f"SELECT value, count(*) FROM (SELECT {inner} AS value FROM ({sql}) t) v "  # noqa: S608 - ours
        "WHERE value IS NOT NULL AND value <> '' GROUP BY value ORDER BY count(*) DESC, value",
        [*[lowered] * inner.count("%s"), *parameters],
    )


def _relation_facet(found: QuerySet[Entity], lowered: str, condition: Q | None) -> str:
    related = Relation.objects.filter(type=relation_type_of(lowered), source_ref__in=found.order_by().values("ref"))
    if condition is not None:
        # What hidden entities say of visible ones is hidden too.
        related = related.filter(origin_ref__in=_those(condition).values("ref"))
    counted = related.order_by().values_list("target_ref").annotate(n=Count("source_ref", distinct=True))
    return _sql(counted.order_by("-n", "target_ref"))


def body_of(ref: str) -> str | None:
    """Answer one entity by its ref, if the caller may see it."""
    return bodies_of([ref]).get(ref)


def body_by_uid(uid: str) -> str | None:
    """Answer one entity by its uid, if the caller may see it."""
    ref = readable().filter(uid=uid).values_list("ref", flat=True).first()
    return body_of(ref) if ref else None


def ref_by_uid(uid: str) -> str | None:
    """Answer the ref of a uid, whoever asks: for actions that have a permission of their own."""
    found: str | None = Entity.objects.filter(uid=uid).values_list("ref", flat=True).first()
    return found


def exists(ref: str) -> bool:
    """Tell whether there is such an entity, whoever asks."""
    return Entity.objects.filter(ref=ref).exists()


_BY_REFS = """
SELECT e.ref, b.json FROM cb_catalog_entity e JOIN cb_catalog_body b ON b.entity_id = e.id WHERE e.ref = ANY(%s)
"""


def bodies_of(refs: list[str], filter_: Filter | None = None, predicate: Predicate | None = None) -> dict[str, str]:
    """Answer many entities by ref in one query; those that are missing or hidden are left out."""
    condition = allowed_filter(READ)
    if condition is None and filter_ is None and predicate is None:
        return dict(fetch(_BY_REFS, [refs]))
    found = _those(condition).filter(ref__in=set(refs)).filter(filter_query(filter_)).filter(predicate_query(predicate))
    return concealed(dict(found.values_list("ref", "body__json")), found)
