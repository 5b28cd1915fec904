"""`publish:git`, and telling people."""

from __future__ import annotations

from typing import Any

from callboard.plugins.scaffolder.actions.shapes import TEXTS, flag, obj, text
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.plugins.scaffolder.services.publishing import publish_git
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.contributions import ActionExample, ScaffolderAction


def notification_send(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Say that nobody is told: there is no room for notifications yet."""
    message = f"Nobody was told {given['title']!r}: this portal has no plugin for notifications."
    if given.get("optional") is True or context.dry_run:
        context.log(message, "warning")
        return {}
    raise ActionError(message, "Set `optional: true` in the step, or take it out.")


actions: tuple[ScaffolderAction, ...] = (
    ScaffolderAction(
        id="publish:git",
        title="Push to a Git remote",
        description="Commits the workspace and pushes it to any Git remote as the first commit of a branch.",
        input_schema=obj(
            {
                "remoteUrl": text(
                    "Remote",
                    "Address that `git push` understands, or local:name for a repository that the portal keeps itself.",
                ),
                "defaultBranch": text("Branch", default="main"),
                "sourcePath": text("Source path", "Folder of the workspace."),
                "gitCommitMessage": text("Commit message"),
                "gitAuthorName": text("Author"),
                "gitAuthorEmail": text("E-mail of the author"),
            },
            ("remoteUrl",),
        ),
        output_schema=obj(
            {
                "remoteUrl": {"type": "string"},
                "repoContentsUrl": {"type": "string"},
                "commitHash": {"type": "string"},
            }
        ),
        run=publish_git,
        dry_run=publish_git,
        idempotent=True,
        examples=(
            ActionExample(description="Push everything", input={"remoteUrl": "https://git.example.com/team/shop.git"}),
        ),
    ),
    ScaffolderAction(
        id="notification:send",
        title="Send a notification",
        description="Sends a notification. Until a plugin brings notifications the step fails, or is only logged when "
        "it is optional.",
        input_schema=obj(
            {
                "recipients": text("Recipients", enum=["broadcast", "entity"]),
                "entityRefs": TEXTS,
                "title": text("Title"),
                "info": text("Text"),
                "link": text("Link"),
                "severity": text("Severity", enum=["low", "normal", "high", "critical"]),
                "scope": text("Scope"),
                "optional": flag("Optional"),
            },
            ("recipients", "title"),
        ),
        output_schema=obj({}),
        run=notification_send,
        dry_run=notification_send,
        examples=(
            ActionExample(
                description="Tell everybody",
                input={"recipients": "broadcast", "title": "A new service", "optional": True},
            ),
        ),
    ),
)
