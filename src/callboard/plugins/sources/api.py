"""`/api/sources` and `/api/events`: sources, their runs, and webhooks that come in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from callboard.plugins.sources import selectors
from callboard.plugins.sources.services import hooks, keeping, running
from callboard.plugins.sources.types.found import TYPES, SourceError
from callboard.sdk.api import AuthenticationError, ConflictError, InputError, NotFoundError, router
from callboard.sdk.permissions import require

api = router(tags=["sources"])
events = router(tags=["events"])

_READ = "sources.source.read"


class TypeOut(Schema):
    """A type of source with the JSON Schema of its settings."""

    name: str
    title: str
    summary: str
    product: str
    schema_: dict[str, Any] = Field(alias="schema")


class RunOut(Schema):
    """One run of a source."""

    id: UUID
    trigger: str
    state: str
    started_at: str
    finished_at: str | None
    looked_at: dict[str, int]
    found: dict[str, int]
    outcome: dict[str, int]
    troubles: list[dict[str, str]]
    message: str
    remedy: str
    job: UUID | None


class SourceOut(Schema):
    """A source; its secrets are never part of it, only their names."""

    name: str
    type: str
    configured: bool
    state: str
    settings: dict[str, Any]
    stored_secrets: list[str]
    schedule: str
    next_run: str | None
    waits_until: str | None
    last_run: RunOut | None


class SourceDetail(SourceOut):
    """A source and what came from it, by kind."""

    brought: dict[str, int]


class NewSource(Schema):
    """A source to make; ``run`` looks through it at once."""

    name: str = Field(max_length=50)
    type: str
    settings: dict[str, Any]
    run: bool = True


class ChangedSource(Schema):
    """Settings to change; what is left out stays, ``null`` removes a secret."""

    settings: dict[str, Any]


class Trial(Schema):
    """Settings to try without keeping them; ``name`` lends the stored secrets of a source."""

    type: str
    settings: dict[str, Any]
    name: str = ""


class TestOut(Schema):
    """What a test found."""

    ok: bool
    message: str
    remedy: str = ""


class LookOut(Schema):
    """What a source would bring; nothing was written."""

    complete: bool
    looked_at: dict[str, int]
    found: dict[str, int]
    files: list[dict[str, str]]
    entities: list[dict[str, Any]]
    troubles: list[dict[str, str]]
    problems: list[dict[str, str]]


class StartedOut(Schema):
    """The job that runs a source."""

    job: UUID


class RemovedOut(Schema):
    """What went with a source."""

    removed: list[str]


class SecretOut(Schema):
    """A secret, shown this once."""

    secret: str


class HookOut(Schema):
    """What came of a webhook."""

    outcome: str
    sources: list[str]
    locations: int


@api.get("/types", response=list[TypeOut], by_alias=True, operation_id="listSourceTypes")
def list_types(request: HttpRequest) -> Any:
    """Answer the types of sources with the JSON Schema of their settings."""
    require(_READ)
    return [
        {
            "name": one.name,
            "title": one.title,
            "summary": one.summary,
            "product": one.product,
            "schema": one.model.model_json_schema(),
        }
        for one in TYPES
    ]


@api.get("", response=list[SourceOut], operation_id="listSources")
def list_sources(request: HttpRequest) -> Any:
    """Answer all sources."""
    require(_READ)
    return [_out(one) for one in selectors.sources()]


@api.post("", response={201: SourceOut}, operation_id="createSource")
def create_source(request: HttpRequest, body: NewSource) -> Any:
    """Make a source."""
    try:
        keeping.create_source(body.name, body.type, body.settings, run=body.run)
    except keeping.SourceInvalidError as error:
        raise _refused(error) from None
    return 201, _out(_known(body.name))


@api.post("/test", response=TestOut, operation_id="testSource")
def test_source(request: HttpRequest, body: Trial) -> Any:
    """Sign in with settings and answer what came of it; nothing is kept."""
    try:
        return {"ok": True, "message": running.try_source(body.type, body.settings, body.name)}
    except keeping.SourceInvalidError as error:
        raise _refused(error) from None
    except SourceError as error:
        return {"ok": False, "message": error.message, "remedy": error.remedy}


@api.post("/dry-run", response=LookOut, operation_id="dryRunSource")
def dry_run(request: HttpRequest, body: Trial, limit: int = running.FIRST_LOOK) -> Any:
    """Answer what settings would bring; ``limit=0`` looks through everything."""
    return _look(body.type, body.settings, body.name, limit)


@api.get("/{name}", response=SourceDetail, operation_id="getSource")
def get_source(request: HttpRequest, name: str) -> Any:
    """Answer one source and what came from it."""
    require(_READ)
    view = _known(name)
    return {**_out(view), "brought": selectors.brought_by(name)[0]}


@api.patch("/{name}", response=SourceOut, operation_id="changeSource")
def change_source(request: HttpRequest, name: str, body: ChangedSource) -> Any:
    """Change settings of a source."""
    require(keeping.MANAGE)
    view = _known(name)
    try:
        keeping.change_source(name, {**view.settings, **body.settings})
    except keeping.SourceInvalidError as error:
        raise _refused(error) from None
    except keeping.SourceMissingError:
        raise NotFoundError(f"{name} stands in callboard.yaml and is changed there") from None
    return _out(_known(name))


@api.delete("/{name}", response=RemovedOut, operation_id="deleteSource")
def delete_source(request: HttpRequest, name: str) -> Any:
    """Delete a source and everything it alone brought."""
    try:
        return {"removed": keeping.delete_source(name)}
    except keeping.SourceMissingError:
        raise NotFoundError(f"no source called {name} was made in the portal") from None


@api.post("/{name}/run", response={202: StartedOut}, operation_id="runSource")
def run_source(request: HttpRequest, name: str) -> Any:
    """Run a source now."""
    try:
        return 202, {"job": keeping.run_source(name, "api")}
    except keeping.SourceMissingError:
        raise NotFoundError(f"there is no source called {name}") from None


@api.post("/{name}/pause", response=SourceOut, operation_id="pauseSource")
def pause_source(request: HttpRequest, name: str, paused: bool = True) -> Any:
    """Pause a source, or with ``paused=false`` let it go on."""
    try:
        keeping.pause_source(name, paused=paused)
    except keeping.SourceMissingError:
        raise NotFoundError(f"there is no source called {name}") from None
    return _out(_known(name))


@api.get("/{name}/runs", response=list[RunOut], operation_id="listSourceRuns")
def list_runs(request: HttpRequest, name: str, limit: int = 20) -> Any:
    """Answer the latest runs of a source."""
    require(_READ)
    _known(name)
    return [_run(one) for one in selectors.runs_of(name)[: max(1, min(limit, 1000))]]


@api.post("/{name}/hook-secret", response=SecretOut, operation_id="renewSourceHookSecret")
def renew_hook_secret(request: HttpRequest, name: str) -> Any:
    """Make a new secret for webhooks of this source alone."""
    try:
        return {"secret": keeping.renew_hook_secret(name)}
    except keeping.SourceMissingError:
        raise NotFoundError(f"there is no source called {name}") from None


# The signature is the sign-in: hosts send no token of the portal.
@api.post("/{name}/webhook", auth=None, response={202: HookOut}, operation_id="sourceWebhook")
def source_webhook(request: HttpRequest, name: str) -> Any:
    """Take a webhook for one source; it has to be signed."""
    try:
        return 202, _taken(hooks.take_source_hook(name, request.headers, request.body))
    except hooks.HookRefusedError:
        raise AuthenticationError("the webhook is not signed with a secret of this source") from None


@events.post("/http/{topic}", auth=None, response={202: HookOut}, operation_id="takeWebhook")
def take_webhook(request: HttpRequest, topic: str) -> Any:
    """Take a webhook of a source host: ``topic`` is a connection or a product. It has to be signed."""
    try:
        return 202, _taken(hooks.take_hook(topic, request.headers, request.body))
    except hooks.HookRefusedError:
        raise AuthenticationError("the webhook is not signed with the secret of a connection") from None


def _taken(taken: hooks.Taken) -> dict[str, Any]:
    return {"outcome": taken.outcome, "sources": list(taken.sources), "locations": taken.locations}


def _look(type_: str, settings: dict[str, Any], name: str, limit: int) -> dict[str, Any]:
    try:
        look = running.preview_source(type_, settings, name, limit=max(0, limit))
    except keeping.SourceInvalidError as error:
        raise _refused(error) from None
    except SourceError as error:
        raise InputError(f"{error.message} {error.remedy}".strip()) from None
    found = look.discovery
    return {
        "complete": found.complete,
        "looked_at": dict(found.looked_at),
        "found": found.counts(),
        "files": [
            {"repository": file.repository, "path": file.path, "type": file.type, "target": file.target}
            for file in found.files
        ],
        "entities": found.entities,
        "troubles": [one.as_dict() for one in found.troubles],
        "problems": [one.as_dict() for one in look.problems],
    }


def _known(name: str) -> selectors.SourceView:
    view = selectors.source(name)
    if view is None:
        raise NotFoundError(f"there is no source called {name}")
    return view


def _out(view: selectors.SourceView) -> dict[str, Any]:
    return {
        "name": view.name,
        "type": view.about.name,
        "configured": view.configured,
        "state": view.state,
        "settings": dict(view.settings),
        "stored_secrets": list(view.stored_secrets),
        "schedule": view.schedule,
        "next_run": view.next_at.isoformat() if view.next_at else None,
        "waits_until": view.waits_until.isoformat() if view.waits_until else None,
        "last_run": _run(view.last) if view.last else None,
    }


def _run(run: Any) -> dict[str, Any]:
    return {
        "id": run.pk,
        "trigger": run.trigger,
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "looked_at": run.looked_at,
        "found": run.found,
        "outcome": run.outcome,
        "troubles": run.troubles,
        "message": run.message,
        "remedy": run.remedy,
        "job": run.job,
    }


def _refused(error: keeping.SourceInvalidError) -> Exception:
    text = "; ".join(f"{field}: {sentence}" for field, sentence in error.errors.items())
    return ConflictError(text) if "already" in error.errors.get("name", "") else InputError(text)
