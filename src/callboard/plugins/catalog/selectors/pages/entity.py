"""Answer what the page of an entity shows beside the entity itself."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection
from django.db.models import Q

from callboard.lib.refs import EntityRef
from callboard.plugins.catalog.models import (
    Emission,
    Entity,
    Problem,
    Relation,
    Source,
    SourceLink,
    Tombstone,
)
from callboard.plugins.catalog.selectors.ancestry import ancestry_of
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.selectors.pages.names import Named, kind_title, named
from callboard.plugins.catalog.selectors.problems import problems
from callboard.plugins.catalog.selectors.querying import readable
from callboard.plugins.catalog.selectors.views import EntityView

SHOWN = 60
"""Related entities of one group on a page; more are a matter for the table."""
GRAPH_NODES = 120
GRAPH_EDGES = 400
HUBS = ("group", "user")
"""Kinds that everything is related to: a graph stops at them, or it would show the whole catalog."""


@dataclass
class RelationGroup:
    """Entities of one kind in one relation to the entity, in words from its side."""

    type: str
    title: str
    kind: str
    count: int = 0
    entities: list[Named] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.count - len(self.entities)


@dataclass(frozen=True)
class Graph:
    """Entities around an entity: ``nodes`` by ref with their distance, ``edges`` as (from, type, to)."""

    root: str
    nodes: dict[str, Named]
    distance: dict[str, int]
    edges: list[tuple[str, str, str]]
    cut: bool

    def as_dict(self, titles: dict[str, str]) -> dict[str, Any]:
        """Answer plain JSON for the drawing."""
        return {
            "nodes": [
                {
                    "id": ref,
                    "title": node.label,
                    "subtitle": f"{node.kind} – not there" if not node.exists else node.kind,
                    "kind": node.kind,
                    "url": node.url,
                    "focus": ref == self.root,
                }
                for ref, node in self.nodes.items()
            ],
            "edges": [
                {"from": source, "to": target, "label": titles.get(kind, kind)} for source, kind, target in self.edges
            ],
        }


def relation_titles() -> dict[str, str]:
    """Answer what every relation type is called, from the side it is told from."""
    titles: dict[str, str] = {}
    for relation in catalog_model().relations:
        titles.setdefault(relation.type, relation.title or relation.type)
        titles.setdefault(relation.inverse, relation.inverse_title or relation.inverse)
    return titles


def relation_groups(entity: EntityView) -> tuple[list[RelationGroup], list[Named]]:
    """Answer the entity's relations grouped by type and kind, and the related entities that are missing."""
    titles = relation_titles()
    order = {name: place for place, name in enumerate(titles)}
    refs: dict[tuple[str, str], list[str]] = {}
    every: list[str] = []
    for relation in entity.data.get("relations") or ():
        target = str(relation["targetRef"])
        refs.setdefault((relation["type"], target.partition(":")[0]), []).append(target)
        every.append(target)
    names = named(every)
    groups = []
    for (type_, kind), targets in sorted(refs.items(), key=lambda item: (order.get(item[0][0], 99), item[0])):
        found = sorted((names[ref] for ref in set(targets)), key=lambda n: (not n.exists, n.label.casefold()))
        groups.append(RelationGroup(type_, titles.get(type_, type_), kind_title(kind), len(found), found[:SHOWN]))
    missing = sorted((n for n in names.values() if not n.exists), key=lambda n: n.ref)
    return groups, missing


def graph_around(ref: str, depth: int = 1) -> Graph:
    """Answer what is within ``depth`` relations of an entity, as far as the caller may see."""
    forward = {relation.type for relation in catalog_model().relations}
    inverse = {relation.inverse: relation.type for relation in catalog_model().relations}
    distance = {ref: 0}
    edges: dict[tuple[str, str, str], None] = {}
    frontier = [ref]
    cut = False
    for step in range(1, depth + 1):
        found = Relation.objects.filter(source_ref__in=frontier).order_by("source_ref", "type", "target_ref")
        reached: list[str] = []
        for source, type_, target in found.values_list("source_ref", "type", "target_ref").distinct()[:2000]:
            if target not in distance:
                if len(distance) >= GRAPH_NODES:
                    cut = True
                    continue
                distance[target] = step
                reached.append(target)
            if type_ in forward or type_ not in inverse:
                edges.setdefault((source, type_, target))
            else:
                edges.setdefault((target, inverse[type_], source))
        frontier = [target for target in reached if target.partition(":")[0] not in HUBS]
        if not frontier:
            break
    nodes = {ref: node for ref, node in named(distance).items() if not node.hidden}
    shown = [edge for edge in edges if edge[0] in nodes and edge[2] in nodes]
    return Graph(ref, nodes, distance, shown[:GRAPH_EDGES], cut or len(shown) > GRAPH_EDGES)


def problems_of(ref: str) -> list[Problem]:
    """Answer the problems that name this entity."""
    return list(problems().filter(ref=ref)[:50])


def tombstones_of(ref: str) -> list[Tombstone]:
    """Answer when and why an entity of this ref was removed, latest first."""
    return list(Tombstone.objects.filter(ref=ref, restored_at=None).order_by("-removed_at")[:5])


def similar(ref: str, limit: int = 6) -> list[Named]:
    """Answer entities whose names are like the one of a ref that is not there."""
    kind, _, rest = ref.partition(":")
    name = rest.rpartition("/")[2]
    words = [word for word in name.replace("_", "-").replace(".", "-").split("-") if len(word) > 2]
    fits = Q(name=name)
    for word in [name[: max(4, len(name) - 2)], *words[:4]]:
        fits |= Q(name__icontains=word)
    found = readable().filter(fits).values_list("ref", "kind", "name")[:200]
    ranked = sorted(found, key=lambda row: (row[2] != name, row[1] != kind, -_shared(row[2], name), row[0]))
    refs = [row[0] for row in ranked[:limit]]
    names = named(refs)
    return [names[r] for r in refs]


def _shared(one: str, other: str) -> int:
    return len(set(itertools.pairwise(one)) & set(itertools.pairwise(other)))


@dataclass(frozen=True)
class Step:
    """One link of the way an entity came in."""

    entity: Named
    emitted_by: list[Named]


def way_in(ref: str) -> list[Step]:
    """Answer how an entity came in: itself first, then what emitted it, up to the registration."""
    found = ancestry_of(ref) or []
    steps = [(str(EntityRef.of(orjson.loads(body))).lower(), parents) for body, parents in found]
    names = named([ref for ref, _ in steps] + [parent for _, parents in steps for parent in parents])
    return [Step(names[here], [names[parent] for parent in parents]) for here, parents in steps]


def source_of(ref: str) -> Source | None:
    """Answer the source that an entity stands by."""
    entity = Entity.objects.filter(ref=ref).select_related("source").first()
    return entity.source if entity else None


def others_in(entity: EntityView, source: Source | None, limit: int = 12) -> list[Named]:
    """Answer what else stands in the same file."""
    if not entity.location or source is None:
        return []
    ref = entity.ref
    # The source has an index, the file has none.
    refs = list(
        readable()
        .filter(source=source, location=entity.location)
        .exclude(ref=ref)
        .order_by("line")[:limit]
        .values_list("ref", flat=True)
    )
    names = named(refs)
    return [names[r] for r in refs]


def removed_with(source: Source) -> list[str]:
    """Answer the refs that go when a registration goes: what nothing else leads to."""
    parents = SourceLink.objects.filter(source=source).values_list("parent_ref", flat=True)
    entry = Emission.objects.filter(source__type="provider", ref__in=list(parents)).values_list("ref", flat=True)
    own = list(entry)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE reached(id) AS (
              SELECT id FROM cb_catalog_source WHERE type = 'provider'
              UNION
              SELECT l.source_id FROM reached
              JOIN cb_catalog_emission m ON m.source_id = reached.id AND m.ref LIKE 'location:%%'
                AND NOT (m.ref = ANY(%s))
              JOIN cb_catalog_source_link l ON l.parent_ref = m.ref
            )
            SELECT m.ref FROM cb_catalog_emission m
            GROUP BY m.ref
            HAVING bool_and(m.source_id NOT IN (SELECT id FROM reached) OR m.ref = ANY(%s))
            ORDER BY m.ref
            """,
            [own, own],
        )
        return [ref for (ref,) in cursor.fetchall()]


def wanted_by(ref: str, limit: int = 12) -> list[Named]:
    """Answer who declares a relation to a ref that is not there."""
    rows = Relation.objects.filter(target_ref=ref).order_by("origin_ref").values_list("origin_ref", flat=True)
    refs = list(rows.distinct()[:limit])
    names = named(refs)
    return [names[r] for r in refs if names[r].exists]
