"""Put templates into the catalog, run tasks the way a worker does, and look at what came of it."""

from contextlib import contextmanager
from uuid import uuid4

import yaml

from callboard.plugins.catalog.public import process_due, register_location
from callboard.plugins.scaffolder.models import Task, TaskEvent, TaskStep
from callboard.plugins.scaffolder.services.keeping import principal_from_json
from callboard.plugins.scaffolder.services.running import run_task
from callboard.plugins.scaffolder.services.tasks import create_task
from callboard.plugins.scaffolder.settings import ScaffolderSettings
from callboard.sdk.auth import OPERATOR, Principal, act_as
from callboard.sdk.config import portal_config
from callboard.sdk.jobs import JobContext, StopRunError

ANN = Principal("user", "user:default/ann", "Ann", ("user:default/ann", "group:default/apples"))
BOB = Principal("user", "user:default/bob", "Bob", ("user:default/bob", "group:default/pears"))


@contextmanager
def settings(**changed):
    """Run the block under other settings of templates."""
    rooms = portal_config().rooms
    before = rooms["scaffolder"]
    rooms["scaffolder"] = ScaffolderSettings.model_validate({**before.model_dump(), **changed})
    try:
        yield
    finally:
        rooms["scaffolder"] = before


@contextmanager
def reading(**changed):
    """Run the block under other limits of what the catalog reads."""
    rooms = portal_config().rooms
    before = rooms["catalog"]
    rooms["catalog"] = type(before).model_validate({**before.model_dump(), "reading": changed})
    try:
        yield
    finally:
        rooms["catalog"] = before


def template(name="t", steps=(), parameters=None, **spec):
    """A template as its entity."""
    return {
        "apiVersion": "scaffolder.backstage.io/v1beta3",
        "kind": "Template",
        "metadata": {"name": name, "title": name.title()},
        "spec": {
            "type": "service", "owner": "group:default/apples", "steps": list(steps),
            **({"parameters": parameters} if parameters is not None else {}), **spec,
        },
    }  # fmt: skip


def publish(folder, entity, files=None):
    """Write a template and its files into a folder and register it; answer its ref."""
    place = folder / entity["metadata"]["name"]
    for path, content in (files or {}).items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.write_text(content)
    place.mkdir(parents=True, exist_ok=True)
    (place / "template.yaml").write_text(yaml.safe_dump(entity, sort_keys=False))
    with act_as(OPERATOR, "cli"):
        register_location("file", str(place / "template.yaml"))
        process_due()
    return f"template:default/{entity['metadata']['name']}"


def start(ref, values=None, secrets=None, who=ANN, **more):
    """Start a task."""
    with act_as(who, "api"):
        return create_task(ref, values or {}, secrets, **more)


def work(attempts=20):
    """Run whatever may run, as a worker would; answer how many runs there were."""
    count = 0
    for _ in range(attempts):
        ready = list(Task.objects.filter(status="open", waits="", run_id__isnull=False).order_by("created_at"))
        if not ready:
            return count
        for task in ready:
            count += 1
            run_one(task)
    return count


def run_one(task, job=None):
    """Run one task as its starter."""
    task.refresh_from_db()
    job = job or JobContext(task.run_id, uuid4())
    with act_as(principal_from_json(task.acting), "job"):
        try:
            run_task(job, task.pk)
        except StopRunError as error:
            return error
    return None


def run(ref, values=None, secrets=None, **more):
    """Start a task, run it to its end and answer it."""
    task = start(ref, values, secrets, **more)
    work()
    task.refresh_from_db()
    return task


def log(task):
    """Everything the task said, a line each."""
    return "\n".join(event.body["message"] for event in TaskEvent.objects.filter(task=task))


def states(task):
    """The state of every step, by id."""
    return dict(TaskStep.objects.filter(task=task).values_list("step_id", "status"))
