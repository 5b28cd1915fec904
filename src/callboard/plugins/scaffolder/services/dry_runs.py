"""Run a template without doing anything outside, at once, and answer what came of it."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from callboard.plugins.scaffolder.clients.workspace import Workspace
from callboard.plugins.scaffolder.selectors.access import CREATE
from callboard.plugins.scaffolder.selectors.actions import find_action, plugin_filters
from callboard.plugins.scaffolder.services.context import ActionContext, tree_of_contents
from callboard.plugins.scaffolder.services.keeping import settings
from callboard.plugins.scaffolder.services.running import perform, render_output
from callboard.plugins.scaffolder.types.masking import Masker
from callboard.plugins.scaffolder.types.schema import Mistake, SchemaError, check
from callboard.plugins.scaffolder.types.tasks import ScaffolderError, WrongAnswersError, falls_away
from callboard.plugins.scaffolder.types.template import Step, TemplateError, read_template
from callboard.plugins.scaffolder.types.templating import TemplatingError, evaluate, render_value
from callboard.sdk.audit import record
from callboard.sdk.auth import principal
from callboard.sdk.permissions import NotAllowedError, require


def dry_run(
    template: Mapping[str, Any], values: Mapping[str, Any], secrets: Mapping[str, Any], contents: list[dict[str, Any]]
) -> dict[str, Any]:
    """Answer log, steps, files and output of a dry run of a template that need not be in the catalog."""
    require(CREATE)
    try:
        read = read_template(template)
    except TemplateError as error:
        raise ScaffolderError(str(error), "Correct the template.") from error
    mistakes: list[Mistake] = []
    try:
        for page in read.pages:
            mistakes += check(page.schema, dict(values))
    except SchemaError as error:
        raise ScaffolderError(f"The questions cannot be used: {error}", "Correct the schema.") from error
    if mistakes:
        raise WrongAnswersError(mistakes)
    record("scaffolder.template.dry-run", read.name)
    return DryRun(read.steps, dict(template).get("spec", {}).get("output") or {}, values, secrets, contents).run()


class DryRun:
    """One dry run, in a folder that is gone afterwards."""

    def __init__(
        self,
        steps: tuple[Step, ...],
        output: Mapping[str, Any],
        values: Mapping[str, Any],
        secrets: Mapping[str, Any],
        contents: list[dict[str, Any]],
    ) -> None:
        self.steps, self.output, self.contents = steps, output, contents
        self.values, self.secrets = dict(values), dict(secrets)
        self.outputs: dict[str, Any] = {}
        self.failed = ""
        self.task_id = f"dry-run-{uuid4()}"

    def run(self) -> dict[str, Any]:
        """Run every step and answer what came of it. The first step that fails ends it."""
        with tempfile.TemporaryDirectory(prefix="callboard-dry-run-") as directory:
            config = settings()
            workspace = Workspace(Path(directory) / "w", max_files=config.max_files, max_bytes=config.max_bytes).make()
            context = ActionContext(
                workspace=workspace,
                masker=Masker([self.secrets]),
                secrets=self.secrets,
                user={"ref": principal().ref},
                dry_run=True,
                base=lambda target: tree_of_contents(self.contents, target),
            )
            log: list[dict[str, Any]] = []
            for step in self.steps:
                start = len(context.lines)
                status = self._step(step, context)
                entries = context.lines[start:]
                log += [{"body": {**line, "stepId": step.id}} for line in entries]
                log.append(
                    {
                        "body": {
                            "message": f"{status.capitalize()} step {step.name}",
                            "stepId": step.id,
                            "status": status,
                        }
                    }
                )
            output = {} if self.failed else render_output(self.output, self._values(), plugin_filters())
            return {
                "log": log,
                "steps": [step.as_dict() for step in self.steps],
                "directoryContents": [
                    {
                        "path": name,
                        "executable": os.access(workspace.path(name), os.X_OK),
                        "base64Content": base64.b64encode(workspace.read(name)).decode(),
                    }
                    for name in workspace.files()
                    if not workspace.path(name).is_symlink()
                ],
                "output": context.masker.value(output),
                **({"error": self.failed} if self.failed else {}),
            }

    def _values(self, *, secrets: bool = False) -> dict[str, Any]:
        values = {
            "parameters": self.values,
            "steps": self.outputs,
            "user": {"ref": principal().ref},
            "context": {"task": {"id": self.task_id}},
            "environment": {"parameters": dict(settings().environment)},
            "__failed": bool(self.failed),
        }
        return {**values, "secrets": self.secrets} if secrets else values

    def _step(self, step: Step, context: ActionContext) -> str:
        filters = plugin_filters()
        try:
            wanted = step.condition
            if isinstance(wanted, str):
                if self.failed and "always(" not in wanted and "failure(" not in wanted:
                    return "skipped"
                wanted = evaluate(wanted, self._values(), filters=filters)
            elif self.failed:
                return "skipped"
            if falls_away(wanted):
                return "skipped"
            action = find_action(step.action)
            if step.each is None:
                given = render_value(step.input, self._values(secrets=True), filters=filters) or {}
                self.outputs[step.id] = {"output": perform(action, given, context)}
                return "completed"
            each = render_value(step.each, self._values(), filters=filters)
            pairs = list(each.items()) if isinstance(each, Mapping) else [(str(n), v) for n, v in enumerate(each or [])]
            collected: dict[str, list[Any]] = {}
            for key, value in pairs:
                inside = {**self._values(secrets=True), "each": {"key": key, "value": value}}
                found = perform(action, render_value(step.input, inside, filters=filters) or {}, context)
                for name, item in found.items():
                    collected.setdefault(name, []).append(item)
            self.outputs[step.id] = {"output": collected}
        except (ScaffolderError, TemplatingError, SchemaError, NotAllowedError) as error:
            text = context.masker.text(str(error))
            self.failed = self.failed or f"{step.name}: {text}"
            context.log(text, "error")
            return "failed"
        return "completed"
