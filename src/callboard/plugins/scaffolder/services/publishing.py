"""Publish what is in the workspace to a plain Git remote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from callboard.plugins.catalog.public import ReadError, redact
from callboard.plugins.scaffolder.clients.pushing import Author, local_repository, push_folder
from callboard.plugins.scaffolder.types.tasks import ActionError
from callboard.sdk.config import portal_config

if TYPE_CHECKING:
    from callboard.plugins.scaffolder.services.context import ActionContext


def publish_git(given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Push the workspace as the first commit of a branch; the repository must be there or be made by the push."""
    remote, branch = str(given["remoteUrl"]), str(given.get("defaultBranch") or "main")
    source = context.workspace.real(given.get("sourcePath") or "")
    if not source.is_dir():
        raise ActionError(f"{given.get('sourcePath')} is no folder of the workspace.", "Correct sourcePath.")
    contents = f"git:{remote}?ref={branch}"
    if context.dry_run:
        context.log(
            f"Would push {sum(1 for _ in context.workspace.files())} files to {redact(remote)}, branch {branch}"
        )
        return {"remoteUrl": remote, "repoContentsUrl": contents, "commitHash": "0" * 40}
    if remote.startswith("local:"):
        remote = local_repository(remote.removeprefix("local:"), portal_config().data_dir / "git")
        contents = f"git:{remote}?ref={branch}"
    config = context.settings
    author = Author(
        str(given.get("gitAuthorName") or config.default_author.name),
        str(given.get("gitAuthorEmail") or config.default_author.email),
        context.task.created_at if context.task else timezone.now(),
    )
    message = str(given.get("gitCommitMessage") or config.default_commit_message)
    try:
        commit = push_folder(source, remote, branch, message, author)
    except ReadError as error:
        raise ActionError(error.message, error.remedy) from error
    shown = str(given["remoteUrl"]) if remote.startswith("file:") else redact(remote)
    context.log(f"Pushed {commit[:12]} to {shown}, branch {branch}")
    address = "" if remote.startswith("file:") else shown
    context.receipt("repository", f"Pushed to {shown}, branch {branch}", address, data={"commit": commit})
    return {"remoteUrl": remote, "repoContentsUrl": contents, "commitHash": commit}
