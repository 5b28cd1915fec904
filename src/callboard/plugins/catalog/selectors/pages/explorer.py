"""Answer the relations of the whole organisation, or a part of it, as a graph.

Every answer is bounded: at most ``NODES`` entities and ``EDGES`` relations, found by a fixed number of
statements, and only what the caller may see.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, IntegerField, QuerySet, Value, When

from callboard.plugins.catalog.models import Entity, Relation
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.selectors.pages.entity import HUBS, relation_titles
from callboard.plugins.catalog.selectors.pages.home import found_by_name
from callboard.plugins.catalog.selectors.pages.names import Named, kind_title, named
from callboard.plugins.catalog.selectors.querying import readable
from callboard.plugins.catalog.types.exploring import Exploration

NODES = 2000
EDGES = 6000
STEPS = 12
"""A way longer than this says nothing about two entities any more."""
REACH = 20_000
"""Entities looked at in the search for a way before it is given up."""

Edge = tuple[str, str, str]
"""From, relation type as declared, to."""


@dataclass
class Explored:
    """A part of the graph. ``members`` counts what a folded node stands for, ``weights`` what an edge does.

    ``total`` counts what there is before the limit; ``found`` is false when there is no way to the goal.
    """

    nodes: dict[str, Named]
    edges: list[Edge]
    total: int
    members: dict[str, int] = field(default_factory=dict)
    weights: dict[Edge, int] = field(default_factory=dict)
    cut: bool = False
    found: bool = True

    def as_dict(self, marked: Iterable[str] = ()) -> dict[str, Any]:
        """Answer plain JSON for the drawing."""
        titles, focus = relation_titles(), set(marked)
        return {
            "nodes": [
                {
                    "id": ref,
                    "title": node.label,
                    "kind": node.kind,
                    "url": node.url,
                    "missing": not node.exists,
                    "focus": ref in focus,
                    "members": self.members.get(ref, 0),
                }
                for ref, node in self.nodes.items()
            ],
            "edges": [
                {"from": source, "to": target, "label": titles.get(type_, type_), "count": self.weights.get(edge, 1)}
                for edge in self.edges
                for source, type_, target in [edge]
            ],
            "total": self.total,
            "cut": self.cut,
        }


def declared_relations() -> list[tuple[str, str]]:
    """Answer every relation type as it is declared, with its title."""
    found: dict[str, str] = {}
    for relation in catalog_model().relations:
        found.setdefault(relation.type, relation.title or relation.type)
    return list(found.items())


def entity_called(text: str) -> Named | None:
    """Answer the entity that a ref or a name means; the best fit when it is only part of a name."""
    wanted = text.strip().lower()
    if not wanted:
        return None
    exact = named([wanted]).get(wanted) if ":" in wanted else None
    if exact and exact.exists:
        return exact
    return next(iter(found_by_name(wanted.rpartition(":")[2].rpartition("/")[2], 1)), None)


def explore(wanted: Exploration) -> Explored:
    """Answer the part of the graph that is asked for."""
    if wanted.root and wanted.goal:
        return _way(wanted)
    if wanted.root:
        return _around(wanted)
    if wanted.fold:
        return _folded(wanted)
    return _everything(wanted)


def _types(wanted: Exploration) -> tuple[list[str], dict[str, str]]:
    """Answer the chosen relation types, and their inverses with what each is the inverse of."""
    chosen = set(wanted.relations)
    pairs = [(r.type, r.inverse) for r in catalog_model().relations if not chosen or r.type in chosen]
    return [type_ for type_, _ in pairs], {inverse: type_ for type_, inverse in pairs}


def _chosen(wanted: Exploration) -> QuerySet[Entity]:
    return readable().filter(kind__in=wanted.kinds)


def _everything(wanted: Exploration) -> Explored:
    found = _chosen(wanted)
    rank = Case(
        *(When(kind=kind, then=Value(place)) for place, kind in enumerate(wanted.kinds)),
        default=Value(len(wanted.kinds)),
        output_field=IntegerField(),
    )
    total = found.count()
    refs = list(found.order_by(rank, "name", "id").values_list("ref", flat=True)[:NODES])
    return _between(refs, wanted, total)


def _between(refs: list[str], wanted: Exploration, total: int) -> Explored:
    """Answer these entities with the chosen relations among them."""
    types, _ = _types(wanted)
    rows = Relation.objects.filter(type__in=types, source_ref__in=refs, target_ref__in=refs).order_by(
        "source_ref", "type", "target_ref"
    )
    edges: list[Edge] = list(rows.values_list("source_ref", "type", "target_ref").distinct()[: EDGES + 1])
    names = named(refs)
    return Explored(
        {ref: names[ref] for ref in refs if ref in names},
        edges[:EDGES],
        total,
        cut=total > len(refs) or len(edges) > EDGES,
    )


def _neighbours(frontier: Iterable[str], wanted: Exploration) -> list[Edge]:
    """Answer the relations that lead on from some entities, each as (from, type as told from there, to)."""
    types, inverse = _types(wanted)
    told = {"out": types, "in": list(inverse), "both": [*types, *inverse]}[wanted.direction]
    edge = ("source_ref", "type", "target_ref")
    rows = Relation.objects.filter(source_ref__in=list(frontier), type__in=told).order_by(*edge)
    return list(rows.values_list(*edge).distinct()[:REACH])


def _around(wanted: Exploration) -> Explored:
    reached = dict.fromkeys([wanted.root])
    frontier, cut, total = [wanted.root], False, 1
    for _step in range(wanted.depth):
        onward = {target for _, _, target in _neighbours(frontier, wanted)} - reached.keys()
        seen = list(_chosen(wanted).filter(ref__in=onward).order_by("ref").values_list("ref", flat=True))
        total += len(seen)
        seen, cut = seen[: NODES - len(reached)], cut or len(seen) > NODES - len(reached)
        reached.update(dict.fromkeys(seen))
        # Everything is related to people and teams: going on through them would show the whole catalog.
        frontier = [ref for ref in seen if ref.partition(":")[0] not in HUBS]
        if not frontier:
            break
    around = _between(list(reached), wanted, total)
    around.cut = around.cut or cut
    return around


def _way(wanted: Exploration) -> Explored:
    """Search from both ends at once, always on the smaller side, until the two meet."""
    came: tuple[dict[str, str], dict[str, str]] = ({wanted.root: ""}, {wanted.goal: ""})
    fronts = [[wanted.root], [wanted.goal]]
    meeting = wanted.root if wanted.root == wanted.goal else ""
    turned = Exploration(**{**wanted.__dict__, "direction": {"out": "in", "in": "out"}.get(wanted.direction, "both")})
    for _step in range(STEPS):
        if meeting or not all(fronts) or sum(map(len, came)) > REACH:
            break
        side = int(len(fronts[1]) < len(fronts[0]))
        found: dict[str, str] = {}
        for source, _type, target in _neighbours(fronts[side], turned if side else wanted):
            # That two things have the same owner is no way from one to the other.
            passable = target.partition(":")[0] not in HUBS or target in came[1 - side]
            if passable and target not in came[side]:
                found.setdefault(target, source)
        seen = set(readable().filter(ref__in=found).values_list("ref", flat=True))
        came[side].update((ref, found[ref]) for ref in sorted(seen))
        meeting = min(seen & came[1 - side].keys(), default="")
        fronts[side] = sorted(seen)
    if not meeting:
        return Explored(named([wanted.root, wanted.goal]), [], 2, found=False)
    refs = [*reversed(_trail(meeting, came[0])), *_trail(meeting, came[1])[1:]]
    way = _between(refs, wanted, len(refs))
    steps = {step for one, other in itertools.pairwise(refs) for step in ((one, other), (other, one))}
    way.edges = [edge for edge in way.edges if (edge[0], edge[2]) in steps]
    return way


def _trail(ref: str, came: dict[str, str]) -> list[str]:
    trail = [ref]
    while came[trail[-1]]:
        trail.append(came[trail[-1]])
    return trail


_FOLDED = """
WITH visible AS MATERIALIZED ({visible}),
home AS MATERIALIZED (
  SELECT v.ref, CASE WHEN %(domains)s THEN coalesce(d.target_ref, '') ELSE v.home END AS home
  FROM (SELECT ref, CASE WHEN kind IN ('system', 'domain') THEN ref ELSE system_ref END AS home FROM visible) v
  LEFT JOIN LATERAL (
    SELECT CASE WHEN v.home LIKE 'domain:%%' THEN v.home ELSE min(r.target_ref) END AS target_ref
    FROM cb_catalog_relation r
    WHERE %(domains)s AND r.source_ref = v.home AND r.type = 'partOf' AND r.target_ref LIKE 'domain:%%'
  ) d ON true
)
"""
_MEMBERS = (
    _FOLDED
    + """
SELECT home, count(*) FILTER (WHERE ref <> home), count(*) OVER () FROM home
WHERE home LIKE %(like)s GROUP BY home ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""
)
_LINKS = (
    _FOLDED
    + """
SELECT a.home, b.home, count(DISTINCT (r.source_ref, r.target_ref))
FROM cb_catalog_relation r JOIN home a ON a.ref = r.source_ref JOIN home b ON b.ref = r.target_ref
WHERE r.type = ANY(%(types)s) AND r.type <> 'partOf' AND a.home <> b.home
  AND a.home = ANY(%(homes)s) AND b.home = ANY(%(homes)s)
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(limit)s
"""
)
BETWEEN_FOLDS = "dependsOn"
"""What a line between two folded nodes is called, whatever relations of their parts it stands for."""


def _folded(wanted: Exploration) -> Explored:
    """Draw every system (or domain) once, with as many relations to others as its parts have."""
    kinds = tuple(dict.fromkeys((*wanted.kinds, "system", "domain")))
    rows = readable().filter(kind__in=kinds).order_by().values_list("ref", "kind", "system_ref")
    try:
        visible, parameters = rows.query.sql_with_params()
    except EmptyResultSet:  # the caller may see nothing
        return Explored({}, [], 0)
    first, *others = visible.split("%s")
    names = {f"v{place}": value for place, value in enumerate(parameters)}
    text = first + "".join(f"%({name})s{part}" for name, part in zip(names, others, strict=True))
    types, _ = _types(wanted)
    given = {**names, "domains": wanted.fold == "domain", "like": f"{wanted.fold}:%", "types": types}
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS.format(visible=text), {**given, "limit": NODES})
        members = cursor.fetchall()
        homes = [home for home, _, _ in members]
        cursor.execute(_LINKS.format(visible=text), {**given, "homes": homes, "limit": EDGES + 1})
        links = cursor.fetchall()
    weights = {(source, BETWEEN_FOLDS, target): count for source, target, count in links[:EDGES]}
    total = members[0][2] if members else 0
    known = named(homes)
    return Explored(
        {home: known[home] for home in homes},
        list(weights),
        total,
        members={home: count for home, count, _ in members},
        weights=weights,
        cut=total > len(homes) or len(links) > EDGES,
    )


def kinds_on_offer(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """Answer the kinds there are, as (kind in lower case, title, count), the usual ones first."""
    order = {kind.kind.lower(): kind.order for kind in catalog_model().kinds}
    rows = [(kind.lower(), kind_title(kind), count) for kind, count in counts.items()]
    return sorted(rows, key=lambda row: (order.get(row[0], 999), row[0]))
