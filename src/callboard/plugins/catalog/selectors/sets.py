"""Answer what is known of pushed sets, of held deletions, and of how fresh an entity is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from croniter import croniter
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from callboard.plugins.catalog.models import Emission, Entity, Hold, Problem, Redirect, Source
from callboard.plugins.catalog.selectors.querying import readable
from callboard.plugins.catalog.types.pushing import PORTAL, PREFIX
from callboard.sdk.contributions import CatalogProvider
from callboard.sdk.plugins import contribution


def buckets(text: str = "") -> QuerySet[Source]:
    """Answer everything that pushes entities (providers and pushed sets) with its counts, troubled ones first."""

    def counted(model: Any) -> Any:
        rows = model.objects.filter(source=OuterRef("pk")).order_by().values("source").annotate(n=Count("pk"))
        return Coalesce(Subquery(rows.values("n")), 0)

    found = Source.objects.filter(type="provider").exclude(target="registered-locations")
    if text:
        found = found.filter(target__icontains=text)
    return found.annotate(entity_count=counted(Emission), problem_count=counted(Problem)).order_by(
        "-failures", "-problem_count", "target"
    )


def pushed_sets() -> list[Source]:
    """Answer the sets that programs push, by name."""
    return list(buckets().filter(target__startswith=PREFIX).order_by("target"))


def pushed_set(name: str) -> Source | None:
    """Answer one set, with its counts."""
    return buckets().filter(target=f"{PREFIX}{name}").first()


def refs_in(source: Source) -> list[str]:
    """Answer what a source says now, as far as the caller may see it."""
    said = Emission.objects.filter(source=source).values("ref")
    return list(readable().filter(ref__in=said).order_by("ref").values_list("ref", flat=True))


def holds() -> list[Hold]:
    """Answer the deletions that are held, those to decide first."""
    return list(Hold.objects.select_related("source").order_by("-state", "since"))


def open_holds() -> int:
    """Count the held deletions that nobody has decided on."""
    return Hold.objects.filter(state="open").count()


def hold_of(ref: str) -> Hold | None:
    """Answer the held deletion that would take this entity."""
    return Hold.objects.select_related("source").filter(refs__contains=[ref], source__entities__ref=ref).first()


def renamed_to(ref: str) -> str | None:
    """Answer what an entity is called now, if the caller may see that one."""
    seen = {ref}
    while True:
        new = Redirect.objects.filter(old_ref=ref).values_list("new_ref", flat=True).first()
        if new is None or new in seen:
            return None
        if readable().filter(ref=new).exists():
            return new
        seen.add(new)
        ref = new


@dataclass(frozen=True)
class Freshness:
    """Where an entity comes from and how fresh that is. ``next_refresh`` is none for what is pushed."""

    ref: str
    source_type: str
    source: str
    file: str
    line: int
    last_seen: datetime | None
    last_good: datetime | None
    last_changed: datetime
    next_refresh: datetime | None
    failures: int
    held: bool
    orphan: bool
    set: str = ""

    @property
    def managed_here(self) -> bool:
        """Whether it is edited in the portal itself."""
        return self.set == PORTAL

    def as_dict(self) -> dict[str, Any]:
        """Answer plain JSON."""

        def text(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        return {
            "entityRef": self.ref,
            "source": {"type": self.source_type, "target": self.source},
            "location": self.file,
            "line": self.line or None,
            "lastSeen": text(self.last_seen),
            "lastGood": text(self.last_good),
            "lastChanged": text(self.last_changed),
            "nextRefresh": text(self.next_refresh),
            "failures": self.failures,
            "held": self.held,
            "orphan": self.orphan,
        }


def freshness_of(ref: str) -> Freshness | None:
    """Answer how fresh an entity is, if the caller may see it."""
    entity = readable().filter(ref=ref).select_related("source").first()
    return _freshness(entity) if entity is not None else None


def _freshness(entity: Entity) -> Freshness:
    source = entity.source
    held = source is not None and Hold.objects.filter(source=source, refs__contains=[entity.ref]).exists()
    type_, target = (source.type, source.target) if source else ("", "")
    pushed = type_ == "provider" and target.startswith(PREFIX)
    name = target.removeprefix(PREFIX) if pushed else ""
    return Freshness(
        ref=entity.ref,
        source_type="push" if pushed else type_,
        source=name or target,
        file=entity.location,
        line=entity.line,
        # A source that says nothing of when it was read last is as fresh as its last good word.
        last_seen=(source.ok_at if source.failures else source.read_at or source.ok_at) if source else None,
        last_good=source.ok_at if source else None,
        last_changed=entity.changed_at,
        next_refresh=_next(source) if source else None,
        failures=source.failures if source else 0,
        held=held,
        orphan=entity.orphan,
        set=name,
    )


def _next(source: Source) -> datetime | None:
    if source.type != "provider" or source.due_at is not None:
        return source.due_at
    provider = contribution(CatalogProvider, source.target)
    if provider is None or not provider.schedule or source.read_at is None:
        return None
    found: datetime = croniter(provider.schedule, source.read_at).get_next(datetime)
    return found


def titles_of(sources: Iterable[Source]) -> dict[int, str]:
    """Answer what sources are called: the title of a provider, the name of a set, the target of a location."""
    found = {}
    for source in sources:
        provider = contribution(CatalogProvider, source.target) if source.type == "provider" else None
        found[source.pk] = (provider.title if provider else "") or source.target.removeprefix(PREFIX)
    return found
