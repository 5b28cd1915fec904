"""Actions on source hosts, with the ids and inputs that templates know."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from callboard.plugins.scaffolder.actions.shapes import ANY_OBJECT, TEXTS, TOKEN, flag, many, obj, text
from callboard.plugins.scaffolder.services import hosting
from callboard.plugins.scaffolder.services.context import ActionContext
from callboard.sdk.contributions import ActionExample, ScaffolderAction

REPO_URL = text("Repository", "Value of RepoUrlPicker: host?owner=…&repo=…")
_TEXT: dict[str, Any] = {"type": "string"}
_AUTHOR = {
    "gitCommitMessage": text("Commit message"),
    "gitAuthorName": text("Author"),
    "gitAuthorEmail": text("E-mail of the author"),
}
_SOURCE = {"sourcePath": text("Source path", "Folder of the workspace; the workspace itself if left out.")}
_TARGET = {"targetPath": text("Target path", "Folder of the repository.")}
_VISIBILITY = {"repoVisibility": text("Visibility", enum=["private", "public", "internal"])}
_PUBLISH = {
    "repoUrl": REPO_URL,
    "description": text("Description"),
    "defaultBranch": text("Default branch", default="main"),
    **_VISIBILITY,
    **_AUTHOR,
    **_SOURCE,
    "token": TOKEN,
}
_PROTECTION = {
    "requiredApprovingReviewCount": {"type": "number", "title": "Approvals that are needed"},
    "requireCodeOwnerReviews": flag("Code owners have to review"),
    "dismissStaleReviews": flag("New commits dismiss reviews"),
    "requiredStatusCheckContexts": TEXTS,
    "requireBranchesToBeUpToDate": flag("Branches have to be up to date"),
    "requiredConversationResolution": flag("Conversations have to be resolved"),
    "requiredLinearHistory": flag("Linear history"),
    "requiredCommitSigning": flag("Commits have to be signed"),
    "restrictions": ANY_OBJECT,
    "bypassPullRequestAllowances": ANY_OBJECT,
    "requireLastPushApproval": flag("Somebody else approves the last push"),
}
_GITHUB = {
    "homepage": text("Homepage"),
    "access": text("Access", "Team (org/team) or person that administers it."),
    "protectDefaultBranch": flag("Protect the default branch"),
    "protectEnforceAdmins": flag("Also for administrators"),
    "deleteBranchOnMerge": flag("Delete branches when merged"),
    "allowMergeCommit": flag("Merge commits"),
    "allowSquashMerge": flag("Squash merges"),
    "allowRebaseMerge": flag("Rebase merges"),
    "allowAutoMerge": flag("Auto merge"),
    "squashMergeCommitTitle": _TEXT,
    "squashMergeCommitMessage": _TEXT,
    "collaborators": many(ANY_OBJECT, "Collaborators"),
    "hasProjects": flag("Projects"),
    "hasWiki": flag("Wiki"),
    "hasIssues": flag("Issues"),
    "topics": TEXTS,
    "repoVariables": ANY_OBJECT,
    "secrets": ANY_OBJECT,
    "oidcCustomization": ANY_OBJECT,
    "customProperties": ANY_OBJECT,
    "subscribe": flag("Subscribe"),
    **_PROTECTION,
}
_PUBLISHED = obj(
    {
        "remoteUrl": _TEXT,
        "repoContentsUrl": _TEXT,
        "commitHash": _TEXT,
        "projectId": {"type": ["string", "number"]},
        "repositoryId": {"type": ["string", "number"]},
    }
)

Run = Callable[[tuple[str, ...], dict[str, Any], ActionContext], dict[str, Any]]


def _action(
    id_: str,
    title: str,
    products: tuple[str, ...],
    run: Run,
    properties: dict[str, Any],
    required: tuple[str, ...] = ("repoUrl",),
    *,
    output: dict[str, Any] | None = None,
    example: dict[str, Any] | None = None,
    **more: Any,
) -> ScaffolderAction:
    act = partial(_heeding, run, products)
    sample = {"repoUrl": "github.com?owner=acme&repo=shop", **(example or {})}
    return ScaffolderAction(
        id=id_,
        title=title,
        description=f"{title}.",
        input_schema=obj(properties, required),
        output_schema=output or obj({}),
        run=act,
        dry_run=act,
        examples=(ActionExample(description=title, input=sample),),
        **more,
    )


UNHEEDED = frozenset(
    ("restrictions", "bypassPullRequestAllowances", "requireLastPushApproval", "oidcCustomization",
     "subscribe", "branches", "setUserAsOwner", "enableLFS", "update", "forceFork", "forceEmptyGitAuthor",
     "removeSourceBranch", "variableProtected", "raw", "variableType", "active", "contentType", "insecureSsl")
)  # fmt: skip
"""Inputs that templates may have and that no call stands behind yet."""


def _heeding(run: Run, products: tuple[str, ...], given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Run an action, and say which of its inputs have no effect; nothing is left out silently."""
    for name in sorted(UNHEEDED & given.keys()):
        context.log(f"The input {name} has no effect here.", "warning")
    return run(products, given, context)


def _single(act: Callable[..., dict[str, Any]], what: str) -> Run:
    def run(products: tuple[str, ...], given: dict[str, Any], context: ActionContext) -> dict[str, Any]:
        return hosting.single(products, given, context, lambda client, target: act(given, client, target), what)

    return run


def _publish(id_: str, product: str, title: str, more: dict[str, Any] | None = None) -> ScaffolderAction:
    return _action(
        id_,
        f"Create a repository on {title} and push the workspace",
        (product,),
        hosting.publish,
        {**_PUBLISH, **(more or {})},
        output=_PUBLISHED,
        undo=hosting.remove_repository,
    )


def _request(
    id_: str, product: str, title: str, properties: dict[str, Any], required: tuple[str, ...]
) -> ScaffolderAction:
    example = {name: "add-docs" for name in required if name != "repoUrl"}
    return _action(
        id_,
        title,
        (product,),
        hosting.pull_request,
        {
            "repoUrl": REPO_URL,
            "title": text("Title"),
            "description": text("Description"),
            **_SOURCE,
            **_TARGET,
            **_AUTHOR,
            "token": TOKEN,
            **properties,
        },
        required,
        output=obj(
            {
                "remoteUrl": _TEXT,
                "mergeRequestUrl": _TEXT,
                "pullRequestUrl": _TEXT,
                "reviewUrl": _TEXT,
                "targetBranchName": _TEXT,
                "pullRequestNumber": {"type": ["number", "string"]},
                "projectid": {"type": ["number", "string"]},
                "projectPath": _TEXT,
            }
        ),
        example=example,
        idempotent=True,
    )


_BRANCH = {"branchName": text("Branch"), "targetBranchName": text("Branch to merge into")}
_BITBUCKET = {"sourceBranch": text("Branch"), "targetBranch": text("Branch to merge into")}
_ISSUE = {
    "repoUrl": REPO_URL,
    "title": text("Title"),
    "description": text("Description"),
    "labels": {"type": ["string", "array"]},
    "assignees": {"type": "array"},
    "projectId": {"type": ["number", "string"]},
    "token": TOKEN,
}
_ISSUE_OUT = obj(
    {"issueUrl": _TEXT, "issueId": {"type": ["string", "number"]}, "issueIid": {"type": ["string", "number"]}}
)
_VARIABLE = {
    "repoUrl": REPO_URL,
    "projectId": {"type": ["number", "string"]},
    "key": text("Name"),
    "value": text("Value"),
    "variableType": _TEXT,
    "variableProtected": flag("Protected"),
    "masked": flag("Masked"),
    "raw": flag("Raw"),
    "environmentScope": text("Environment"),
    "token": TOKEN,
}
_HOOK = {
    "repoUrl": REPO_URL,
    "webhookUrl": text("Address"),
    "webhookSecret": text("Secret"),
    "events": {"type": ["array", "string"]},
    "active": flag("Active"),
    "contentType": _TEXT,
    "insecureSsl": flag("Without checking certificates"),
    "token": TOKEN,
}
_DISPATCH = {
    "repoUrl": REPO_URL,
    "workflowId": text("Workflow", "Name of its file."),
    "branchOrTagName": text("Branch or tag"),
    "workflowInputs": ANY_OBJECT,
    "token": TOKEN,
}

actions: tuple[ScaffolderAction, ...] = (
    _publish("publish:github", "github", "GitHub", _GITHUB),
    _publish(
        "publish:gitlab",
        "gitlab",
        "GitLab",
        {
            "setUserAsOwner": flag("Set the user as owner"),
            "topics": TEXTS,
            "settings": ANY_OBJECT,
            "branches": many(ANY_OBJECT),
            "projectVariables": many(ANY_OBJECT),
        },
    ),
    _publish("publish:azure", "azure", "Azure DevOps"),
    _publish("publish:bitbucketCloud", "bitbucket", "Bitbucket Cloud"),
    _publish("publish:bitbucketServer", "bitbucket-server", "Bitbucket Server", {"enableLFS": flag("LFS")}),
    _publish("publish:gitea", "gitea", "Gitea"),
    _publish("publish:gerrit", "gerrit", "Gerrit"),
    _request(
        "publish:github:pull-request",
        "github",
        "Open a pull request on GitHub",
        {
            **_BRANCH,
            "draft": flag("Draft"),
            "reviewers": TEXTS,
            "teamReviewers": TEXTS,
            "assignees": TEXTS,
            "labels": TEXTS,
            "commitMessage": text("Commit message"),
            "update": flag("Update an existing one"),
            "forceFork": flag("Fork"),
            "forceEmptyGitAuthor": flag("No author"),
        },
        ("repoUrl", "branchName", "title", "description"),
    ),
    _request(
        "publish:gitlab:merge-request",
        "gitlab",
        "Open a merge request on GitLab",
        {
            **_BRANCH,
            "commitAction": text("What happens to files", enum=["create", "update", "delete", "skip", "auto"]),
            "removeSourceBranch": flag("Remove the branch when merged"),
            "assignee": _TEXT,
            "reviewers": TEXTS,
            "labels": {"type": ["string", "array"]},
            "projectid": _TEXT,
        },
        ("repoUrl", "branchName"),
    ),
    _request(
        "publish:bitbucketCloud:pull-request",
        "bitbucket",
        "Open a pull request on Bitbucket Cloud",
        _BITBUCKET,
        ("repoUrl", "title", "sourceBranch"),
    ),
    _request(
        "publish:bitbucketServer:pull-request",
        "bitbucket-server",
        "Open a pull request on Bitbucket Server",
        {**_BITBUCKET, "reviewers": TEXTS},
        ("repoUrl", "title", "sourceBranch"),
    ),
    _request(
        "publish:azure:pull-request",
        "azure",
        "Open a pull request on Azure DevOps",
        {**_BRANCH, "reviewers": TEXTS},
        ("repoUrl", "branchName", "title"),
    ),
    _request(
        "publish:gitea:pull-request",
        "gitea",
        "Open a pull request on Gitea",
        {**_BRANCH, "reviewers": TEXTS},
        ("repoUrl", "branchName", "title"),
    ),
    _action(
        "github:repo:create",
        "Create a repository on GitHub",
        ("github",),
        hosting.create_only,
        {**_PUBLISH, **_GITHUB},
        output=obj({"remoteUrl": _TEXT, "repoContentsUrl": _TEXT}),
        undo=hosting.remove_repository,
    ),
    _action(
        "github:repo:push",
        "Push the workspace to a repository on GitHub",
        ("github",),
        hosting.push_only,
        {**_PUBLISH, **_GITHUB},
        output=_PUBLISHED,
    ),
    _action(
        "gitlab:repo:push",
        "Push the workspace to a project on GitLab",
        ("gitlab",),
        hosting.push_only,
        {
            "repoUrl": REPO_URL,
            "branchName": text("Branch"),
            "commitMessage": text("Commit message"),
            **_SOURCE,
            **_TARGET,
            "commitAction": _TEXT,
            "token": TOKEN,
        },
        ("repoUrl", "branchName", "commitMessage"),
        output=obj({"projectid": {"type": ["number", "string"]}, "projectPath": _TEXT, "commitHash": _TEXT}),
        example={"branchName": "main", "commitMessage": "Add files"},
    ),
    _action(
        "github:branch-protection:create",
        "Protect a branch on GitHub",
        ("github",),
        _single(hosting.protect, "protect a branch"),
        {
            "repoUrl": REPO_URL,
            "branch": text("Branch"),
            "enforceAdmins": flag("Also for administrators"),
            **_PROTECTION,
            "token": TOKEN,
        },
        idempotent=True,
    ),
    _action(
        "github:webhook",
        "Make a webhook on GitHub",
        ("github",),
        _single(hosting.add_hook, "make a webhook"),
        _HOOK,
        ("repoUrl", "webhookUrl"),
        example={"webhookUrl": "https://hooks.example.com/x"},
        idempotent=True,
    ),
    _action(
        "github:actions:dispatch",
        "Start a workflow on GitHub",
        ("github",),
        _single(hosting.dispatch_workflow, "start a workflow"),
        _DISPATCH,
        ("repoUrl", "workflowId", "branchOrTagName"),
        example={"workflowId": "ci.yaml", "branchOrTagName": "main"},
    ),
    _action(
        "github:issues:label",
        "Put labels on an issue of GitHub",
        ("github",),
        _single(hosting.label, "label an issue"),
        {"repoUrl": REPO_URL, "number": {"type": ["number", "string"]}, "labels": TEXTS, "token": TOKEN},
        ("repoUrl", "number", "labels"),
        example={"number": 1, "labels": ["bug"]},
        idempotent=True,
    ),
    _action(
        "github:issues:create",
        "Open an issue on GitHub",
        ("github",),
        _single(hosting.open_issue, "open an issue"),
        {**_ISSUE, "body": text("Text")},
        ("repoUrl", "title"),
        output=_ISSUE_OUT,
        example={"title": "Set an owner"},
    ),
    _action(
        "github:environment:create",
        "Make an environment on GitHub",
        ("github",),
        _single(hosting.make_environment, "make an environment"),
        {
            "repoUrl": REPO_URL,
            "name": text("Name"),
            "environmentVariables": ANY_OBJECT,
            "secrets": ANY_OBJECT,
            "token": TOKEN,
        },
        ("repoUrl", "name"),
        example={"name": "staging"},
        idempotent=True,
    ),
    _action(
        "gitlab:issues:create",
        "Open an issue on GitLab",
        ("gitlab",),
        _single(hosting.open_issue, "open an issue"),
        _ISSUE,
        ("repoUrl", "title"),
        output=_ISSUE_OUT,
        example={"title": "Set an owner"},
    ),
    _action(
        "gitlab:projectVariable:create",
        "Set a variable on GitLab",
        ("gitlab",),
        _single(hosting.set_variable, "set a variable"),
        _VARIABLE,
        ("repoUrl", "key", "value"),
        example={"key": "STAGE", "value": "test"},
        idempotent=True,
    ),
    _action(
        "gitlab:pipeline:trigger",
        "Start a pipeline on GitLab",
        ("gitlab",),
        _single(hosting.dispatch_workflow, "start a pipeline"),
        {
            "repoUrl": REPO_URL,
            "projectId": {"type": ["number", "string"]},
            "tokenDescription": _TEXT,
            "branch": text("Branch"),
            "variables": ANY_OBJECT,
            "token": TOKEN,
        },
        ("repoUrl", "branch"),
        output=obj({"pipelineUrl": _TEXT}),
        example={"branch": "main"},
    ),
)
