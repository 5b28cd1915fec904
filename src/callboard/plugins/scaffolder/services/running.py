"""Run a task: step by step, each recorded before it begins and after it ended, so that none runs twice unasked."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from callboard.plugins.catalog.public import TreeAnswer
from callboard.plugins.scaffolder.models import Approval, Origin, Task, TaskEvent, TaskStep
from callboard.plugins.scaffolder.selectors.access import require_action
from callboard.plugins.scaffolder.selectors.actions import find_action, plugin_filters, supports_dry_run
from callboard.plugins.scaffolder.services.context import ActionContext, reader_beside, tree_of_contents
from callboard.plugins.scaffolder.services.keeping import (
    forget_workspace,
    restore_workspace,
    save_workspace,
    sealed,
    settings,
    unsealed,
    workspace_of,
)
from callboard.plugins.scaffolder.types.masking import Masker
from callboard.plugins.scaffolder.types.schema import SchemaError, check
from callboard.plugins.scaffolder.types.tasks import ActionError, ScaffolderError, falls_away
from callboard.plugins.scaffolder.types.template import Step, read_steps
from callboard.plugins.scaffolder.types.templating import Filters, TemplatingError, evaluate, render_value
from callboard.sdk.audit import record
from callboard.sdk.contributions import ScaffolderAction
from callboard.sdk.events import publish
from callboard.sdk.jobs import JobContext, JobTimedOutError, RunLostError, StopRunError
from callboard.sdk.permissions import NotAllowedError
from callboard.sdk.plugins import guard

log = logging.getLogger(__name__)

IN_DOUBT = (
    "It was interrupted, and nobody knows whether it happened. Look at what it was to make, "
    "then say on the page of the task whether it is to run again or to count as done."
)


LEFT_OUT = "It was left out, because an earlier step failed."


class _Waiting(Exception):  # noqa: N818 - not an error: the task goes on when somebody agrees
    """The task has to wait for somebody."""


def run_task(job: JobContext, task_id: UUID) -> None:
    """Run what is left of a task; called by the job, as whoever started the task."""
    with transaction.atomic():
        task = Task.objects.select_for_update().filter(pk=task_id).first()
        if task is None or not task.active or task.run_id not in {None, job.run_id}:
            return
        again = task.status == Task.Status.PROCESSING
        task.status, task.waits = Task.Status.PROCESSING, ""
        task.run_id = job.run_id
        task.started_at = task.started_at or timezone.now()
        task.last_heartbeat_at = timezone.now()
        task.save(update_fields=["status", "waits", "run_id", "started_at", "last_heartbeat_at"])
        if again:
            body = {"message": "The worker was lost; the task goes on.", "recoverStrategy": "startOver"}
            TaskEvent.objects.create(task=task, type="recovered", body=body)
    Runner(task, job).run()


class Runner:
    """One run through the steps of a task."""

    def __init__(self, task: Task, job: JobContext) -> None:
        self.task = task
        self.job = job
        self.secrets = unsealed(task)
        self.masker = Masker([self.secrets.get("secrets", {})])
        self.steps: list[Step] = list(read_steps(task.spec.get("steps") or []))
        self.rows = list(TaskStep.objects.filter(task=task).order_by("n"))
        self.failed: str = ""
        self.failed_remedy = ""
        self.outputs: dict[str, Any] = {}
        self.filters = plugin_filters()
        user = task.spec.get("user") or {}
        self.context = ActionContext(
            workspace=workspace_of(task.pk),
            masker=self.masker,
            secrets=self.secrets.get("secrets", {}),
            user=user,
            template_ref=task.template_ref,
            dry_run=task.dry_run,
            task=task,
            job=job,
            base=self._beside,
            over_at=time.monotonic() + 60 * settings().task_minutes,
        )

    def _beside(self, target: str) -> TreeAnswer:
        given = self.task.spec.get("directoryContents")
        return tree_of_contents(given, target) if given is not None else reader_beside(self.task.template_ref)(target)

    # --- The whole ------------------------------------------------------------------

    def run(self) -> None:
        """Run every step that is left, then end the task."""
        try:
            restore_workspace(self.task, self.context.workspace)
            self._run_steps()
            output = {} if self.failed else self._output()
        except _Waiting:
            return
        except RunLostError:
            # Another attempt follows; what was running is looked at then.
            raise
        except StopRunError as error:
            self._cancelled(error)
            raise
        except (ScaffolderError, TemplatingError) as error:
            self.failed = self.failed or str(error)
            output = {}
        self._end(output)

    def _run_steps(self) -> None:
        total = len(self.rows)
        for n, row in enumerate(self.rows):
            self.context.check()
            self.job.progress(n, total, row.name)
            if row.status == "completed":
                self.outputs[row.step_id] = {"output": self._kept_output(row)}
            elif row.status == "failed":
                self._note_failure(row.error or "failed", "")
            elif row.status != "skipped":
                self._step(self.steps[n], row)
        self.job.progress(total, total)

    def _kept_output(self, row: TaskStep) -> Any:
        return (self.secrets.get("outputs") or {}).get(row.step_id, row.output)

    # --- One step -------------------------------------------------------------------

    def _step(self, step: Step, row: TaskStep) -> None:
        context = self.context
        context.step = row
        try:
            if row.status == "processing" and not self._may_repeat(step, row):
                return
            if not self._wanted(step):
                # Said in the row, so that a retry knows that the condition was never asked.
                row.error = LEFT_OUT if self.failed else ""
                self._finish(row, "skipped", {})
                return
            self._wait_for_approval(step, row)
            self._begin(row)
            context.deadline = time.monotonic() + 60 * (step.timeout or settings().step_minutes)
            output = self._perform(step)
        except (StopRunError, _Waiting):
            raise
        except (ScaffolderError, TemplatingError, SchemaError, NotAllowedError) as error:
            self._fail(row, str(error), getattr(error, "remedy", ""))
        except Exception as error:
            # The job may have been told to stop, and a library may have wrapped that.
            self.job.check()
            log.exception("step %s of task %s failed", step.id, self.task.pk)
            self._fail(row, f"{type(error).__name__}: {error}", "This is a fault of the action; tell its author.")
        else:
            self._finish(row, "completed", output)
        finally:
            context.step = None
            context.deadline = 0.0

    def _may_repeat(self, step: Step, row: TaskStep) -> bool:
        """Decide on a step that was interrupted: repeat it where that is harmless, otherwise ask the person."""
        action = find_action(step.action)
        if action.local or action.read_only or action.idempotent or self.task.dry_run:
            self.context.log(f"{step.name} was interrupted and begins again.", "warning")
            return True
        row.in_doubt = True
        TaskStep.objects.filter(pk=row.pk).update(in_doubt=True)
        self._fail(row, IN_DOUBT, "")
        return False

    def _wanted(self, step: Step) -> bool:
        condition = step.condition
        if isinstance(condition, str):
            after_failure = "always(" in condition or "failure(" in condition
            if self.failed and not after_failure:
                return False
            condition = evaluate(condition, self._values(), filters=self.filters)
        elif self.failed:
            return False
        return not falls_away(condition)

    def _values(self, *, secrets: bool = False) -> dict[str, Any]:
        spec = self.task.spec
        values = {
            "parameters": spec.get("parameters") or {},
            "steps": self.outputs,
            "user": spec.get("user") or {},
            "context": {"task": {"id": str(self.task.pk)}},
            "entity": spec.get("entity") or {},
            "environment": {"parameters": dict(settings().environment)},
            "__failed": bool(self.failed),
        }
        if secrets:
            values["secrets"] = self.secrets.get("secrets", {})
        return values

    def _wait_for_approval(self, step: Step, row: TaskStep) -> None:
        if step.approval is None or self.task.dry_run:
            return
        asked = Approval.objects.filter(task=self.task, n=row.n).first()
        if asked is not None and asked.decision == "approved":
            return
        if asked is not None and asked.decision:
            if asked.decision == "expired":
                raise ActionError("Nobody agreed to this step in time.", "Retry the task to ask again.")
            why = f": {asked.reason}" if asked.reason else "."
            raise ActionError(
                f"{asked.decided_by_name} did not agree to this step{why}", "Retry the task to ask again."
            )
        with transaction.atomic():
            if asked is None:
                Approval.objects.create(
                    task=self.task,
                    n=row.n,
                    step_name=step.name,
                    by=[ref.lower() for ref in step.approval.by] or self._owners(),
                    four_eyes=step.approval.four_eyes,
                    needs_reason=step.approval.reason,
                    expires_at=timezone.now() + timedelta(hours=step.approval.hours),
                )
            save_workspace(self.task, self.context.workspace)
            Task.objects.filter(pk=self.task.pk).update(status=Task.Status.OPEN, waits="approval", run_id=None)
            TaskStep.objects.filter(pk=row.pk).update(status="open")
            self.context.log(f"{step.name} waits until somebody agrees.")
            publish("scaffolder.approval-asked", {"task": str(self.task.pk), "step": step.id})
        self.context.workspace.remove()
        raise _Waiting

    def _owners(self) -> list[str]:
        owner = str((self.task.spec.get("templateInfo") or {}).get("owner") or "")
        return [owner.lower()] if owner else []

    def _perform(self, step: Step) -> dict[str, Any]:
        action = find_action(step.action)
        if step.each is None:
            return self._once(action, step, self._values(secrets=True))
        each = render_value(step.each, self._values(), filters=self.filters)
        if isinstance(each, list):
            pairs = [(str(n), value) for n, value in enumerate(each)]
        elif isinstance(each, Mapping):
            pairs = list(each.items())
        else:
            raise ActionError("each: a list or an object was expected.", f"It is {each!r:.80}; correct the template.")
        outputs: dict[str, list[Any]] = {}
        for key, value in pairs:
            self.context.check()
            values = {**self._values(secrets=True), "each": {"key": key, "value": value}}
            self.context.log(f"Running step each: {key}")
            found = self.context.checkpoint(f"each:{key}", partial(self._once, action, step, values))
            for name, item in found.items():
                outputs.setdefault(name, []).append(item)
        return dict(outputs)

    def _once(self, action: ScaffolderAction, step: Step, values: dict[str, Any]) -> dict[str, Any]:
        given = render_value(step.input, values, filters=self.filters) or {}
        return perform(action, given, self.context)

    # --- Writing down -----------------------------------------------------------------

    def _begin(self, row: TaskStep) -> None:
        row.status, row.started_at, row.attempt = "processing", timezone.now(), row.attempt + 1
        row.error, row.in_doubt = "", False
        with transaction.atomic():
            row.save(update_fields=["status", "started_at", "attempt", "error", "in_doubt"])
            self._status_event(row, f"Beginning step {row.name}", "processing")
            Task.objects.filter(pk=self.task.pk).update(last_heartbeat_at=timezone.now())

    def _finish(self, row: TaskStep, status: str, output: dict[str, Any]) -> None:
        shown = self.masker.value(output)
        row.status, row.output, row.finished_at = status, shown, timezone.now()
        row.started_at = row.started_at or row.finished_at
        row.checkpoints = {}
        self.outputs[row.step_id] = {"output": output}
        if shown != output:
            self.secrets.setdefault("outputs", {})[row.step_id] = output
        with transaction.atomic():
            row.save(update_fields=["status", "output", "error", "started_at", "finished_at", "checkpoints"])
            if shown != output:
                Task.objects.filter(pk=self.task.pk).update(secrets=sealed(self.task.pk, self.secrets))
            more = any(later.status == "open" for later in self.rows[row.n + 1 :])
            if status == "completed" and more:
                save_workspace(self.task, self.context.workspace)
            text = f"Finished step {row.name}"
            if status == "skipped":
                text = f"Skipping step {row.step_id} because " + (
                    "an earlier step failed" if self.failed else "its if condition was false"
                )
            self._status_event(row, text, status)

    def _fail(self, row: TaskStep, message: str, remedy: str) -> None:
        text = self.masker.text(message)[:8000]
        row.status, row.error, row.finished_at = "failed", text, timezone.now()
        row.save(update_fields=["status", "error", "finished_at"])
        self._status_event(row, text, "failed")
        self._note_failure(f"{row.name}: {text}", self.masker.text(remedy))

    def _note_failure(self, message: str, remedy: str) -> None:
        if not self.failed:
            self.failed, self.failed_remedy = message, remedy

    def _status_event(self, row: TaskStep, message: str, status: str) -> None:
        body = {"message": message, "stepId": row.step_id, "status": status}
        TaskEvent.objects.create(task=self.task, type="log", body=body)

    def _cancelled(self, error: StopRunError) -> None:
        late = isinstance(error, JobTimedOutError)
        status, word = (Task.Status.FAILED, "failed") if late else (Task.Status.CANCELLED, "cancelled")
        message = "The task took longer than it may." if late else f"Cancelled: {error}".removesuffix(": ")
        now = timezone.now()
        with transaction.atomic():
            TaskStep.objects.filter(task=self.task, status="processing").update(status=word, finished_at=now)
            if not late:
                body = {"message": message, "status": "cancelled"}
                TaskEvent.objects.create(task=self.task, type="cancelled", body=body)
        end_task(self.task, status, {}, message, "Retry it to go on from where it was.")

    def _output(self) -> dict[str, Any]:
        found = render_output(self.task.spec.get("output"), self._values(), self.filters)
        shown: dict[str, Any] = self.masker.value(found)
        return shown

    def _end(self, output: dict[str, Any]) -> None:
        if not self.failed and not self.task.dry_run:
            self._remember_origin()
        status = Task.Status.FAILED if self.failed else Task.Status.COMPLETED
        end_task(self.task, status, output, self.masker.text(self.failed), self.failed_remedy)

    def _remember_origin(self) -> None:
        """Note of every entity that was registered what it was made of."""
        refs = []
        remote = ""
        for found in self.outputs.values():
            output = found["output"] if isinstance(found.get("output"), Mapping) else {}
            if isinstance(output.get("entityRef"), str):
                refs.append(output["entityRef"].lower())
            remote = str(output.get("remoteUrl") or remote)
        digests = self.context.made.get("files", {})
        for ref in dict.fromkeys(refs):
            Origin.objects.update_or_create(
                entity_ref=ref,
                defaults={
                    "template_ref": self.task.template_ref,
                    "template_version": self.task.template_version,
                    "answers": self.task.spec.get("parameters") or {},
                    "files": digests,
                    "remote_url": remote,
                    "task_id": self.task.pk,
                },
            )


def perform(action: ScaffolderAction, given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Run one action with its input: allowed, valid, for real or dry."""
    if action.permission:
        from callboard.sdk.permissions import require  # noqa: PLC0415 - few actions name one

        require(action.permission)
    require_action(action.id, given)
    mistakes = check(dict(action.input_schema), given)
    if mistakes:
        words = "; ".join(f"{'.'.join(map(str, m.path)) or 'input'}: {m.message}" for m in mistakes[:10])
        raise ActionError(f"Invalid input passed to action {action.id}, {words}", "Correct the input in the template.")
    with guard(action):
        if context.dry_run and not supports_dry_run(action):
            context.log(f"Skipping because {action.id} does not support dry-run")
            return example_output(action.output_schema)
        act = action.dry_run if context.dry_run and action.dry_run else action.run
        try:
            answer = act(given, context)
        except (ScaffolderError, TemplatingError, NotAllowedError, StopRunError) as error:
            # Said on purpose; no fault of the plugin.
            on_purpose: Exception = error
        else:
            return dict(answer or {})
    raise on_purpose


def render_output(given: Any, values: Mapping[str, Any], filters: Filters) -> dict[str, Any]:
    """Answer the output of a template; links and texts whose ``if`` falls away are left out."""
    wanted = dict(given) if isinstance(given, Mapping) else {}
    for name in ("links", "text"):
        items = wanted.get(name)
        if isinstance(items, list):
            wanted[name] = [
                {key: value for key, value in item.items() if key != "if"} if isinstance(item, Mapping) else item
                for item in items
                if not (isinstance(item, Mapping) and "if" in item)
                or not falls_away(render_value(item["if"], values, filters=filters))
            ]
    return render_value(wanted, values, filters=filters) or {}


def example_output(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what an output may look like, for steps after one that a dry run leaves out."""
    samples = {"string": "<example>", "number": 1, "integer": 1, "boolean": True, "array": [], "object": {}}
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {
        name: part.get("const", part.get("default", samples.get(str(part.get("type")), "<example>")))
        for name, part in properties.items()
        if isinstance(part, Mapping)
    }


def end_task(task: Task, status: Any, output: dict[str, Any], error: str, remedy: str) -> None:
    """Write down how a task ended; its secrets are gone with that, and the next one may begin."""
    from callboard.plugins.scaffolder.services.queue import dispatch  # noqa: PLC0415 - the queue starts what runs here

    failed = status == Task.Status.FAILED
    with transaction.atomic():
        current = Task.objects.select_for_update().get(pk=task.pk)
        if not current.active:
            return
        current.status, current.waits = status, ""
        current.output, current.error, current.remedy = output, error, remedy
        current.finished_at = current.last_heartbeat_at = timezone.now()
        current.secrets = ""
        current.save(
            update_fields=[
                "status",
                "waits",
                "output",
                "error",
                "remedy",
                "finished_at",
                "last_heartbeat_at",
                "secrets",
            ]
        )
        if status != Task.Status.CANCELLED:
            body = {"message": f"Run completed with status: {status}", "output": output}
            if failed:
                body["error"] = {"name": "Error", "message": error}
            TaskEvent.objects.create(task=task, type="completion", body=body)
        details = {"template": task.template_ref, "status": str(status), "dryRun": task.dry_run}
        record("scaffolder.task.finish", str(task.pk), details, "failed" if failed else "succeeded")
        publish(
            "scaffolder.task-finished", {"task": str(task.pk), "template": task.template_ref, "status": str(status)}
        )
        if status == Task.Status.COMPLETED:
            forget_workspace(task)
        dispatch()
    # What is kept of a failed task is in the database; the folder here would only be in the way.
    workspace_of(task.pk).remove()
