"""Run providers: what they say of their own bucket becomes emissions, in full or as a difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from croniter import croniter
from django.utils import timezone

from callboard.lib.problems import Place, Problem
from callboard.plugins.catalog.clients.types import LocationTarget
from callboard.plugins.catalog.models import Problem as ProblemRow
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.selectors.model import catalog_model
from callboard.plugins.catalog.services.applying import apply
from callboard.plugins.catalog.services.locations import refresh_sources
from callboard.plugins.catalog.services.processing import wake
from callboard.plugins.catalog.services.reading import Origin, annotate, emit, ref_of
from callboard.plugins.catalog.services.stitching import stitch_dirty
from callboard.plugins.catalog.services.writing import Applied
from callboard.plugins.catalog.types.emitted import EmittedProblem, SourceReading
from callboard.plugins.catalog.types.envelope import check_envelope
from callboard.sdk.contributions import CatalogProvider, Mutation
from callboard.sdk.jobs import start
from callboard.sdk.permissions import require
from callboard.sdk.plugins import contribution, contributions, guard


class UnknownProviderError(LookupError):
    """No plugin that is on has a provider of this name."""


def run_provider(provider: str | CatalogProvider, report: Callable[[str], None] | None = None) -> Applied:
    """Take every mutation of a provider into the catalog; answer what changed.

    A provider is named by its id where a plugin contributes it, and given whole where people configure it
    while the portal runs; its id then names its bucket. A provider that fails half-way keeps what it said
    before the failure, and its source says so.
    """
    require("catalog.provider.run")
    if isinstance(provider, str):
        found = contribution(CatalogProvider, provider)
        if found is None:
            raise UnknownProviderError(f"there is no provider called {provider!r}")
        provider = found
    total = Applied()
    bucket = _bucket(provider)
    Source.objects.filter(pk=bucket.pk).update(read_at=timezone.now())
    try:
        with guard(provider):
            for mutation in provider.changes():
                applied = apply([_reading(bucket, provider.id, mutation)])
                total.add(applied)
                _refresh(provider, mutation.refresh)
                if report:
                    report(f"{len(applied.created)} new, {len(applied.changed)} changed")
    except Exception as error:
        problem = Problem(
            "provider-failed",
            f"The provider {provider.id} failed: {error}",
            "Its last good state is kept. Check its settings, then run it again.",
            Place(provider.id),
        )
        failed = SourceReading(
            bucket.pk,
            problems=[EmittedProblem(problem)],
            complete=False,
            failed=True,
            fingerprint=bucket.fingerprint,
        )
        apply([failed])
        raise
    else:
        ProblemRow.objects.filter(source=bucket, code="provider-failed").delete()
        # Locations it named for the first time are read at once.
        wake()
    finally:
        stitch_dirty()
    return total


def remove_provider(provider_id: str) -> Applied:
    """Forget a provider that was configured while the portal ran, and everything it alone brought."""
    require("catalog.provider.run")
    bucket = Source.objects.filter(type="provider", target=provider_id).first()
    if bucket is None:
        return Applied()
    done = apply([SourceReading(bucket.pk, confirmed=True)], reason="its source was deleted")
    Source.objects.filter(pk=bucket.pk).delete()
    stitch_dirty()
    return done


def _refresh(provider: CatalogProvider, targets: Sequence[str]) -> None:
    """Read locations again that the provider says have changed."""
    if targets:
        found = Source.objects.filter(target__in=list(targets), origin=f"provider:{provider.id}")
        refresh_sources(list(found.exclude(type="provider").values_list("pk", flat=True)))


def start_due_providers() -> list[str]:
    """Start a job for every provider whose schedule has come round since it ran last; answer their ids."""
    started = []
    for provider in contributions(CatalogProvider):
        if not provider.schedule:
            continue
        last = _bucket(provider).read_at
        if last is None or croniter(provider.schedule, last).get_next(datetime) <= timezone.now():
            start("catalog.provide", title=provider.title or provider.id, provider=provider.id)
            started.append(provider.id)
    return started


def _bucket(provider: CatalogProvider) -> Source:
    wanted = {"trusted": provider.trusted}
    bucket, made = Source.objects.get_or_create(type="provider", target=provider.id, defaults=wanted)
    if not made and bucket.trusted != provider.trusted:
        bucket.trusted = provider.trusted
        bucket.save(update_fields=["trusted"])
        Source.objects.filter(origin=f"provider:{provider.id}").exclude(type="provider").update(
            trusted=provider.trusted, due_at=timezone.now(), fingerprint="", etag=""
        )
    return bucket


def _reading(bucket: Source, name: str, mutation: Mutation) -> SourceReading:
    delta = mutation.type == "delta"
    reading = SourceReading(bucket.pk, delta=delta, removed=tuple(ref.lower() for ref in mutation.removed))
    for given in mutation.entities:
        _take(dict(given), name, reading)
    return reading


def _take(entity: dict[str, Any], name: str, reading: SourceReading) -> None:
    origin = Origin(f"provider:{name}", f"provider:{name}", LocationTarget("provider", name), name, trusted=True)
    problems = check_envelope(entity, name)
    if not problems:
        given = dict(entity["metadata"].get("annotations") or {})
        annotate(entity, origin, None)
        # A provider may know better where the entity comes from.
        entity["metadata"]["annotations"].update(given)
        problems = catalog_model().check(entity, name)
    ref = ref_of(entity)
    if problems:
        # Whatever was known of it stays; without a name, anything may be meant.
        reading.problems.extend(EmittedProblem(problem, ref, entity) for problem in problems)
        reading.complete = reading.complete and bool(ref)
        return
    emitted, problems = emit(entity, origin, 0)
    reading.problems.extend(EmittedProblem(problem, ref, entity) for problem in problems)
    if emitted is not None:
        emitted.location_key = f"provider:{name}"
        reading.entities.append(emitted)
