"""Answer what would feel it if an entity broke: everything downstream, with who owns it and why it is there."""

from __future__ import annotations

from dataclasses import dataclass, field

from callboard.plugins.catalog.models import Entity, Relation
from callboard.plugins.catalog.selectors.pages.names import Named, named
from callboard.plugins.catalog.selectors.querying import readable

DOWNSTREAM = ("dependencyOf", "apiConsumedBy", "providesApi")
"""Relations, told from an entity, whose other end feels it: depends on it, consumes it, is served through it."""
PARTS = "hasPart"
"""A system or domain breaks with its parts; from there it goes on like for any other."""
STEPS = 10
MOST = 5_000
SHOWN = 500


@dataclass(frozen=True)
class Affected:
    """An entity downstream. ``distance`` counts relations from the origin; ``through`` is the one before it."""

    entity: Named
    distance: int
    through: Named | None


@dataclass
class OwnerImpact:
    """What one owner has downstream; without an owner it is nobody's, which is worth knowing first."""

    owner: Named | None
    affected: list[Affected] = field(default_factory=list)


@dataclass(frozen=True)
class Impact:
    """Everything downstream by owner; ``total`` counts it all, the lists hold at most ``SHOWN``."""

    owners: list[OwnerImpact]
    total: int
    direct: int
    cut: bool

    @property
    def shown(self) -> int:
        """How many are listed."""
        return sum(len(item.affected) for item in self.owners)


def downstream(ref: str) -> tuple[dict[str, tuple[int, str]], bool]:
    """Answer the refs downstream with distance and the ref before each, nearest first; and whether there are more.

    One statement a step, whatever the number of entities; what the caller may not see ends a line.
    """
    reached: dict[str, tuple[int, str]] = {ref: (0, "")}
    frontier = [ref]
    if ref.partition(":")[0] in {"system", "domain"}:
        frontier += _parts(ref)
        reached.update((part, (0, ref)) for part in frontier[1:])
    parts = set(reached)
    for distance in range(1, STEPS + 1):
        rows = Relation.objects.filter(source_ref__in=frontier, type__in=DOWNSTREAM).order_by(
            "source_ref", "target_ref"
        )
        onward: dict[str, str] = {}
        for source, target in rows.values_list("source_ref", "target_ref").distinct():
            if target not in reached:
                onward.setdefault(target, source)
        seen = readable().filter(ref__in=onward).order_by("ref").values_list("ref", flat=True)
        frontier = list(seen[: MOST + len(parts) - len(reached) + 1])
        reached.update((found, (distance, onward[found])) for found in frontier)
        if not frontier or len(reached) > MOST + len(parts):
            break
    found = {key: value for key, value in reached.items() if key not in parts}
    return found, len(found) > MOST


def _parts(ref: str) -> list[str]:
    found: dict[str, None] = {}
    frontier = [ref]
    for _step in range(STEPS):
        rows = Relation.objects.filter(source_ref__in=frontier, type=PARTS).values_list("target_ref", flat=True)
        frontier = [part for part in set(rows) if part not in found and part != ref]
        frontier = list(readable().filter(ref__in=frontier).values_list("ref", flat=True))
        found.update(dict.fromkeys(frontier))
        if not frontier or len(found) > MOST:
            break
    return list(found)


def impact_of(ref: str) -> Impact:
    """Answer everything downstream of an entity, by owner: most affected first, what nobody owns at the top."""
    found, cut = downstream(ref)
    owners = dict(Entity.objects.filter(ref__in=found).values_list("ref", "owner_ref"))
    listed = list(found)[:SHOWN]
    names = named([*listed, *(owners.get(item, "") for item in listed), *(found[item][1] for item in listed)])
    grouped: dict[str, OwnerImpact] = {}
    for item in listed:
        distance, through = found[item]
        owner = owners.get(item, "")
        group = grouped.setdefault(owner, OwnerImpact(names.get(owner)))
        group.affected.append(Affected(names[item], distance, names.get(through) if through != ref else None))
    ranked = sorted(
        grouped.values(), key=lambda g: (g.owner is not None, -len(g.affected), g.owner.label if g.owner else "")
    )
    return Impact(ranked, len(found), sum(distance == 1 for distance, _ in found.values()), cut)
