"""Answer who belongs to whom: members, groups above and below, and what people own."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from callboard.plugins.catalog.models import Relation
from callboard.plugins.catalog.selectors.concealing import hidden_among
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.selectors.pages.names import Named, kind_icon, named
from callboard.plugins.catalog.selectors.querying import readable

MEMBERS = 200


@dataclass(frozen=True)
class Owned:
    """How many entities of a kind somebody owns."""

    kind: str
    plural: str
    icon: str
    count: int
    owners: tuple[str, ...]


@dataclass(frozen=True)
class GroupFacts:
    """A group's place in the company. ``below`` counts the groups under it, at any depth."""

    chain: list[Named]
    children: list[Named]
    members: list[Named]
    inherited: list[Named]
    below: int


def owned_by(refs: list[str]) -> list[Owned]:
    """Count what these own, by kind, in the order of the kinds."""
    rows = dict(readable().filter(owner_ref__in=refs).order_by().values_list("kind").annotate(n=Count("id")))
    model = catalog_model()
    found = []
    for kind in sorted(model.kinds, key=lambda item: item.order):
        count = rows.pop(kind.kind.lower(), 0)
        if count:
            found.append(Owned(kind.kind.lower(), kind.plural, kind.icon, count, tuple(refs)))
    found += [Owned(kind, kind, kind_icon(kind), count, tuple(refs)) for kind, count in sorted(rows.items())]
    return found


def groups_below(ref: str) -> list[str]:
    """Answer all groups under a group, at any depth; a circle ends where it began."""
    return _walk([ref], "parentOf")


def groups_above(ref: str) -> list[str]:
    """Answer the chain of groups above a group, nearest first."""
    chain: list[str] = []
    here = ref
    while len(chain) < 20:
        parent = (
            Relation.objects.filter(source_ref=here, type="childOf")
            .order_by("id")
            .values_list("target_ref", flat=True)
            .first()
        )
        if parent is None or parent == ref or parent in chain:
            break
        chain.append(parent)
        here = parent
    return chain


def group_facts(ref: str) -> GroupFacts:
    """Answer members, sub-groups and the way up of a group."""
    below = groups_below(ref)
    above = groups_above(ref)
    direct = _members([ref])
    known = set(direct)
    inherited = [person for person in _members(below) if person not in known] if below else []
    children = _targets(ref, "parentOf")
    hidden = hidden_among([*above, *below, *children, *direct, *inherited])
    above, below, children, direct, inherited = (
        [found for found in refs if found not in hidden] for refs in (above, below, children, direct, inherited)
    )
    names = named([*above, *children, *direct[:MEMBERS], *inherited[:MEMBERS]])
    return GroupFacts(
        chain=[names[r] for r in reversed(above)],
        children=_by_label([names[r] for r in children]),
        members=_by_label([names[r] for r in direct[:MEMBERS]]),
        inherited=_by_label([names[r] for r in inherited[:MEMBERS]]),
        below=len(below),
    )


def groups_of(ref: str) -> list[Named]:
    """Answer the groups a person belongs to directly."""
    refs = _targets(ref, "memberOf")
    names = named(refs)
    return _by_label([names[r] for r in refs if not names[r].hidden])


def all_groups_of(ref: str) -> list[str]:
    """Answer a person's groups and those above them."""
    direct = _targets(ref, "memberOf")
    return list(dict.fromkeys([*direct, *_walk(direct, "childOf")])) if direct else []


def _members(groups: list[str]) -> list[str]:
    rows = Relation.objects.filter(source_ref__in=groups, type="hasMember").order_by("target_ref")
    return list(rows.values_list("target_ref", flat=True).distinct())


def _targets(ref: str, type_: str) -> list[str]:
    rows = Relation.objects.filter(source_ref=ref, type=type_).order_by("target_ref")
    return list(rows.values_list("target_ref", flat=True).distinct())


def _by_label(items: list[Named]) -> list[Named]:
    return sorted(items, key=lambda item: (not item.exists, item.label.casefold()))


def _walk(refs: list[str], type_: str) -> list[str]:
    """Answer what can be reached from these by a relation, in one query however many and deep they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE walk(ref) AS (
              SELECT target_ref FROM cb_catalog_relation WHERE source_ref = ANY(%s) AND type = %s
              UNION
              SELECT r.target_ref FROM walk JOIN cb_catalog_relation r ON r.source_ref = walk.ref AND r.type = %s
            )
            SELECT ref FROM walk WHERE ref <> ALL(%s) ORDER BY ref
            """,
            [refs, type_, type_, refs],
        )
        return [found for (found,) in cursor.fetchall()]
