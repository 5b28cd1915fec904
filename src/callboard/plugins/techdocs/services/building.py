"""Build sites: when they are asked for, when their source changes, and never twice at once."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from callboard.plugins.catalog.public import EntityView, entity_folder_versions, entity_view
from callboard.plugins.techdocs.clients.builder.process import BuildError, BuildLimits, builder
from callboard.plugins.techdocs.clients.store import StoreError
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sources import DocsSource, docs_source, settings
from callboard.plugins.techdocs.services.gathering import Gathered, SourceError, gather, write_files
from callboard.plugins.techdocs.services.publishing import keep_facts, look_through, publish_site, write_metadata
from callboard.plugins.techdocs.services.storing import store
from callboard.plugins.techdocs.types.layout import METADATA, SiteKey, page_object
from callboard.sdk.audit import record
from callboard.sdk.auth import SYSTEM, act_as
from callboard.sdk.config import portal_config
from callboard.sdk.events import publish
from callboard.sdk.jobs import Run, start
from callboard.sdk.permissions import require

CHECK_SECONDS = 60
"""How long a look at the source counts; the original throttles alike."""
_KEPT_LOG = 200_000

Say = Callable[[str, str], None]


class NoDocsError(ValueError):
    """There is no documentation to build; the message says why."""


def request_build(ref: str, version: str = "", *, force: bool = False) -> Site:
    """Have a site built soon, and answer it; one that waits or is being built is not asked for twice.

    ``force`` builds although nothing changed, and asks for the permission to refresh the entity.
    """
    entity, source = _documented(ref)
    if force:
        require("catalog.entity.refresh", ref)
    if settings().builder == "external":
        raise NoDocsError("Pipelines publish the documentation of this portal; it builds none itself.")
    if version:
        _check_version(entity, source, version)
    with transaction.atomic():
        Site.objects.bulk_create([Site(ref=ref, version=version, target=source.target)], ignore_conflicts=True)
        site = Site.objects.select_for_update().get(ref=ref, version=version)
        if site.run is not None and Run.objects.filter(pk=site.run, state__in=("queued", "running")).exists():
            return site
        label = f"{entity.label} {version}".strip()
        site.run = start("techdocs.build", f"Build the documentation of {label}", ref=ref, version=version, force=force)
        site.checked_at = timezone.now()
        if site.built_at is None:
            site.state = Site.State.WAITING
        site.save(update_fields=["run", "checked_at", "state"])
        if force:
            record("techdocs.site.build", ref, {"version": version})
    return site


def _documented(ref: str) -> tuple[EntityView, DocsSource]:
    entity = entity_view(ref)
    if entity is None:
        raise NoDocsError(f"There is no entity {ref}, or you may not see it.")
    source = docs_source(entity)
    if source is None or source.kind == "borrowed":
        raise NoDocsError(f"{entity.label} has no documentation of its own.")
    return entity, source


def _check_version(entity: EntityView, source: DocsSource, version: str) -> None:
    if source.kind == "openapi" or version not in {item.name for item in entity_folder_versions(entity, source.target)}:
        raise NoDocsError(f"{entity.label} has no branch or tag {version}.")


def look_again(site: Site) -> None:
    """Have the source looked at, unless that was done a moment ago; readers call it and do not wait."""
    now = timezone.now()
    stale = Q(checked_at=None) | Q(checked_at__lt=now - timedelta(seconds=CHECK_SECONDS))
    if not Site.objects.filter(stale, pk=site.pk).update(checked_at=now):
        return
    with suppress(NoDocsError), transaction.atomic():
        if settings().builder == "local":
            start("techdocs.build", f"Look at the documentation of {site.ref}", ref=site.ref, version=site.version)


def build_site(
    ref: str, version: str, say: Say, *, force: bool = False, stopped: Callable[[], bool] = lambda: False
) -> bool:
    """Bring a site up to date with its source; answers whether a new build was published.

    What goes wrong is written on the site for its owner; the last good build stays.
    """
    with act_as(SYSTEM, "system"):
        entity = entity_view(ref)
    source = docs_source(entity) if entity else None
    if entity is None or source is None or source.kind == "borrowed":
        say("warning", f"{ref} has no documentation any longer.")
        return False
    site = _claim(ref, version)
    if site is None:
        say("info", "Another worker is building it.")
        return False
    lines: list[str] = []

    def keep(level: str, text: str) -> None:
        lines.append(text if level == "info" else f"{level.upper()}: {text}")
        say(level, text)

    try:
        return _build(site, entity, source, keep, lines, force=force, stopped=stopped)
    except (SourceError, BuildError, StoreError) as error:
        keep("error", str(error))
        _failed(site, error, lines)
        return False
    finally:
        Site.objects.filter(pk=site.pk).update(lease_until=None)


def _claim(ref: str, version: str) -> Site | None:
    now = timezone.now()
    until = now + timedelta(seconds=settings().build.timeout_seconds + 120)
    Site.objects.bulk_create([Site(ref=ref, version=version)], ignore_conflicts=True)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    if not Site.objects.filter(free, ref=ref, version=version).update(lease_until=until, checked_at=now):
        return None
    return Site.objects.get(ref=ref, version=version)


def _build(
    site: Site,
    entity: EntityView,
    source: DocsSource,
    say: Say,
    lines: list[str],
    *,
    force: bool,
    stopped: Callable[[], bool],
) -> bool:
    began = time.monotonic()
    with act_as(SYSTEM, "system"):
        found = gather(entity, source, site, say, force=force)
    if found.unchanged or (found.digest == site.digest and site.built_at is not None and not force):
        # The folder may have been touched without its content changing; what was seen is kept.
        etag = site.etag if found.unchanged else found.etag
        fields = {"etag": etag, "state": Site.State.BUILT} if site.built_at else {}
        if site.state != Site.State.FAILED or not found.unchanged:
            Site.objects.filter(pk=site.pk).update(**fields, error="", remedy="")
        say("info", "The source has not changed.")
        return False
    Site.objects.filter(pk=site.pk).update(state=Site.State.BUILDING)
    work = portal_config().data_dir / "techdocs" / "work" / uuid.uuid4().hex
    try:
        report = _run(found, work, say, stopped)
        write_metadata(work / "site", found.commit or found.etag or found.digest)
        site.kind, site.target = found.kind, source.target
        site.etag, site.commit, site.local = found.etag, found.commit, found.local
        site.patterns, site.digest = list(found.patterns), found.digest
        site.warnings = report["warnings"] + len(found.config.warnings)
        site.seconds = round(time.monotonic() - began, 3)
        site.log = "\n".join(lines)[-_KEPT_LOG:]
        publish_site(site, work / "site", _dates(found))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say("info", f"Published {site.page_count} pages in {time.monotonic() - began:.1f} seconds.")
    return True


def _run(found: Gathered, work: Path, say: Say, stopped: Callable[[], bool]) -> dict[str, Any]:
    for warning in found.config.warnings:
        say("warning", warning)
    (work / "source").mkdir(parents=True)
    write_files(found.files, work / "source")
    limits = settings().build
    allowed = BuildLimits(
        seconds=limits.timeout_seconds,
        memory=limits.memory_mb * 1_048_576,
        bytes=limits.max_site_mb * 1_000_000,
        network=limits.network_isolation,
    )
    return builder.build(work, found.config.values, allowed, say, stopped=stopped)


def _dates(found: Gathered) -> Callable[[str], datetime | None]:
    """Answer when the Markdown file behind a page was last changed, where the source lies on this machine."""
    docs = found.config.docs_dir

    def changed(path: str) -> datetime | None:
        if not found.local:
            return None
        bare = path.strip("/").removesuffix(".html")
        for name in (f"{bare}.md", f"{bare}/index.md", f"{bare}/README.md") if bare else ("index.md", "README.md"):
            with suppress(OSError):
                return datetime.fromtimestamp(os.stat(f"{found.local}/{docs}/{name}").st_mtime, UTC)  # noqa: PTH116
        return None

    return changed


def _failed(site: Site, error: Exception, lines: list[str]) -> None:
    message = error.message if isinstance(error, SourceError) else str(error)
    remedy = error.remedy if isinstance(error, SourceError) else ""
    with transaction.atomic():
        Site.objects.filter(pk=site.pk).update(
            state=Site.State.FAILED,
            error=message[:4000],
            remedy=remedy[:2000],
            log="\n".join(lines)[-_KEPT_LOG:],
            failed_at=timezone.now(),
            # The next look reads everything again: what failed may be mended elsewhere than in the source.
            etag="",
        )
        publish("techdocs.build-failed", {"ref": site.ref, "version": site.version, "error": message[:1000]})


def adopt_published(ref: str, version: str = "") -> Site | None:
    """Take notice of a site that a pipeline put into the store; answers it, or nothing if there is none."""
    now = timezone.now()
    key = SiteKey(ref, version)
    site = Site.objects.filter(ref=ref, version=version).first()
    fresh = (
        site is not None and site.checked_at is not None and site.checked_at > now - timedelta(seconds=CHECK_SECONDS)
    )
    if fresh:
        return site if site is not None and site.built_at else None
    found = store().read(f"{key.prefix()}/{METADATA}")
    index = None if found else next(filter(None, (store().read(f"{key.prefix()}/{n}") for n in page_object(""))), None)
    if found is None and index is None:
        if site is not None:
            Site.objects.filter(pk=site.pk).update(checked_at=now)
        return site if site is not None and site.built_at else None
    seen = found.etag if found else index.etag if index else ""
    if site is None:
        Site.objects.bulk_create([Site(ref=ref, version=version, kind="published")], ignore_conflicts=True)
        site = Site.objects.get(ref=ref, version=version)
    if site.etag == seen and site.built_at is not None:
        Site.objects.filter(pk=site.pk).update(checked_at=now)
        return site
    names = list(store().names(key.prefix()))

    def read(name: str) -> bytes | None:
        stored = store().read(f"{key.prefix()}/{name}")
        return stored.content if stored else None

    site.kind, site.etag, site.checked_at = "published", seen, now
    keep_facts(site, look_through(names, read), lambda _path: None)
    return site


def forget_sites(refs: list[str]) -> int:
    """Remove the sites of entities that are gone, from the store as well; answers how many."""
    count = 0
    for site in Site.objects.filter(ref__in=refs):
        if settings().builder == "local":
            store().remove_site(SiteKey(site.ref, site.version).prefix())
        site.delete()
        count += 1
    return count


def due_sites(limit: int = 500) -> list[tuple[str, str]]:
    """Answer the sites whose source has not been looked at for long, the longest first.

    A site that could not be built waits six times as long: its build costs every time.
    """
    now, pause = timezone.now(), timedelta(minutes=settings().refresh_minutes)
    late = Q(checked_at__lt=now - pause) & ~Q(state=Site.State.FAILED)
    failed = Q(checked_at__lt=now - 6 * pause, state=Site.State.FAILED)
    found = Site.objects.filter(Q(checked_at=None) | late | failed).exclude(kind="published")
    return list(found.order_by(F("checked_at").asc(nulls_first=True)).values_list("ref", "version")[:limit])
