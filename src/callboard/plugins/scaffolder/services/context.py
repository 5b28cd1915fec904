"""What an action holds in its hand while its step runs."""

from __future__ import annotations

import base64
import logging
import posixpath
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from callboard.plugins.catalog.public import (
    Beside,
    LocationTarget,
    ReadError,
    TreeAnswer,
    TreeFile,
    outside_reader,
    surroundings,
)
from callboard.plugins.scaffolder.clients.workspace import Workspace
from callboard.plugins.scaffolder.models import Receipt, Task, TaskEvent, TaskStep
from callboard.plugins.scaffolder.services.keeping import settings
from callboard.plugins.scaffolder.settings import ScaffolderSettings
from callboard.plugins.scaffolder.types.masking import Masker
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.jobs import JobContext

log = logging.getLogger(__name__)
MAX_LINES = 20_000
LINE = 8_000


@dataclass
class ActionContext:
    """Handed to ``run(input, context)`` of an action.

    ``workspace`` is the folder of the task; ``secrets`` are what the person typed into secret fields.
    ``log`` never lets a secret through. An action that waits asks ``check()`` now and then, which raises
    when the task was cancelled; one that makes something outside writes a ``receipt`` the moment it exists.
    """

    workspace: Workspace
    masker: Masker = field(default_factory=Masker)
    secrets: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    template_ref: str = ""
    dry_run: bool = False
    base: Callable[[str], TreeAnswer] | None = None
    task: Task | None = None
    step: TaskStep | None = None
    job: JobContext | None = None
    deadline: float = 0.0
    over_at: float = 0.0
    lines: list[dict[str, Any]] = field(default_factory=list)
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> ScaffolderSettings:
        """The settings of templates: default author, allow-lists, limits."""
        return settings()

    @property
    def task_id(self) -> str:
        """The id of the task, or nothing where an action runs by itself."""
        return str(self.task.pk) if self.task else ""

    def log(self, message: object, level: str = "info") -> None:
        """Say something in the log of the step; secrets are blanked out."""
        for line in str(message).replace("\0", "�").splitlines() or [""]:
            self._line(self.masker.text(line)[:LINE], level)

    def _line(self, message: str, level: str) -> None:
        if len(self.lines) > MAX_LINES:
            return
        if len(self.lines) == MAX_LINES:
            message, level = f"The log ends here: a task keeps {MAX_LINES} lines.", "warning"
        body: dict[str, Any] = {"message": f"{level}: {message}" if level not in {"info", "debug"} else message}
        if self.step is not None:
            body["stepId"] = self.step.step_id
        self.lines.append(body)
        if self.task is not None:
            TaskEvent.objects.create(task=self.task, type="log", body=body)

    def check(self) -> None:
        """Raise if the task was cancelled or the time of the step is over."""
        if self.job is not None:
            self.job.check()
        if self.over_at and time.monotonic() > self.over_at:
            raise ActionError("The task took longer than it may.", "scaffolder.task_minutes says how long that is.")
        if self.deadline and time.monotonic() > self.deadline:
            raise ActionError("The step took longer than it may.", "scaffolder.step_minutes says how long that is.")

    def wait(self, seconds: float) -> None:
        """Do nothing for a while, but notice when the task is cancelled."""
        end = time.monotonic() + seconds
        quiet = threading.Event()
        while (left := end - time.monotonic()) > 0:
            self.check()
            quiet.wait(min(left, 0.25))

    def fetch(self, target: str) -> TreeAnswer:
        """Read a folder or a file: an address, or a path beside the template."""
        try:
            if self.base is not None:
                return self.base(target)
            return read_outside(target)
        except ReadError as error:
            raise ActionError(error.message, error.remedy) from error

    def checkpoint(self, key: str, make: Callable[[], Any]) -> Any:
        """Answer what ``make`` answers, which is called once even when the step is tried again."""
        if self.step is None:
            return make()
        if key in self.step.checkpoints:
            return self.step.checkpoints[key]
        value = make()
        self.step.checkpoints[key] = value
        TaskStep.objects.filter(pk=self.step.pk).update(checkpoints=self.step.checkpoints)
        return value

    def receipt(
        self,
        kind: str,
        title: str,
        url: str = "",
        *,
        data: Mapping[str, Any] | None = None,
        complete: bool = True,
        cost: str = "",
        expires_at: datetime | None = None,
    ) -> Receipt | None:
        """Write down that something exists now outside of the workspace, and what is needed to take it back.

        With ``complete=False`` it says that it is only half made; :meth:`completed` corrects that.
        """
        values = {
            "kind": kind,
            "title": self.masker.text(title)[:500],
            "url": self.masker.text(url)[:2000],
            "data": self.masker.value(dict(data or {})),
            "complete": complete,
            "cost": cost[:200],
            "expires_at": expires_at,
        }
        self.made.setdefault("receipts", []).append({k: v for k, v in values.items() if k != "expires_at"})
        if self.task is None or self.step is None or self.dry_run:
            return None
        with transaction.atomic():
            return Receipt.objects.create(
                task=self.task, n=self.step.n, step_id=self.step.step_id, action=self.step.action, **values
            )

    def earlier_receipt(self, kind: str) -> Receipt | None:
        """Answer the receipt that an earlier attempt of this step wrote."""
        if self.task is None or self.step is None:
            return None
        return Receipt.objects.filter(task=self.task, n=self.step.n, kind=kind).last()

    def completed(self, receipt: Receipt | None) -> None:
        """Say that what a receipt speaks of is whole now."""
        if receipt is not None:
            Receipt.objects.filter(pk=receipt.pk).update(complete=True)

    def heartbeat(self) -> None:
        """Note that the task is alive."""
        if self.task is not None:
            Task.objects.filter(pk=self.task.pk).update(last_heartbeat_at=timezone.now())


def read_outside(target: str) -> TreeAnswer:
    """Read an address for an action that belongs to no template."""
    if not target.startswith(("http://", "https://", "git:")):
        raise ActionError(
            f"{target[:200]} is a relative path, and there is no template beside which it could lie.",
            "Give an address that begins with https://.",
        )
    return Beside(LocationTarget("url", target), outside_reader()).read(target)


def reader_beside(template_ref: str) -> Callable[[str], TreeAnswer]:
    """Answer how files beside a template are read. Raises :class:`ActionError` when it is gone."""
    found = surroundings(template_ref)
    if found is None:
        raise ActionError(
            f"The template {template_ref} is no longer in the catalog.", "Its files cannot be read without it."
        )
    return found.read


def tree_of_contents(contents: Any, target: str) -> TreeAnswer:
    """Answer a folder or file of a dry run, whose files came with the request."""
    if target.startswith(("http://", "https://", "git:")):
        return read_outside(target)
    folder = posixpath.normpath(target.lstrip("/"))
    if folder == ".." or folder.startswith("../"):
        raise ActionError(f"{target[:200]} leads out of the template.", "Correct the path.")
    prefix = "" if folder == "." else f"{folder}/"
    files = []
    for item in contents:
        path, content = posixpath.normpath(str(item["path"])), base64.b64decode(item["base64Content"])
        if path == folder:
            return TreeAnswer((TreeFile(path.rsplit("/", 1)[-1], content, bool(item.get("executable"))),), single=True)
        if path.startswith(prefix):
            files.append(TreeFile(path[len(prefix) :], content, bool(item.get("executable"))))
    if not files:
        raise ActionError(f"{target[:200]} does not exist in the template.", "Check the path.")
    return TreeAnswer(tuple(files))
