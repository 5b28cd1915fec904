"""Which sources there are and how each is doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings as django_settings
from django.db.models import QuerySet
from django.utils import timezone

from callboard.lib.crypto import SealError, unseal
from callboard.plugins.catalog.public import provided_by
from callboard.plugins.hosts.public import Host, host
from callboard.plugins.sources.models import FoundLocation, HookDelivery, Source, SourceRun, SourceState
from callboard.plugins.sources.settings import SourceSettings, SourcesSettings
from callboard.plugins.sources.types.found import BY_NAME, SourceType, secrets_of
from callboard.sdk.config import room_settings


@dataclass(frozen=True)
class SourceView:
    """A source as people see it: settings without secrets, state, last run, next run.

    ``configured`` says that it stands in ``callboard.yaml`` and is changed there. ``state`` is ``new``,
    ``running``, ``ok``, ``partial``, ``failed`` or ``paused``.
    """

    name: str
    about: SourceType
    settings: Mapping[str, Any]
    configured: bool
    stored_secrets: tuple[str, ...]
    schedule: str
    paused: bool
    last: SourceRun | None
    next_at: datetime | None
    waits_until: datetime | None

    @property
    def provider(self) -> str:
        """The id of its bucket in the catalog."""
        return provider_id(self.name)

    @property
    def state(self) -> str:
        """How it is doing."""
        if self.last is not None and self.last.state == "running":
            return "running"
        if self.paused:
            return "paused"
        if self.last is None:
            return "new"
        return {"succeeded": "ok"}.get(self.last.state, self.last.state)

    @property
    def connection(self) -> Host | None:
        """The connection it uses, if it uses one."""
        name = self.settings.get("connection")
        return host(str(name)) if name else None


def provider_id(name: str) -> str:
    """Answer the id of a source's bucket in the catalog."""
    return f"sources.{name}"


def room() -> SourcesSettings:
    """Answer the room's settings."""
    found: SourcesSettings = room_settings("sources")
    return found


def source_names() -> list[str]:
    """Answer the names of all sources, those of the configuration first."""
    configured = room().entries
    rows = Source.objects.values_list("name", flat=True)
    return [*sorted(configured), *(name for name in rows if name not in configured)]


def settings_of(name: str) -> SourceSettings | None:
    """Answer the settings of a source with its secrets, for whoever looks through it."""
    configured = room().entries.get(name)
    if configured is not None:
        return configured
    row = Source.objects.filter(name=name).first()
    if row is None or row.type not in BY_NAME:
        return None
    return BY_NAME[row.type].model.model_validate({**row.settings, **opened(row)})


def opened(row: Source) -> dict[str, Any]:
    """Answer the secrets of a source; none where the portal's key has changed since."""
    if not row.secrets:
        return {}
    try:
        found: dict[str, Any] = orjson.loads(unseal(row.secrets, django_settings.ENCRYPTION_KEY, purpose(row)))
    except SealError:
        return {}
    return found


def purpose(row: Source) -> str:
    """Answer what the secrets of a source are sealed for."""
    return f"sources.source:{row.pk}"


def sources() -> list[SourceView]:
    """Answer every source with its state."""
    states = {one.source: one for one in SourceState.objects.all()}
    last = {run.source: run for run in SourceRun.objects.order_by("source", "-started_at").distinct("source")}
    rows = {row.name: row for row in Source.objects.all()}
    found = []
    for name in [*sorted(room().entries), *(n for n in rows if n not in room().entries)]:
        view = _view(name, rows.get(name), states.get(name), last.get(name))
        if view is not None:
            found.append(view)
    return found


def source(name: str) -> SourceView | None:
    """Answer one source with its state."""
    row = Source.objects.filter(name=name).first()
    state = SourceState.objects.filter(source=name).first()
    return _view(name, row, state, SourceRun.objects.filter(source=name).first())


def _view(name: str, row: Source | None, state: SourceState | None, last: SourceRun | None) -> SourceView | None:
    configured = room().entries.get(name)
    if configured is not None:
        about = BY_NAME[configured.type]
        hidden = secrets_of(about.model)
        values = configured.model_dump(exclude=set(hidden))
        stored = tuple(key for key in hidden if getattr(configured, key))
    elif row is not None and row.type in BY_NAME:
        about, values = BY_NAME[row.type], dict(row.settings)
        stored = tuple(sorted(opened(row)))
    else:
        return None
    schedule = str(values.get("schedule", about.model.model_fields["schedule"].default))
    paused = bool(state and state.paused)
    waits = state.not_before if state and state.not_before and state.not_before > timezone.now() else None
    next_at = None if paused else due_at(schedule, last.started_at if last else None, waits)
    return SourceView(name, about, values, configured is not None, stored, schedule, paused, last, next_at, waits)


def due_at(schedule: str, last: datetime | None, not_before: datetime | None) -> datetime | None:
    """Answer when a source runs next by its schedule; nothing where it has none."""
    if not schedule:
        return None
    from croniter import croniter  # noqa: PLC0415 - only where a source has a schedule

    if last is None:
        return not_before or timezone.now()
    found: datetime = croniter(schedule, last).get_next(datetime)
    return max(found, not_before) if not_before else found


def runs_of(name: str) -> QuerySet[SourceRun]:
    """Answer the runs of a source, newest first."""
    return SourceRun.objects.filter(source=name)


def brought_by(name: str, limit: int = 0) -> tuple[dict[str, int], list[str]]:
    """Count what came from a source by kind, and answer the first refs."""
    return provided_by(provider_id(name), limit)


def files_of(name: str) -> QuerySet[FoundLocation]:
    """Answer the catalog files a source found last."""
    return FoundLocation.objects.filter(source=name).order_by("repository", "path")


def deliveries_of(senders: list[str]) -> QuerySet[HookDelivery]:
    """Answer the webhooks that came in from these senders, newest first."""
    return HookDelivery.objects.filter(sender__in=senders).order_by("-received_at")


def hook_secret(name: str) -> str:
    """Answer what webhooks of this source alone are signed with."""
    state = SourceState.objects.filter(source=name).first()
    if state is None or not state.hook_secret:
        return ""
    try:
        return unseal(state.hook_secret, django_settings.ENCRYPTION_KEY, f"sources.hook:{name}")
    except SealError:
        return ""
