"""Hold the loss of many entities at once until somebody confirms it.

A provider whose credentials lost a right, a repository that was emptied by mistake: both say that
nearly everything is gone. What they said before stays until a person has looked, or until the next
reading brings it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from callboard.plugins.catalog.models import Hold, Source
from callboard.plugins.catalog.services.reading import settings
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.types.emitted import SourceReading
from callboard.sdk.events import publish

Lost = list[tuple[Source, str]]


def hold_back(readings: Sequence[SourceReading], known: Mapping[int, int], lost: Lost, done: Applied) -> Lost:
    """Answer what may go at once, and note the rest as held; release holds whose entities are back.

    ``known`` counts what each source said before.
    """
    limits = settings().hold
    asked = {r.source_id: r for r in readings if r.complete and not r.delta}
    missing: dict[int, list[str]] = {}
    for source, ref in lost:
        missing.setdefault(source.pk, []).append(ref)
    holds = {h.source_id: h for h in Hold.objects.filter(source_id__in=list(asked))}
    held: set[int] = set()
    for pk, reading in asked.items():
        refs = sorted(missing.get(pk, ()))
        hold = holds.get(pk)
        many = len(refs) >= limits.minimum and len(refs) >= limits.share * known.get(pk, 0)
        # What somebody decided to keep stays for as long as the source says no more than that.
        kept = hold is not None and hold.state == "kept" and bool(refs) and set(refs) <= set(hold.refs)
        if reading.confirmed or not (many or kept):
            if hold is not None:
                hold.delete()
            continue
        held.add(pk)
        done.held += refs
        if not kept:
            _note(pk, refs, known.get(pk, 0), hold)
    return [(source, ref) for source, ref in lost if source.pk not in held]


def _note(pk: int, refs: list[str], known: int, hold: Hold | None) -> None:
    if hold is not None and hold.state == "open":
        if hold.refs != refs:
            Hold.objects.filter(pk=hold.pk).update(refs=refs, known=known)
        return
    Hold.objects.update_or_create(source_id=pk, defaults={"refs": refs, "known": known, "state": "open"})
    source = Source.objects.get(pk=pk)
    publish("catalog.deletion-held", {"source": str(source), "count": len(refs), "known": known})
