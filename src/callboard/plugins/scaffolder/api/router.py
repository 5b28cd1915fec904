"""All routes of `/api/scaffolder`."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Field, Query, Schema
from pydantic import ConfigDict

from callboard.lib.refs import EntityRef
from callboard.plugins.scaffolder.models import Task
from callboard.plugins.scaffolder.selectors import actions as acting
from callboard.plugins.scaffolder.selectors import tasks as reading
from callboard.plugins.scaffolder.selectors.access import READ_PARAMETER
from callboard.plugins.scaffolder.selectors.templates import find_template, parameter_schema
from callboard.plugins.scaffolder.services import dry_runs, running_actions
from callboard.plugins.scaffolder.services import tasks as changing
from callboard.plugins.scaffolder.types.tasks import (
    ScaffolderError,
    StateError,
    UnknownTaskError,
    UnknownTemplateError,
    WrongAnswersError,
)
from callboard.sdk.api import ConflictError, InputError, NotFoundError, router
from callboard.sdk.permissions import require

api = router(tags=["Templates"])

POLL_SECONDS = 30.0
STREAM_SECONDS = 120.0
PAUSE = 0.4
MAX_BODY = 10_000_000
ID = Annotated[str, Field(max_length=100)]


class TaskIn(Schema):
    """A template and the answers to its questions."""

    model_config = ConfigDict(extra="allow")

    templateRef: str = Field(min_length=1, max_length=1000)
    values: dict[str, Any]
    secrets: dict[str, Any] | None = None


class RetryIn(Schema):
    """The secrets of a task, which were wiped when it ended."""

    model_config = ConfigDict(extra="allow")

    secrets: dict[str, Any] | None = None


class DirectoryFile(Schema):
    """A file of a template."""

    path: str = Field(max_length=4000)
    base64Content: str
    executable: bool = False


class DryRunIn(Schema):
    """A template, answers, and the files beside the template."""

    model_config = ConfigDict(extra="allow")

    template: dict[str, Any]
    values: dict[str, Any]
    secrets: dict[str, Any] | None = None
    directoryContents: list[DirectoryFile] = Field(default_factory=list, max_length=10_000)


class ActionIn(Schema):
    """The input of an action."""

    input: dict[str, Any] = Field(default_factory=dict)
    dryRun: bool = False


class AutocompleteIn(Schema):
    """What a picker knows so far."""

    token: str = ""
    context: dict[str, str] = Field(default_factory=dict)


class ErrorOut(Schema):
    """The body of every error."""

    error: dict[str, Any]


class WrongOut(Schema):
    """Answers that do not fit, as JSON Schema errors."""

    errors: list[dict[str, Any]]


ERRORS = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut}


def answer(value: Any, status: int = 200) -> HttpResponse:
    """Answer JSON."""
    return HttpResponse(json.dumps(value, ensure_ascii=False), content_type="application/json", status=status)


def known(error: ScaffolderError) -> Exception:
    """Turn an error of templates into one of the API."""
    text = f"{error.message} {error.remedy}".strip()
    if isinstance(error, (UnknownTemplateError, UnknownTaskError)):
        return NotFoundError(error.message)
    return ConflictError(text) if isinstance(error, StateError) else InputError(text)


@api.get(
    "/v2/templates/{namespace}/{kind}/{name}/parameter-schema",
    response={200: dict[str, Any], **ERRORS},
    operation_id="getParameterSchema",
)
def get_parameter_schema(request: HttpRequest, namespace: ID, kind: ID, name: ID) -> HttpResponse:
    """Answer the questions of a template, page by page."""
    require(READ_PARAMETER)
    if kind.lower() != "template":
        raise InputError(f"Unsupported kind {kind}; only Template has questions")
    if "\0" in namespace + name:
        raise NotFoundError("there is no such template")
    try:
        return answer(parameter_schema(find_template(str(EntityRef(kind, namespace, name)))))
    except ScaffolderError as error:
        raise known(error) from error


@api.get("/v2/actions", response={200: list[dict[str, Any]], **ERRORS}, operation_id="listActions")
def list_actions(request: HttpRequest) -> HttpResponse:
    """List the actions that steps may use, with the schemas of input and output and examples."""
    return answer([acting.action_as_json(action) for action in acting.all_actions()])


@api.post("/v2/actions/{action_id}/run", response={200: dict[str, Any], **ERRORS}, operation_id="runAction")
def run_action(request: HttpRequest, action_id: ID, body: ActionIn) -> HttpResponse:
    """Run one action by itself, in a workspace of its own; with `dryRun` it only says what it would do."""
    try:
        return answer(running_actions.run_action(action_id, body.input, dry_run=body.dryRun).as_dict())
    except ScaffolderError as error:
        raise known(error) from error


@api.post("/v2/tasks", response={201: dict[str, Any], **ERRORS, 400: WrongOut | ErrorOut}, operation_id="scaffold")
def create_task(request: HttpRequest, body: TaskIn) -> HttpResponse:
    """Start a task from a template."""
    _small(request)
    try:
        ref = str(EntityRef.parse(body.templateRef, "template"))
        task = changing.create_task(ref, body.values, body.secrets)
    except WrongAnswersError as error:
        return answer({"errors": changing.mistakes_as_json(error.mistakes)}, 400)
    except ScaffolderError as error:
        raise known(error) from error
    except ValueError as error:
        raise InputError(f"templateRef: {error}") from error
    return answer({"id": str(task.pk)}, 201)


def _small(request: HttpRequest) -> None:
    if len(request.body) > MAX_BODY:
        raise InputError("the body is larger than 10 MB")


@api.get("/v2/tasks", response={200: dict[str, Any], **ERRORS}, operation_id="listTasks")
def list_tasks(
    request: HttpRequest,
    createdBy: Annotated[list[str], Query(default_factory=list)],
    status: Annotated[list[str], Query(default_factory=list)],
    order: Annotated[list[str], Query(default_factory=list)],
    limit: Annotated[int, Query(ge=0, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HttpResponse:
    """Answer a page of the tasks that the caller may see."""
    wanted = []
    for text in order:
        way, _, name = text.partition(":")
        if way not in {"asc", "desc"} or name not in reading.ORDERS:
            raise InputError(
                f'Invalid order parameter "{text[:100]}", expected <asc or desc>:<{"|".join(sorted(reading.ORDERS))}>'
            )
        wanted.append((way, name))
    unknown = [text for text in status if text not in Task.Status.values]
    if unknown:
        raise InputError(f"status: {unknown[0][:50]!r} is none of {', '.join(Task.Status.values)}")
    people = [ref for ref in createdBy if "\0" not in ref]
    found = reading.tasks(created_by=people, status=status, order=wanted, dry_runs=False)
    page = found.defer("secrets", "acting")[offset : offset + limit]
    return answer({"tasks": [reading.task_as_json(task) for task in page], "totalTasks": found.order_by().count()})


@api.get("/v2/tasks/{task_id}", response={200: dict[str, Any], **ERRORS}, operation_id="getTask")
def get_task(request: HttpRequest, task_id: ID) -> HttpResponse:
    """Answer one task with what it runs."""
    return answer(reading.task_as_json(_task(task_id)))


@api.post("/v2/tasks/{task_id}/cancel", response={200: dict[str, Any], **ERRORS}, operation_id="cancelTask")
def cancel_task(request: HttpRequest, task_id: ID) -> HttpResponse:
    """Cancel a task; a running one stops within seconds."""
    try:
        changing.cancel_task(task_id)
    except ScaffolderError as error:
        raise known(error) from error
    return answer({"status": "cancelled"})


@api.post("/v2/tasks/{task_id}/retry", response={201: dict[str, Any], **ERRORS}, operation_id="retry")
def retry_task(request: HttpRequest, task_id: ID, body: RetryIn | None = None) -> HttpResponse:
    """Go on with a failed task from the step that failed."""
    try:
        task = changing.retry_task(task_id, body.secrets if body else None)
    except ScaffolderError as error:
        raise known(error) from error
    return answer({"id": str(task.pk)}, 201)


@api.get("/v2/tasks/{task_id}/events", response={200: list[dict[str, Any]], **ERRORS}, operation_id="getTaskEvents")
def get_events(request: HttpRequest, task_id: ID, after: Annotated[int, Query(ge=0, le=2**62)] = 0) -> HttpResponse:
    """Answer what a task said after an event; waits up to 30 seconds for something new."""
    task = _task(task_id)
    end = time.monotonic() + POLL_SECONDS
    while True:
        found = reading.events(task.pk, after)
        if found or time.monotonic() > end or reading.is_over(task.pk):
            return answer([reading.event_as_json(event) for event in found])
        time.sleep(PAUSE)


@api.get("/v2/tasks/{task_id}/eventstream", response={200: None, **ERRORS}, operation_id="streamLogs")
def stream_events(
    request: HttpRequest, task_id: ID, after: Annotated[int, Query(ge=0, le=2**62)] = 0
) -> StreamingHttpResponse:
    """Send what a task says as server-sent events; a client that comes back says where it was."""
    task = _task(task_id)
    last = request.headers.get("Last-Event-ID", "")
    start = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else after
    response = StreamingHttpResponse(_stream(task.pk, start), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


def _stream(task_id: UUID, after: int) -> Iterator[bytes]:
    end = time.monotonic() + STREAM_SECONDS
    quiet = 0.0
    yield b"retry: 1000\n\n"
    try:
        while time.monotonic() < end:
            # Asked before the events are read, so that nothing said in between is missed.
            over = reading.is_over(task_id)
            found = reading.events(task_id, after)
            for event in found:
                after = event.pk
                data = json.dumps(reading.event_as_json(event), ensure_ascii=False)
                yield f"id: {event.pk}\nevent: {event.type}\ndata: {data}\n\n".encode()
                if event.type == "completion":
                    over = True
            if over and not found:
                return
            quiet = 0.0 if found else quiet + PAUSE
            if quiet > 10:
                quiet = 0.0
                yield b": still here\n\n"
            time.sleep(PAUSE)
    finally:
        # The request is over for Django before the stream is, so nobody else gives the connection back.
        if not connection.in_atomic_block:
            connection.close()


@api.post("/v2/dry-run", response={200: dict[str, Any], **ERRORS, 400: WrongOut | ErrorOut}, operation_id="dryRun")
def dry_run(request: HttpRequest, body: DryRunIn) -> HttpResponse:
    """Run a template without doing anything outside: answers the log, the files and the output."""
    _small(request)
    try:
        contents = [item.dict() for item in body.directoryContents]
        for item in contents:
            base64.b64decode(item["base64Content"], validate=True)
        return answer(dry_runs.dry_run(body.template, body.values, body.secrets or {}, contents))
    except WrongAnswersError as error:
        return answer({"errors": changing.mistakes_as_json(error.mistakes)}, 400)
    except ScaffolderError as error:
        raise known(error) from error
    except ValueError as error:
        raise InputError(f"directoryContents: {error}") from error


@api.post(
    "/v2/autocomplete/{provider}/{resource}", response={200: dict[str, Any], **ERRORS}, operation_id="autocomplete"
)
def autocomplete(request: HttpRequest, provider: ID, resource: ID, body: AutocompleteIn) -> HttpResponse:
    """Suggest repositories, branches and the like of a source host."""
    raise InputError(f"Unsupported provider: {provider}")


@api.get("/v2/templating-extensions", response={200: dict[str, Any], **ERRORS}, operation_id="listTemplatingExtensions")
def templating_extensions(request: HttpRequest) -> HttpResponse:
    """List the filters and globals that templates have."""
    return answer(acting.templating_extensions())


def _task(task_id: str) -> Task:
    try:
        return reading.find_task(task_id)
    except ScaffolderError as error:
        raise known(error) from error
