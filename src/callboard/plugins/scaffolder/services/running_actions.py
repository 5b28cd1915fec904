"""Run one action by itself: for the command line, the API and agents."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callboard.plugins.scaffolder.clients.workspace import Workspace
from callboard.plugins.scaffolder.selectors.access import CREATE
from callboard.plugins.scaffolder.selectors.actions import find_action
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.plugins.scaffolder.services.keeping import settings
from callboard.plugins.scaffolder.services.running import perform
from callboard.sdk.audit import record
from callboard.sdk.permissions import require


@dataclass(frozen=True)
class ActionResult:
    """What an action answered, said, wrote and made."""

    output: dict[str, Any]
    log: list[str]
    files: dict[str, bytes]
    receipts: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Answer it as JSON."""
        contents = [
            {"path": path, "base64Content": base64.b64encode(data).decode()} for path, data in self.files.items()
        ]
        return {"output": self.output, "log": self.log, "directoryContents": contents, "receipts": self.receipts}


def run_action(
    action_id: str, given: Mapping[str, Any], *, dry_run: bool = False, folder: Path | None = None
) -> ActionResult:
    """Run an action in a folder, or in one that is gone afterwards. Raises :class:`ScaffolderError`."""
    require(CREATE)
    action = find_action(action_id)
    config = settings()
    with tempfile.TemporaryDirectory(prefix="callboard-action-") as directory:
        root = folder or Path(directory) / "w"
        workspace = Workspace(root, max_files=config.max_files, max_bytes=config.max_bytes).make()
        context = ActionContext(workspace=workspace, dry_run=dry_run)
        output = perform(action, dict(given), context)
        if not (action.read_only or action.local or dry_run):
            record("scaffolder.action.run", action.id, {"receipts": len(context.made.get("receipts", []))})
        files = {} if folder else {name: workspace.read(name) for name in workspace.files()}
    return ActionResult(
        output, [line["message"] for line in context.lines], files, list(context.made.get("receipts", []))
    )
