"""Look through sources and bring what they say into the catalog."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from callboard.lib.refs import EntityRef, RefError
from callboard.plugins.catalog.public import Applied, run_provider, validate_entity
from callboard.plugins.sources import selectors
from callboard.plugins.sources.models import FoundLocation, HookDelivery, SourceRun, SourceState
from callboard.plugins.sources.services.keeping import MANAGE, checked_settings
from callboard.plugins.sources.settings import SourceSettings
from callboard.plugins.sources.types.found import Discovery, FoundFile, SourceError, Trouble
from callboard.sdk import jobs
from callboard.sdk.contributions import CatalogProvider, Mutation
from callboard.sdk.events import publish
from callboard.sdk.jobs import StopRunError, start
from callboard.sdk.permissions import require

log = logging.getLogger(__name__)

MOST_TROUBLES = 200
FIRST_LOOK = 30
"""Repositories, entries or items a first look goes through."""
HOOKS_KEPT = timedelta(days=7)

Report = Callable[[int, int | None, str], None]


@dataclass
class FirstLook:
    """What a source would bring, as far as a first look goes; nothing is written.

    ``problems`` are what the catalog would say of the entities.
    """

    discovery: Discovery
    problems: list[Trouble] = field(default_factory=list)
    samples: list[Any] = field(default_factory=list)


def try_source(type_: str, values: Mapping[str, Any], name: str = "") -> str:
    """Sign in and look for as little as possible; answers a sentence, raises :class:`SourceError`."""
    require(MANAGE)
    settings = _trial(type_, values, name)
    from callboard.plugins.sources.clients.looking import check  # noqa: PLC0415 - clients are slow to import

    return check(settings, selectors.room().roots)


def preview_source(type_: str, values: Mapping[str, Any], name: str = "", *, limit: int = FIRST_LOOK) -> FirstLook:
    """Answer what a source would bring; ``limit`` 0 looks through everything."""
    require(MANAGE)
    settings = _trial(type_, values, name)
    from callboard.plugins.sources.clients.looking import look  # noqa: PLC0415 - see above

    found = look(settings, _silent, roots=selectors.room().roots, limit=limit)
    entities, doubles = _once(found.entities)
    found.entities = entities
    found.troubles += doubles
    problems = []
    for entity in entities[: 1000 if limit else None]:
        place = _ref(entity) or str((entity.get("metadata") or {}).get("name", "?"))
        problems += [Trouble(place, one.message, one.remedy, one.code) for one in validate_entity(entity, place)]
    return FirstLook(found, problems)


def sample_items(values: Mapping[str, Any], name: str = "") -> list[Any]:
    """Answer the first items of a web API as they came."""
    require(MANAGE)
    settings = _trial("http", values, name)
    from callboard.plugins.sources.clients.http_api import first_items  # noqa: PLC0415 - see above
    from callboard.plugins.sources.settings import HttpSource  # noqa: PLC0415 - beside its one use

    return first_items(settings) if isinstance(settings, HttpSource) else []


def perform_run(
    name: str,
    *,
    trigger: str = "schedule",
    only: Sequence[str] = (),
    job: UUID | None = None,
    report: Report | None = None,
    note: Callable[[str], None] | None = None,
) -> SourceRun | None:
    """Run a source; answers the run, or nothing where another one is under way.

    What cannot be looked at keeps its last good state. Raises :class:`SourceError` where nothing could be.
    """
    require("catalog.provider.run")
    run = _begin(name, trigger, job)
    if run is None:
        return None
    say = note or (lambda _text: None)
    try:
        settings = _settings(name)
        from callboard.plugins.sources.clients.looking import look  # noqa: PLC0415 - see above

        found = look(settings, report or _silent, roots=selectors.room().roots, only=only)
        for trouble in found.troubles[:20]:
            say(f"{trouble.place}: {trouble.message}")
        applied = _bring(name, settings, found, only, say)
    except SourceError as error:
        _end(run, "failed", message=error.message, remedy=error.remedy)
        if error.retry_after is not None:
            until = timezone.now() + timedelta(seconds=error.retry_after)
            SourceState.objects.update_or_create(source=name, defaults={"not_before": until})
        raise
    except StopRunError:
        _end(run, "failed", message="The run was stopped.", remedy="Its last good state is kept; run it again.")
        raise
    except Exception as error:
        log.exception("source failed: %s", name)
        _end(run, "failed", message=f"It failed inside the portal: {error}", remedy="Report this fault.")
        raise
    run.looked_at, run.found = dict(found.looked_at), found.counts()
    run.trouble_count = len(found.troubles)
    run.troubles = [one.as_dict() for one in found.troubles[:MOST_TROUBLES]]
    run.outcome = {
        "created": _counted(applied.created),
        "changed": _counted(applied.changed),
        "removed": _counted(applied.removed),
        "held": _counted(applied.held),
    }
    _end(run, "succeeded" if not found.troubles else "partial")
    SourceState.objects.filter(source=name).update(not_before=None)
    return run


def start_due() -> list[str]:
    """Start the runs of all sources whose time has come; answer their names. Called by a job."""
    require("catalog.provider.run")
    started = []
    for view in selectors.sources():
        if view.next_at is not None and view.next_at <= timezone.now() and view.state != "running":
            start("sources.run", title=f"Look through {view.name}", source=view.name, trigger="schedule")
            started.append(view.name)
    return started


def forget_old() -> int:
    """Drop runs and webhooks that are over and done with; called by a job."""
    dropped = 0
    for name in set(SourceRun.objects.values_list("source", flat=True).distinct()):
        old = list(selectors.runs_of(name).values_list("pk", flat=True)[selectors.room().keep_runs :])
        dropped += SourceRun.objects.filter(pk__in=old).delete()[0]
    dropped += HookDelivery.objects.filter(received_at__lt=timezone.now() - HOOKS_KEPT).delete()[0]
    return dropped


def location_name(name: str, file: FoundFile) -> str:
    """Answer the name of the Location entity that stands for a file of a source."""
    text = f"{name}|{file.type}:{file.target}"
    return "found-" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


# --- Parts ---------------------------------------------------------------------------


def _trial(type_: str, values: Mapping[str, Any], name: str) -> SourceSettings:
    """Answer settings to try: what was entered, with the stored secrets where none was entered."""
    given = {key: value for key, value in values.items() if value is not None}
    stored = selectors.settings_of(name) if name else None
    if stored is not None and all(
        getattr(stored, key, None) == given.get(key) for key in ("url", "endpoint") if key in given
    ):
        view = selectors.source(name)
        for key in view.stored_secrets if view else ():
            given.setdefault(key, getattr(stored, key))
    return checked_settings(type_, given, {})


def _settings(name: str) -> SourceSettings:
    found = selectors.settings_of(name)
    if found is None:
        raise SourceError(f"There is no source called {name}.", "It may have been deleted.")
    return found


def _begin(name: str, trigger: str, job: UUID | None) -> SourceRun | None:
    for lost in SourceRun.objects.filter(source=name, state="running"):
        under_way = jobs.run(lost.job) if lost.job else None
        if lost.job == job or under_way is None or not under_way.active:
            # Its worker died: another one has taken the job over, or nobody has.
            _end(lost, "failed", message="The worker was lost.", remedy="The last good state is kept.")
    try:
        with transaction.atomic():
            return SourceRun.objects.create(source=name, trigger=trigger, job=job)
    except IntegrityError:
        return None


def _end(run: SourceRun, state: str, *, message: str = "", remedy: str = "") -> None:
    run.state, run.finished_at, run.message, run.remedy = state, timezone.now(), message, remedy
    with transaction.atomic():
        run.save()
        publish(
            "sources.run-finished",
            {"source": run.source, "run": str(run.pk), "state": state, "trigger": run.trigger, "outcome": run.outcome},
        )


def _bring(
    name: str, settings: SourceSettings, found: Discovery, only: Sequence[str], say: Callable[[str], None]
) -> Applied:
    """Make one mutation of what was found, and remember the files with their revisions."""
    rows = FoundLocation.objects.filter(source=name)
    known = {row.target: row for row in (rows.filter(repository__in=list(only)) if only else rows)}
    files = {file.target: file for file in found.files}
    entities, doubles = _once(found.entities)
    found.troubles += doubles
    entities += [_location(name, file) for file in files.values()]
    changed = [t for t, file in files.items() if t in known and known[t].revision != file.revision]
    # Where nothing tells a revision, only reading tells a change.
    changed += [t for t, file in files.items() if t in known and not file.revision and t not in changed]
    gone = [row for target, row in known.items() if target not in files] if found.complete else []
    if only or not found.complete:
        removed = tuple(_location_ref(name, FoundFile(row.type, row.target)) for row in gone)
        mutation = Mutation(type="delta", entities=tuple(entities), removed=removed, refresh=tuple(changed))
    else:
        mutation = Mutation(type="full", entities=tuple(entities), refresh=tuple(changed))

    def changes() -> Iterator[Mutation]:
        yield mutation

    provider = CatalogProvider(
        id=selectors.provider_id(name),
        title=name,
        changes=changes,
        trusted=bool(getattr(settings, "trusted", True)),
    )
    applied = run_provider(provider, say)
    with transaction.atomic():
        FoundLocation.objects.filter(pk__in=[row.pk for row in gone]).delete()
        FoundLocation.objects.bulk_create(
            [
                FoundLocation(
                    source=name,
                    type=file.type,
                    target=file.target,
                    repository=file.repository,
                    path=file.path,
                    revision=file.revision,
                )
                for file in files.values()
            ],
            update_conflicts=True,
            unique_fields=["source", "target"],
            update_fields=["repository", "path", "revision"],
            batch_size=2000,
        )
    if applied.held:
        say(f"the loss of {len(applied.held)} entities is held until somebody confirms it")
    return applied


def _once(entities: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Trouble]]:
    """Keep the first of entities with the same ref; others that say something else are troubles."""
    kept: dict[str, dict[str, Any]] = {}
    rest, troubles = [], []
    for entity in entities:
        ref = _ref(entity)
        if not ref:
            rest.append(entity)
        elif kept.setdefault(ref, entity) != entity:
            troubles.append(
                Trouble(ref, "It was found twice, and not alike; the first is used.", "Rename one of them.")
            )
    return [*kept.values(), *rest], troubles


def _ref(entity: Mapping[str, Any]) -> str:
    try:
        return str(EntityRef.of(entity))
    except (RefError, TypeError, KeyError, AttributeError):
        return ""


def _location(name: str, file: FoundFile) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Location",
        "metadata": {"name": location_name(name, file), "namespace": "default"},
        "spec": {"type": file.type, "target": file.target, "presence": "optional"},
    }


def _location_ref(name: str, file: FoundFile) -> str:
    return f"location:default/{location_name(name, file)}"


def _counted(refs: Sequence[str]) -> int:
    """Count entities; those that only lead to files are nobody's news."""
    return sum(not ref.startswith("location:") for ref in refs)


def _silent(_done: int, _total: int | None, _text: str) -> None:
    """Report to nobody."""
