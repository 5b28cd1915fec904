"""What runs, what happens, and what steps can do."""

from __future__ import annotations

from callboard.plugins.scaffolder import jobs
from callboard.plugins.scaffolder.actions import board, fetching, files, hosting, publishing
from callboard.sdk.contributions import Contribution, EventType, Job, ScaffolderAction

actions: tuple[ScaffolderAction, ...] = (
    *fetching.actions,
    *files.actions,
    *board.actions,
    *publishing.actions,
    *hosting.actions,
)

_TASK = {"task": {"type": "string"}}

contributions: tuple[Contribution, ...] = (
    # The time limit of a task is in the settings and is kept by the task itself.
    Job(id="scaffolder.run", title="Run a task", run=jobs.run, timeout=5 * 86_400, retries=0),
    Job(
        id="scaffolder.tend",
        title="Tend tasks",
        run=jobs.tend,
        schedule="*/5 * * * *",
        lock="scaffolder.tend",
        hidden=True,
    ),
    EventType(
        id="scaffolder.task-created",
        title="A task was started",
        schema={
            "type": "object",
            "properties": {**_TASK, "template": {"type": "string"}, "createdBy": {"type": "string"}},
            "required": ["task", "template"],
        },
    ),
    EventType(
        id="scaffolder.task-finished",
        title="A task is over",
        schema={
            "type": "object",
            "properties": {**_TASK, "template": {"type": "string"}, "status": {"type": "string"}},
            "required": ["task", "status"],
        },
    ),
    EventType(
        id="scaffolder.approval-asked",
        title="Somebody has to agree to a step",
        schema={"type": "object", "properties": {**_TASK, "step": {"type": "string"}}, "required": ["task"]},
    ),
    *actions,
)
